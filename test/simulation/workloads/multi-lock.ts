/** Several locks at once, named in any order. */
import { Lease } from '../../../src/lease.js';
import { lockRule } from '../../../src/queue.js';
import { MultiLock } from '../../../src/recipes/multi-lock.js';
import type { Attempt } from '../attempt.js';
import type { Chance } from '../chance.js';
import { EverybodySettles } from '../checkers/everybody-settles.js';
import { NoOvertaking } from '../checkers/no-overtaking.js';
import { OneHolder } from '../checkers/one-holder.js';
import type { World } from '../world.js';
import { ask, hold, severalTimes } from './asking.js';
import type { Workload } from './workload.js';

const PATHS = ['/locks/a', '/locks/b', '/locks/c'];

/** In an order of their own. */
function somePaths(world: World, chance: Chance): string[] {
  const left = [...world.paths];
  return Array.from({ length: chance.whole(2, left.length) }, () => {
    const path = chance.pick(left);
    left.splice(left.indexOf(path), 1);
    return path;
  });
}

function multiLockOf(world: World, attempt: Attempt, chance: Chance, timeoutMs: number | null) {
  const { participant, paths } = attempt;
  attempt.policy = world.policy(chance);
  const multiLock = new MultiLock({
    locks: paths.map((path) => ({
      ...participant.settings(world, attempt, path, { onSuspend: attempt.policy, timeoutMs: null }),
      rule: lockRule,
      grant: (parts) => new Lease(parts),
    })),
    owner: undefined,
    timeoutMs,
  });
  return {
    ownership$: multiLock,
    acquire: (options: { signal: AbortSignal }) => multiLock.acquire(options),
    tryAcquire: (options: { signal: AbortSignal }) => multiLock.tryAcquire(options),
  };
}

export const multiLock: Workload = {
  pathsOf: () => PATHS,
  linesAt: (path) => [path],
  checkers: (world) => [new OneHolder(world), new NoOvertaking(world), new EverybodySettles(world)],
  work: (world, participant, chance) =>
    severalTimes(world, participant, chance, () => {
      const attempt = world.attempt(participant, somePaths(world, chance));
      const going = () =>
        ask(world, attempt, chance, {
          make: (timeoutMs) => multiLockOf(world, attempt, chance, timeoutMs),
          hold: async (lease) => {
            await hold(world, attempt, lease, chance);
            return lease;
          },
        });
      return { attempt, going };
    }),
};
