/**
 * A bound that is sound through a follower. A follower answers pings by itself and tells the leader, who alone
 * times sessions, only every half tick; cut off from the leader it goes on answering (T37). So this one asks the quorum: one
 * transaction after another, with a check for every claim that is held, and trusts an old answer rather than the newest.
 */
import type { Clock, Instant } from '../clock.js';
import { instant } from '../clock.js';
import type { ZooKeeperClient } from './client.js';
import { isZooKeeperError } from './errors.js';

/** The rule of {@link QuorumHeartbeat.anchor}, by itself: pure, so that it can be checked against models of the relay. */
export class RelayRule {
  readonly #relayMs: number;
  #anchor: Instant;
  #exchanges: { readonly sent: Instant; readonly acknowledgedMs: number }[] = [];

  /** `handshake`: when the connect request was sent; the leader itself heard of that. `relayMs`: half a tick. */
  constructor(handshake: Instant, relayMs: number) {
    this.#anchor = handshake;
    this.#relayMs = relayMs;
  }

  /** The leader counts the session's time from no earlier than this. */
  get anchor(): Instant {
    return this.#anchor;
  }

  /**
   * Heartbeat j, sent at `sent`, was acknowledged at `acknowledgedMs`. Let k be the one before it. The leader's ping of the half
   * tick before it handled k reached the follower before k's commit did, and its answer left the follower before j did;
   * whatever the follower had been told by then, the leader knows. That is every heartbeat acknowledged half a tick
   * before k was sent.
   */
  acknowledged(sent: Instant, acknowledgedMs: number): void {
    const before = this.#exchanges.at(-1);
    this.#exchanges.push({ sent, acknowledgedMs });
    if (before === undefined) return;
    const relayed = this.#exchanges.findLastIndex(
      (exchange) => exchange.acknowledgedMs <= before.sent.monotonicMs - this.#relayMs,
    );
    const found = this.#exchanges[relayed];
    if (found === undefined) return;
    this.#anchor = found.sent;
    this.#exchanges = this.#exchanges.slice(relayed + 1);
  }
}

/** Runs while there is a connection, one heartbeat every tenth of the session, whether anything is held or not. */
export class QuorumHeartbeat {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #claims = new Map<string, () => void>();
  #client: ZooKeeperClient | null = null;
  #rule: RelayRule | null = null;
  #timer: unknown;

  constructor(clock: Clock, tickMs: number) {
    this.#clock = clock;
    this.#tickMs = tickMs;
  }

  /** See {@link RelayRule.anchor}; undefined before the first connection. */
  get anchor(): Instant | undefined {
    return this.#rule?.anchor;
  }

  /** Checks `path` with every heartbeat, and calls `gone` when it is not there. Returns the way to stop. */
  attend(path: string, gone: () => void): () => void {
    this.#claims.set(path, gone);
    return () => this.#claims.delete(path);
  }

  /** There is a connection, new or again. What was known of the relay belonged to the one before. */
  begin(client: ZooKeeperClient): void {
    this.pause();
    this.#client = client;
    this.#rule = new RelayRule(client.lastAcknowledged, this.#relayMs(client));
    this.#beat(client, this.#rule);
  }

  /** The connection is gone; the anchor stays what it was. */
  pause(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#client = null;
  }

  /** A session is at least two ticks long, so a longer tick than its half is none of this server's. */
  #relayMs(client: ZooKeeperClient): number {
    return Math.min(this.#tickMs, client.negotiatedTimeoutMs / 2) / 2;
  }

  #beat(client: ZooKeeperClient, rule: RelayRule): void {
    const sent = instant(this.#clock);
    const paths = [...this.#claims.keys()];
    const heard = (throughQuorum: boolean) => {
      if (this.#client !== client || this.#rule !== rule) return;
      if (throughQuorum) rule.acknowledged(sent, this.#clock.now());
      const waitMs = client.negotiatedTimeoutMs / 10 - (this.#clock.now() - sent.monotonicMs);
      this.#timer = this.#clock.setTimeout(
        () => {
          this.#beat(client, rule);
        },
        Math.max(0, waitMs),
      );
    };
    client.multi(paths.map((path) => ({ type: 'check' as const, path }))).then(
      () => {
        heard(true);
      },
      (error: unknown) => {
        // A transaction that was refused went through the quorum like any other; what else is said proves nothing.
        const failedIndex = isZooKeeperError(error) ? error.failedIndex : undefined;
        const path = failedIndex === undefined ? undefined : paths[failedIndex];
        if (path !== undefined && isZooKeeperError(error, 'NoNode')) this.#claims.get(path)?.();
        heard(failedIndex !== undefined);
      },
    );
  }
}
