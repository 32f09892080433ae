/** Which server is tried next, and how soon: every host once in a round, and longer pauses from round to round. No I/O. */
import type { Address } from './transport.js';

/** The first pause after every host was tried in vain; doubled from round to round. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** A healthy server on a slow path may need this long to take a session; never given less, if the session has it. */
const PATIENCE_MS = 1_000;

export class HostRotation {
  readonly #hosts: readonly Address[];
  readonly #random: () => number;
  #next = 0;
  /** Attempts begun since a connection last answered anything. */
  #attempts = 1;

  constructor(hosts: readonly Address[], random: () => number) {
    this.#hosts = shuffled(hosts, random);
    this.#random = random;
  }

  /** The host whose turn it is. */
  next(): Address {
    const address = this.#hosts[this.#next] as Address;
    this.#next = (this.#next + 1) % this.#hosts.length;
    return address;
  }

  /** A connection was good for something: the round begins anew. */
  proven(): void {
    this.#attempts = 0;
  }

  /** The attempt failed, or the connection ended: milliseconds until the next; undefined for at once. */
  failed(sessionTimeoutMs: number): number | undefined {
    const round = this.#attempts / this.#hosts.length;
    this.#attempts += 1;
    if (round < 1 || !Number.isInteger(round)) return undefined;
    const longest = Math.min(LONGEST_PAUSE_MS, sessionTimeoutMs / 10);
    return Math.min(FIRST_PAUSE_MS * 2 ** (round - 1), longest) * (0.5 + this.#random() / 2);
  }

  /**
   * How long one host may take: its share of the two thirds of the session that a silent peer costs, so that all
   * hosts are tried before the session is gone; but not less than {@link PATIENCE_MS}.
   */
  attemptTimeoutMs(sessionTimeoutMs: number): number {
    const budget = (sessionTimeoutMs * 2) / 3;
    return Math.max(Math.min(PATIENCE_MS, budget), budget / this.#hosts.length);
  }
}

/** Fisher and Yates: which server a client talks to is chance, so that many clients spread. */
function shuffled(hosts: readonly Address[], random: () => number): Address[] {
  const order = [...hosts];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] as Address, order[last] as Address];
  }
  return order;
}
