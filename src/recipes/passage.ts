/** What a member of a double barrier has between entering and leaving. */
import { defer, type Observable, of, repeat, switchMap, take } from 'rxjs';
import { checkOptionalDuration } from '../arguments.js';
import { BarrierTimeoutError } from '../errors.js';
import { type LeaseParts, SharedLease } from '../lease.js';
import { afterSync, listOrNothing } from '../line-listing.js';
import { asking, awaited, watching } from '../reading.js';
import type { ZooKeeperClient } from '../zookeeper/client.js';
import { isZooKeeperError } from '../zookeeper/errors.js';
import type { BarrierOptions } from './barrier.js';
import { vanishing } from './znode-watches.js';

/** Curator's name for the znode that says that the barrier is open. */
export const READY = 'ready';

/**
 * Inside a double barrier. **It can be lost while you work**, with the session: the others then take us for one who left. `release()`
 * leaves without waiting for the others.
 */
export class Passage extends SharedLease {
  readonly #timeoutMs: number | null;

  /** @internal */
  constructor(parts: LeaseParts, timeoutMs: number | null) {
    super(parts);
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Leaves, and resolves when all who were inside with us have left. Rejects with `BARRIER_TIMEOUT`, the signal's reason,
   * `CONNECTION_FAILED`, `SESSION_CLOSED`, `LOCKING_FAILED` or `UNLOCKING_FAILED`; we have left then all the same.
   */
  async leave({ timeoutMs, signal }: BarrierOptions = {}): Promise<void> {
    const { session, lockPath: path, claim } = this.parts;
    const limitMs = checkOptionalDuration('timeoutMs', timeoutMs, 0, path) ?? this.#timeoutMs;
    let standing = 'who is inside is not known yet';
    const others$ = asking(session, path, async (client) => {
      const { members } = await listMembers(client, path);
      const others = new Set(members.filter((name) => name !== claim.name));
      standing = `${others.size} others were inside`;
      return others;
    });
    // Listed before we go: once we have gone, members of the next round may come, who wait for us there.
    const left$ = others$.pipe(
      switchMap((others) => defer(() => this.release()).pipe(switchMap(() => this.#allGone(others)))),
      switchMap(() => asking(session, path, (client) => closeBehind(client, path))),
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
export async function listMembers(
  client: ZooKeeperClient,
  path: string,
): Promise<{ readonly members: readonly string[]; readonly ready: boolean }> {
  const names = await afterSync(client, path, () => listOrNothing(client, path));
  const members = names.filter((name) => name !== READY);
  return { members, ready: members.length < names.length };
}

/** Closes the barrier behind the last one: where somebody is inside again it is another round's, or will be closed by him. */
export async function closeBehind(client: ZooKeeperClient, path: string): Promise<void> {
  const { members, ready } = await listMembers(client, path);
  if (members.length > 0 || !ready) return;
  try {
    await client.delete(`${path}/${READY}`, -1);
  } catch (error) {
    if (!isZooKeeperError(error, 'NoNode')) throw error;
  }
}
