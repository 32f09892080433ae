/** A web lock, as anybody would use it who has only `session.locks`. */
import type { SharedLease } from '../../../src/lease.js';
import { WEB_LOCKS_ROOT } from '../../../src/recipes/web-lock-names.js';
import { WebLockManager } from '../../../src/recipes/web-locks.js';
import type { Attempt } from '../attempt.js';
import type { Chance } from '../chance.js';
import type { World } from '../world.js';
import { CHANGED_MIND, granted, hold, soonOrLater } from './asking.js';

export async function useWebLock(
  world: World,
  attempt: Attempt,
  chance: Chance,
  how: 'exclusive' | 'shared' | 'steal',
): Promise<void> {
  const { participant, path } = attempt;
  attempt.shared = how === 'shared';
  const settings = participant.settings(world, attempt, path, { onSuspend: attempt.policy, timeoutMs: null });
  let lease: SharedLease | null = null;
  const locks = new WebLockManager({
    lock: (_, rule, grantOf) =>
      participant.lock(settings, {
        rule,
        grant: (parts) => {
          const made = grantOf(parts);
          lease = made;
          return made;
        },
      }),
    linesUnder: () => Promise.resolve([]),
    closed: () => participant.closed,
    transacts: () => true,
  });
  const controller = new AbortController();
  const ifAvailable = how !== 'steal' && chance.happens(0.15);
  const givesUp = how !== 'steal' && !ifAvailable && chance.happens(attempt.shared ? 0.1 : 0.5);
  if (givesUp) {
    participant.clock.setTimeout(() => {
      controller.abort(CHANGED_MIND);
    }, soonOrLater(chance));
  }
  const options = {
    mode: attempt.shared ? 'shared' : 'exclusive',
    ifAvailable,
    steal: how === 'steal',
    ...(givesUp ? { signal: controller.signal } : {}),
  } as const;
  world.tell(attempt.name, `asks ${how}`);
  attempt.doing = 'waiting for the lock';
  const using = locks.request(path.slice(WEB_LOCKS_ROOT.length + 1), options, async (lock) => {
    if (lock === null || lease === null) return;
    granted(world, attempt, lease);
    await hold(world, attempt, lease, chance);
    attempt.doing = 'releasing';
  });
  await world.promises.track(attempt, attempt.doing, using);
}
