/** Keeps one connection alive, and notices when it is not: pings, a silent peer, an answer that was lost. */
import type { Clock, Instant } from '../clock.js';

/** What a connection and its heartbeat both know. All times are the clock's monotonic ones. */
export interface Traffic {
  sentMs: number;
  receivedMs: number;
}

export interface HeartbeatOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly traffic: Traffic;
  /** Sends a ping; says when. */
  ping(): Instant;
  /** When the oldest unanswered request was sent. */
  oldestSentMs(): number | undefined;
  /** The connection is of no use any more. */
  dead(code: 'OperationTimeout' | 'ProtocolViolation', detail: string): void;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #pingEveryMs: number;
  readonly #silenceMs: number;
  readonly #pings: Instant[] = [];
  /** When the newest answered ping was sent. */
  #pingedMs = Number.NEGATIVE_INFINITY;
  #graceUntilMs = Number.NEGATIVE_INFINITY;
  #timer: unknown;
  #timerDueMs = 0;
  #stopped = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#pingEveryMs = options.timeoutMs / 4;
    this.#silenceMs = (options.timeoutMs * 2) / 3;
    this.#arm(options.clock.now());
  }

  stop(): void {
    this.#stopped = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  /** A ping was answered: says when it had been sent; `undefined` when none was. */
  pong(): Instant | undefined {
    const ping = this.#pings.shift();
    if (ping !== undefined) this.#pingedMs = ping.monotonicMs;
    return ping;
  }

  #arm(nowMs: number): void {
    const { clock, traffic } = this.#options;
    const silentAt = Math.max(traffic.receivedMs + this.#silenceMs, this.#graceUntilMs);
    this.#timerDueMs = Math.max(nowMs + 1, Math.min(silentAt, traffic.sentMs + this.#pingEveryMs));
    this.#timer = clock.setTimeout(() => {
      this.#check();
    }, this.#timerDueMs - nowMs);
  }

  /** Runs when something may be due, not per request. */
  #check(): void {
    const { clock, traffic, timeoutMs } = this.#options;
    const now = clock.now();
    const silentMs = now - traffic.receivedMs;
    if (silentMs >= this.#silenceMs && now >= this.#graceUntilMs) {
      if (now - this.#timerDueMs <= this.#pingEveryMs / 2) {
        this.#options.dead('OperationTimeout', `silent for ${Math.round(silentMs)} ms`);
        return;
      }
      // We were held up ourselves; what the peer said meanwhile has not been read yet. Once, let it be read.
      this.#graceUntilMs = now + this.#pingEveryMs / 3;
    }
    const oldestMs = this.#options.oldestSentMs();
    if (oldestMs !== undefined && this.#pingedMs > oldestMs + timeoutMs) {
      this.#options.dead('ProtocolViolation', 'a request has no answer, though a later ping was answered');
      return;
    }
    if (now - traffic.sentMs >= this.#pingEveryMs) this.#pings.push(this.#options.ping());
    if (!this.#stopped) this.#arm(now);
  }
}
