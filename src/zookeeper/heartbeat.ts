/** Keeps one connection alive, and notices when it is not: pings, a silent peer, an answer that was lost. */
import { type Clock, elapsedMs, type Instant } from '../clock.js';

/** What a connection and its heartbeat both know. All times are the clock's monotonic ones. */
export interface Traffic {
  sentMs: number;
  receivedMs: number;
}

export interface HeartbeatOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly traffic: Traffic;
  /** When the newest acknowledged request was sent. */
  acknowledged(): Instant;
  /** Sends a ping; says when. */
  ping(): Instant;
  /** When the oldest unanswered request was sent. */
  oldestSentMs(): number | undefined;
  /** The connection is of no use any more. */
  dead(code: 'OperationTimeout' | 'ProtocolViolation', detail: string): void;
}

/** Of a session. What is left of it covers a follower's relay, as the largest guard does. */
const TRUSTED_SILENCE = 3 / 4;

/**
 * From ping to ping, and what the bound leaves out for a follower: one tick of the server's usual 2 s or a tenth of the session,
 * whichever is more; at most a quarter (DESIGN §3.6). They are one, because a follower may die with a ping that it answered and did
 * not tell the leader of: the session then counts from the one before.
 */
export function paceMs(sessionTimeoutMs: number): number {
  return Math.min(Math.max(2_000, sessionTimeoutMs / 10), sessionTimeoutMs / 4);
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
    this.#pingEveryMs = paceMs(options.timeoutMs);
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

  /**
   * Whether a request may be sent. Not when nothing was acknowledged for most of the session, as after a process that stood still:
   * a follower would still answer, and its word might come to the leader after the session's end. The connection is then ended,
   * for the next handshake goes to the leader itself.
   */
  inTouch(): boolean {
    const { clock, timeoutMs } = this.#options;
    const unheardMs = elapsedMs(clock, this.#options.acknowledged());
    if (unheardMs <= timeoutMs * TRUSTED_SILENCE) return true;
    this.#options.dead('OperationTimeout', `nothing was acknowledged for ${Math.round(unheardMs)} ms`);
    return false;
  }

  #arm(nowMs: number): void {
    const { clock, traffic } = this.#options;
    const silentAt = Math.max(traffic.receivedMs + this.#silenceMs, this.#graceUntilMs);
    this.#timerDueMs = Math.max(
      nowMs + 1,
      Math.min(silentAt, Math.max(traffic.sentMs + this.#pingEveryMs, this.#graceUntilMs)),
    );
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
    if (now >= this.#graceUntilMs && now - traffic.sentMs >= this.#pingEveryMs) {
      if (!this.inTouch()) return;
      this.#pings.push(this.#options.ping());
    }
    if (!this.#stopped) this.#arm(now);
  }
}
