/** Exclusive locks, one at a time; web locks where the profile says so. */
import { Lease } from '../../../src/lease.js';
import { lockRule } from '../../../src/queue.js';
import type { Attempt } from '../attempt.js';
import type { Chance } from '../chance.js';
import { HandedOnNoMore } from '../checkers/handed-on-no-more.js';
import { LossesAreWaitedOut, NoMarkOfAReleasedClaim } from '../checkers/losses-are-waited-out.js';
import { NobodyWaitsFirst } from '../checkers/nobody-waits-first.js';
import { OneHolder } from '../checkers/one-holder.js';
import { TakenIsTold } from '../checkers/taken-is-told.js';
import { TokensGrow } from '../checkers/tokens-grow.js';
import type { World } from '../world.js';
import { ask, hold, severalTimes } from './asking.js';
import { useWebLock } from './web-lock.js';
import type { Workload } from './workload.js';

function lockOf(world: World, attempt: Attempt, chance: Chance, timeoutMs: number | null) {
  const { participant } = attempt;
  attempt.policy = world.policy(chance);
  const ttlMs = chance.happens(world.profile.ttl) ? chance.between(1_000, 6_000) : null;
  attempt.timeToLive = ttlMs !== null;
  // Nobody is asked without need: the histories of other kinds stay what they are.
  attempt.sharing = world.profile.sharing > 0 && ttlMs === null && chance.happens(world.profile.sharing);
  const settings = participant.settings(world, attempt, attempt.path, {
    ttlMs,
    onSuspend: attempt.policy,
    timeoutMs,
  });
  const lossDelay = participant.lossDelay(world);
  const lock = participant.lock(
    { ...settings, lossDelay },
    { rule: lockRule, grant: (parts) => new Lease(parts) },
  );
  return {
    ownership$: lock,
    acquire: (options: { signal: AbortSignal }) => lock.acquire(options),
    tryAcquire: (options: { signal: AbortSignal }) => lock.tryAcquire(options),
  };
}

export const lock: Workload = {
  linesAt: (path) => [path],
  checkers: (world) => [
    new OneHolder(world),
    new TokensGrow(world),
    new HandedOnNoMore(world),
    new NobodyWaitsFirst(world),
    ...(world.profile.lossDelayMs === null
      ? []
      : [new LossesAreWaitedOut(world, world.profile.lossDelayMs), new NoMarkOfAReleasedClaim(world)]),
    ...(world.profile.heeding > 0 ? [new TakenIsTold(world)] : []),
  ],
  work: (world, participant, chance) =>
    severalTimes(world, participant, chance, () => {
      const attempt = world.attempt(participant, [chance.pick(world.paths)]);
      const { webLocks } = world.profile;
      if (webLocks !== null) {
        const going = () => useWebLock(world, attempt, chance, chance.weighted(webLocks));
        return { attempt, going };
      }
      const going = () =>
        ask(world, attempt, chance, {
          make: (timeoutMs) => lockOf(world, attempt, chance, timeoutMs),
          hold: async (lease) => {
            await hold(world, attempt, lease, chance);
            return lease;
          },
        });
      return { attempt, going };
    }),
};
