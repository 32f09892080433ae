/** What a member of a double barrier has between entering and leaving. */
import { defer, type Observable, of, repeat, switchMap, take } from 'rxjs';
import { checkOptionalDuration } from '../arguments.js';
import { BarrierTimeoutError } from '../errors.js';
import { type LeaseParts, SharedLease } from '../lease.js';
import { afterSync, listOrNothing } from '../line-listing.js';
import { asking, awaited, watching } from '../reading.js';
import type { ZooKeeperClient } from '../zookeeper/client.js';
import type { BarrierOptions, BarrierSettings } from './barrier.js';
import { close, READY, sortedOut, takeAlong } from './barrier-round.js';
import { vanishing } from './znode-watches.js';

/**
 * Inside a double barrier. **It can be lost while you work**, with the session: the others then take us for one who left. `release()`
 * leaves without waiting for the others.
 */
export class Passage extends SharedLease {
  readonly #settings: Pick<BarrierSettings, 'path' | 'acl' | 'timeoutMs'>;

  /** @internal */
  constructor(parts: LeaseParts, settings: Pick<BarrierSettings, 'path' | 'acl' | 'timeoutMs'>) {
    super(parts);
    this.#settings = settings;
  }

  /**
   * Leaves, and resolves when all who were inside with us have left. Rejects with `BARRIER_TIMEOUT`, the signal's reason,
   * `CONNECTION_FAILED`, `SESSION_CLOSED`, `LOCKING_FAILED` or `UNLOCKING_FAILED`; we have left then all the same.
   */
  async leave({ timeoutMs, signal }: BarrierOptions = {}): Promise<void> {
    const { session, lockPath: path, claim } = this.parts;
    const place = this.#settings;
    const limitMs = checkOptionalDuration('timeoutMs', timeoutMs, 0, path) ?? place.timeoutMs;
    let standing = 'who is inside is not known yet';
    const others$ = asking(session, path, async (client) => {
      const { members } = await listMembers(client, path);
      const others = members.filter((name) => name !== claim.name);
      const inside = others.length === 0 ? others : await takeAlong(client, place, claim.path, others);
      standing = `${inside.length} others were inside`;
      return new Set(inside);
    });
    // Listed before we go: once we have gone, members of the next round may come, who wait for us there.
    const left$ = others$.pipe(
      switchMap((others) => defer(() => this.release()).pipe(switchMap(() => this.#allGone(others)))),
      switchMap(() => asking(session, path, (client) => closeBehind(client, place))),
    );
    try {
      await awaited(session, path, left$, {
        timeoutMs: limitMs,
        late: () => new BarrierTimeoutError(path, limitMs ?? 0, standing),
        signal,
      });
    } catch (error) {
      // Whatever kept us from waiting, we leave.
      void this[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Emits once when none of these is there any more. */
  #allGone(names: ReadonlySet<string>): Observable<true> {
    const { session, lockPath: path } = this.parts;
    const look = (client: ZooKeeperClient) =>
      defer(() => listMembers(client, path)).pipe(
        switchMap(({ members }): Observable<true> => {
          const somebody = members.find((name) => names.has(name));
          return somebody === undefined ? of<true>(true) : vanishing(client, `${path}/${somebody}`);
        }),
        repeat(),
        take(1),
      );
    return watching(session, path, look).pipe(take(1));
  }
}

/** Who is inside, and whether the barrier says that it is open, also where our server is behind. */
async function listMembers(client: ZooKeeperClient, path: string) {
  return sortedOut(await afterSync(client, path, () => listOrNothing(client, path)));
}

/** Closes the barrier behind the last one: where somebody is inside again it is another round's, or will be closed by him. */
async function closeBehind(
  client: ZooKeeperClient,
  place: Pick<BarrierSettings, 'path' | 'acl'>,
): Promise<void> {
  const { members, ready } = await listMembers(client, place.path);
  if (members.length > 0 || !ready) return;
  const stat = await client.exists(`${place.path}/${READY}`);
  if (stat !== null) await close(client, place, stat);
}
