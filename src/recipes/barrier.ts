/**
 * Holds everybody back while a znode is there, in the layout of Curator's DistributedBarrier: whoever raises it makes the path,
 * whoever lowers it deletes it, and those who wait watch it.
 */
import { defer, filter, firstValueFrom, ignoreElements, map, merge, Observable, tap } from 'rxjs';
import type { LockSettings } from '../acquisition.js';
import { checkOptionalDuration } from '../arguments.js';
import { BarrierTimeoutError } from '../errors.js';
import type { SharedLease } from '../lease.js';
import { afterSync } from '../line-listing.js';
import { makeParents } from '../parents.js';
import { asking, awaited, watching } from '../reading.js';
import type { ZooKeeperClient } from '../zookeeper/client.js';
import { isZooKeeperError } from '../zookeeper/errors.js';
import { presence } from './znode-watches.js';

/** How to wait. */
export interface BarrierOptions {
  /** Milliseconds from the call until `BARRIER_TIMEOUT`. Default: what the barrier was made with. */
  readonly timeoutMs?: number;
  /** Rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What a barrier needs of its session. @internal */
export type BarrierSettings = Omit<LockSettings<SharedLease>, 'rule' | 'grant'>;

/** A barrier at one moment. */
export interface BarrierState {
  readonly status: 'raised' | 'lowered';
  /** When it was seen, epoch ms. */
  readonly asOf: number;
  /** `stale`: cut off since; it may have changed. */
  readonly freshness: 'live' | 'stale';
}

const nothing = new Uint8Array(0);

/**
 * **It outlives whoever raised it**: the znode is persistent, so when nobody lowers it, everybody waits for ever. Give those who wait a
 * deadline.
 *
 * Subscribing tells whether it is raised, now and after every change. Where no barrier was raised yet, nobody is held back.
 */
export class Barrier extends Observable<BarrierState> {
  readonly path: string;
  readonly #settings: BarrierSettings;

  /** @internal Use `session.barrier(path)`. */
  constructor(settings: BarrierSettings) {
    super((subscriber) => this.#state().subscribe(subscriber));
    this.#settings = settings;
    this.path = settings.path;
  }

  /** Raises it; resolves when it is there, whoever raised it. Rejects with `LOCKING_FAILED` when ZooKeeper refuses. */
  async raise(): Promise<void> {
    const { session, path, acl } = this.#settings;
    const parent = path.slice(0, path.lastIndexOf('/'));
    const make = async (client: ZooKeeperClient) => {
      try {
        await client.create(path, nothing, { mode: 'persistent', ...(acl === undefined ? {} : { acl }) });
      } catch (error) {
        if (isZooKeeperError(error, 'NodeExists')) return true;
        if (!isZooKeeperError(error, 'NoNode') || parent === '') throw error;
        const refused = await makeParents(client, parent, acl);
        if (refused !== undefined) throw refused as Error;
        return false;
      }
      return true;
    };
    while (!(await firstValueFrom(asking(session, path, make))));
  }

  /** Lowers it; resolves when it is gone. One that somebody raises anew meanwhile stays. Rejects with `LOCKING_FAILED` when ZooKeeper refuses. */
  async lower(): Promise<void> {
    const { session, path } = this.#settings;
    let lowering: bigint | null = null;
    const remove = async (client: ZooKeeperClient) => {
      // The answer to a deletion may be lost: what stands there the next time may be another one.
      const stat = await afterSync(client, path, () => client.exists(path));
      if (stat === null || stat.czxid !== (lowering ?? stat.czxid)) return;
      lowering = stat.czxid;
      await client.delete(path, -1).catch((error: unknown) => {
        if (!isZooKeeperError(error, 'NoNode')) throw error;
      });
    };
    await firstValueFrom(asking(session, path, remove));
  }

  /**
   * Resolves when it is not raised: at once when it is not now. Rejects with `BARRIER_TIMEOUT`, the signal's reason, `CONNECTION_FAILED`,
   * `SESSION_CLOSED` or `LOCKING_FAILED`.
   */
  async wait({ timeoutMs, signal }: BarrierOptions = {}): Promise<void> {
    const { session, path } = this.#settings;
    const limitMs = checkOptionalDuration('timeoutMs', timeoutMs, 0, path) ?? this.#settings.timeoutMs;
    let seen = `no answer from ${session.connectString} yet`;
    const lowered$ = this.#state().pipe(
      tap(({ status }) => {
        seen = `it was ${status} when last seen`;
      }),
      filter(({ status, freshness }) => status === 'lowered' && freshness === 'live'),
    );
    await awaited(session, path, lowered$, {
      timeoutMs: limitMs,
      late: () => new BarrierTimeoutError(path, limitMs ?? 0, seen),
      signal,
    });
  }

  #state(): Observable<BarrierState> {
    const { session, path } = this.#settings;
    return defer(() => {
      let last: BarrierState | undefined;
      // Behind a sync: whoever was told that it is raised waits, whatever his server knows of it.
      const look = (client: ZooKeeperClient) =>
        merge(defer(() => client.sync(path)).pipe(ignoreElements()), presence(client, path)).pipe(
          map((stat): BarrierState => {
            last = {
              status: stat === null ? 'lowered' : 'raised',
              asOf: session.clock.wallNow(),
              freshness: 'live',
            };
            return last;
          }),
        );
      return watching(session, path, look, () =>
        last?.freshness === 'live' ? (last = { ...last, freshness: 'stale' }) : undefined,
      );
    });
  }
}
