/** Who is alive: session ids and passwords, timeouts, and when they run out. Time is passed in; no timers. */

/** Owner's view of one session. */
export interface SessionInfo {
  /** Unsigned hex without leading zeros, as in a stat's `ephemeralOwner`. */
  readonly id: string;
  readonly timeoutMs: number;
  /** On the clock that `nowMs` is read from. */
  readonly expiresAtMs: number;
}

interface Session extends SessionInfo {
  readonly password: Uint8Array;
  timeoutMs: number;
  expiresAtMs: number;
  /** Added by a fault to every deadline from then on; negative for early. */
  skewMs: number;
}

export interface SessionLimits {
  readonly tickMs: number;
  readonly minTimeoutMs: number;
  readonly maxTimeoutMs: number;
}

/** A password's length, as the real server makes them. */
const PASSWORD_BYTES = 16;

export class Sessions {
  readonly #limits: SessionLimits;
  readonly #random: () => number;
  readonly #sessions = new Map<string, Session>();
  #nextId: bigint;

  /** @param random numbers in [0, 1): ids and passwords come from it. */
  constructor(limits: SessionLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
    // As on a real server 1: its number in the top byte, 40 bits of the time it started, and a counter.
    this.#nextId = (1n << 56n) | (BigInt(Math.floor(random() * 2 ** 40)) << 16n);
  }

  get count(): number {
    return this.#sessions.size;
  }

  all(): SessionInfo[] {
    return [...this.#sessions.values()].map(({ id, timeoutMs, expiresAtMs }) => ({
      id,
      timeoutMs,
      expiresAtMs,
    }));
  }

  isAlive(id: string): boolean {
    return this.#sessions.has(id);
  }

  /** What a client that asks for `timeoutMs` is granted: 2 to 20 ticks, unless configured otherwise. */
  negotiated(timeoutMs: number): number {
    const { minTimeoutMs, maxTimeoutMs } = this.#limits;
    return Math.min(Math.max(timeoutMs, minTimeoutMs), maxTimeoutMs);
  }

  create(timeoutMs: number, nowMs: number): { readonly id: string; readonly password: Uint8Array } {
    const id = this.#nextId.toString(16);
    this.#nextId += 1n;
    const password = Uint8Array.from({ length: PASSWORD_BYTES }, () => Math.floor(this.#random() * 256));
    const session: Session = { id, password, timeoutMs, expiresAtMs: 0, skewMs: 0 };
    this.#sessions.set(id, session);
    this.#touch(session, nowMs);
    return { id, password };
  }

  /** Goes on with a session that its owner comes back to. `false`: unknown, over, or the password is wrong. */
  resume(id: string, password: Uint8Array, timeoutMs: number, nowMs: number): boolean {
    const session = this.#sessions.get(id);
    if (session === undefined || !equal(session.password, password)) return false;
    session.timeoutMs = timeoutMs;
    this.#touch(session, nowMs);
    return true;
  }

  /** A sign of life. `false` when the session is over. */
  touch(id: string, nowMs: number): boolean {
    const session = this.#sessions.get(id);
    if (session === undefined) return false;
    this.#touch(session, nowMs);
    return true;
  }

  remove(id: string): boolean {
    return this.#sessions.delete(id);
  }

  /** Fault: this session's deadlines come so much later (negative: earlier) than promised, the current one included. */
  skew(id: string, byMs: number): boolean {
    const session = this.#sessions.get(id);
    if (session === undefined) return false;
    session.skewMs += byMs;
    session.expiresAtMs += byMs;
    return true;
  }

  /** Those whose time is up, in the order they were made. */
  due(nowMs: number): string[] {
    const ids: string[] = [];
    for (const { id, expiresAtMs } of this.#sessions.values()) if (expiresAtMs <= nowMs) ids.push(id);
    return ids;
  }

  expiryOf(id: string): number | undefined {
    return this.#sessions.get(id)?.expiresAtMs;
  }

  /** When to look again. */
  nextExpiryMs(): number | undefined {
    let next: number | undefined;
    for (const { expiresAtMs } of this.#sessions.values()) {
      if (next === undefined || expiresAtMs < next) next = expiresAtMs;
    }
    return next;
  }

  /** The end of the tick after the one the timeout ends in: never early, up to one tick late (ExpiryQueue). */
  #touch(session: Session, nowMs: number): void {
    const { tickMs } = this.#limits;
    session.expiresAtMs = (Math.floor((nowMs + session.timeoutMs) / tickMs) + 1) * tickMs + session.skewMs;
  }
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
