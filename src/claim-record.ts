/**
 * What our claim's znode says, as far as we wrote it. Every rewrite is versioned, so that a renewal and a purge by
 * someone else exclude each other (DESIGN §3.9), and keeps the fields that others put there.
 */
import { type ClaimData, decodeClaim, encodeClaim, isInPlace } from './claim-data.js';
import { type Clock, elapsedMs, type Instant, instant } from './clock.js';
import type { Stat, ZooKeeperClient } from './zookeeper/client.js';
import { isZooKeeperError } from './zookeeper/errors.js';

/**
 * Added to the deadline that we write for the Go package's contenders, who purge by their own clock: the holder is to
 * hear of its end first.
 */
const FOREIGN_PURGE_MARGIN_MS = 1_000;

/** Where nothing was written yet; one for all, for ten thousand may wait. */
const written: Promise<unknown> = Promise.resolve();

/** One claim's data. */
export class ClaimRecord {
  readonly #clock: Clock;
  readonly #verbatim: Uint8Array | undefined;
  #data: ClaimData;
  #version = 0;
  #madeMs = 0;
  #writing = written;
  /** Since when, and how long, the grant lasts by itself; null: for as long as it is held. */
  #term: { readonly since: Instant; readonly ttlMs: number } | null = null;

  /** `verbatim`: what a new claim says instead, where another language's recipe fixes it. */
  constructor(clock: Clock, data: ClaimData, verbatim?: Uint8Array) {
    this.#clock = clock;
    this.#data = data;
    this.#verbatim = verbatim;
  }

  /**
   * What a new claim says: waiting, so with a deadline that nobody reaches (K01, K11). `place`: the creation transaction of the
   * one whose place it takes.
   */
  fresh(place = this.#data.place): Uint8Array {
    this.#version = 0;
    if (place !== this.#data.place) this.#data = { ...this.#data, ...(place === undefined ? {} : { place }) };
    this.#madeMs = this.#clock.wallNow();
    return this.#verbatim ?? encodeClaim(this.#data, this.#madeMs);
  }

  /** Milliseconds until the term ends; `Infinity` without one. Computed at the call. */
  remainingTermMs(): number {
    if (this.#term === null) return Number.POSITIVE_INFINITY;
    return this.#term.ttlMs - elapsedMs(this.#clock, this.#term.since);
  }

  /** The holder counts from here, before anything is known of the write: it can only be early. */
  startTerm(ttlMs: number): void {
    this.#term = { since: instant(this.#clock), ttlMs };
  }

  /**
   * Writes the grant with a term of `ttlMs` from now. The term is counted from the send of the write that was
   * acknowledged. Rejects with the {@link ZooKeeperError} of the write; the term is then as it was.
   */
  writeTerm(client: ZooKeeperClient, path: string, ttlMs: number): Promise<void> {
    return this.#inTurn(async () => {
      let since = instant(this.#clock);
      await this.#rewrite(client, path, (data) => {
        since = instant(this.#clock);
        return { ...data, ttlMs, ttlDeadlineMs: since.wallMs + ttlMs + FOREIGN_PURGE_MARGIN_MS };
      });
      this.#term = { since, ttlMs };
    });
  }

  /**
   * Writes once more what our claim says. Resolves with the write's own transaction, which is later than any that was seen before
   * it was sent. Rejects with the {@link ZooKeeperError} of the write.
   */
  stamp(client: ZooKeeperClient, path: string): Promise<bigint> {
    return this.#inTurn(async () => (await this.#rewrite(client, path, (data) => data)).mzxid);
  }

  /**
   * Puts back what our claim says where a request was written over it, and keeps the request in our JSON. Resolves at once when there
   * is none. Rejects with the {@link ZooKeeperError} of the read or the write.
   */
  restore(client: ZooKeeperClient, path: string): Promise<void> {
    return this.#inTurn(async () => {
      for (;;) {
        const { data, stat } = await client.getData(path);
        if (!isInPlace(data)) return;
        this.#keep(data, stat);
        const restored = this.#verbatim ?? encodeClaim(this.#data, this.#madeMs);
        try {
          this.#version = (await client.setData(path, restored, stat.version)).version;
          return;
        } catch (error) {
          if (!isZooKeeperError(error, 'BadVersion')) throw error;
        }
      }
    });
  }

  async #rewrite(client: ZooKeeperClient, path: string, next: (data: ClaimData) => ClaimData): Promise<Stat> {
    for (;;) {
      const data = next(this.#data);
      try {
        const stat = await client.setData(path, encodeClaim(data, this.#madeMs), this.#version);
        this.#version = stat.version;
        this.#data = data;
        return stat;
      } catch (error) {
        if (!isZooKeeperError(error, 'BadVersion')) throw error;
        const present = await client.getData(path);
        this.#keep(present.data, present.stat);
      }
    }
  }

  /** Others wrote to our claim: what they added stays. */
  #keep(bytes: Uint8Array, { version }: Stat): void {
    const { revoke, rest } = decodeClaim(bytes);
    this.#version = version;
    this.#data = { ...this.#data, rest, ...(revoke === undefined ? {} : { revoke }) };
  }

  #inTurn<T>(write: () => Promise<T>): Promise<T> {
    const turn = this.#writing.then(write, write);
    this.#writing = turn;
    return turn;
  }
}
