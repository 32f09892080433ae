/** A few permits, one or several at once; now and then somebody is wrong about how many there are. */
import { SemaphoreSizeError } from '../../../src/errors.js';
import { SharedLease } from '../../../src/lease.js';
import { lockRule } from '../../../src/queue.js';
import { Semaphore } from '../../../src/recipes/semaphore.js';
import type { Attempt } from '../attempt.js';
import type { Chance } from '../chance.js';
import { EverybodySettles, HadAgain } from '../checkers/everybody-settles.js';
import { PermitsInTurn, PermitsWithin } from '../checkers/permits.js';
import type { World } from '../world.js';
import { ask, granted, hold, severalTimes } from './asking.js';
import type { Workload } from './workload.js';

const SIZES: Readonly<Record<string, number>> = { '/locks/a': 2, '/locks/b': 1 };

function semaphoreOf(world: World, attempt: Attempt, chance: Chance, timeoutMs: number | null) {
  const { participant, path, size, permits } = attempt;
  attempt.policy = world.policy(chance);
  const settings = participant.settings(world, attempt, path, { onSuspend: attempt.policy, timeoutMs });
  const semaphore = new Semaphore({
    settings: { ...settings, rule: lockRule, grant: (parts) => new SharedLease(parts) },
    size,
    owner: undefined,
  });
  return {
    ownership$: semaphore.permits(permits),
    acquire: (options: { signal?: AbortSignal }) => semaphore.acquire({ ...options, permits }),
    tryAcquire: (options: { signal: AbortSignal }) => semaphore.tryAcquire({ ...options, permits }),
  };
}

/** Somebody new asks for all there are. */
async function askForAll(world: World, path: string, chance: Chance): Promise<void> {
  const attempt = world.attempt(world.join(), [path]);
  attempt.last = true;
  attempt.size = SIZES[path] ?? 1;
  // Those who were wrong may have been the first to say so.
  for (let more = 0; more < 2; more += 1, attempt.size += 1) {
    attempt.permits = attempt.size;
    attempt.doing = 'waiting for all permits';
    try {
      const lease = await semaphoreOf(world, attempt, chance, null).acquire({});
      granted(world, attempt, lease);
      await lease.release();
      return;
    } catch (error) {
      if (!(error instanceof SemaphoreSizeError)) throw error;
    }
  }
}

export const semaphore: Workload = {
  linesAt: (path) => [`${path}/locks`, `${path}/leases`],
  strangersAt: (path) => `${path}/locks`,
  checkers: (world) => [
    new PermitsWithin(world),
    new PermitsInTurn(world),
    new EverybodySettles(world),
    new HadAgain(world),
  ],
  work: (world, participant, chance) =>
    severalTimes(world, participant, chance, () => {
      const attempt = world.attempt(participant, [chance.pick(world.paths)]);
      attempt.size = (SIZES[attempt.path] ?? 1) + (chance.happens(0.05) ? 1 : 0);
      attempt.permits = chance.happens(0.6) ? 1 : chance.whole(1, attempt.size);
      const going = () =>
        ask(world, attempt, chance, {
          make: (timeoutMs) => semaphoreOf(world, attempt, chance, timeoutMs),
          hold: async (lease) => {
            await hold(world, attempt, lease, chance);
            return lease;
          },
        });
      return { attempt, going };
    }),
  last: async (world, chance) => {
    for (const path of world.paths) {
      await askForAll(world, path, chance).finally(() => {
        for (const attempt of world.attempts) if (attempt.last) attempt.over = true;
      });
    }
  },
};
