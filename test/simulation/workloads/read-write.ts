/** Readers and writers, who turn into readers now and then. */
import { LockError } from '../../../src/errors.js';
import type { SharedLease } from '../../../src/lease.js';
import { ReadWriteLock, WriteLease } from '../../../src/recipes/read-write-lock.js';
import type { Attempt, Holding } from '../attempt.js';
import type { Chance } from '../chance.js';
import { EverybodySettles } from '../checkers/everybody-settles.js';
import { DowngradeKeepsPlace, NoOvertaking } from '../checkers/no-overtaking.js';
import { OneHolder } from '../checkers/one-holder.js';
import { TokensGrow } from '../checkers/tokens-grow.js';
import type { World } from '../world.js';
import { ask, granted, hold, severalTimes } from './asking.js';
import type { Workload } from './workload.js';

function sideOf(world: World, attempt: Attempt, chance: Chance, timeoutMs: number | null) {
  const { participant } = attempt;
  attempt.policy = world.policy(chance);
  const settings = participant.settings(world, attempt, attempt.path, {
    ttlMs: chance.happens(world.profile.ttl) ? chance.between(1_000, 6_000) : null,
    onSuspend: attempt.policy,
    timeoutMs,
  });
  const { readLock, writeLock } = new ReadWriteLock(attempt.path, (rule, grant, admit) =>
    participant.lock(settings, { rule, grant, admit }),
  );
  const lock = attempt.shared ? readLock : writeLock;
  return {
    ownership$: lock,
    acquire: (options: { signal: AbortSignal }): Promise<SharedLease> => lock.acquire(options),
    tryAcquire: (options: { signal: AbortSignal }): Promise<SharedLease | null> => lock.tryAcquire(options),
  };
}

async function use(world: World, attempt: Attempt, lease: Holding, chance: Chance): Promise<Holding> {
  await hold(world, attempt, lease, chance);
  if (!(lease instanceof WriteLease) || !lease.isHeld() || !chance.happens(0.5)) return lease;
  attempt.place = lease.fencingToken >> 10n;
  attempt.doing = 'downgrading';
  world.tell(attempt.name, 'downgrades');
  try {
    const reading = await world.promises.track(attempt, 'downgrading', lease.downgrade());
    attempt.shared = true;
    granted(world, attempt, reading);
    await hold(world, attempt, reading, chance);
    return reading;
  } catch (error) {
    if (!(error instanceof LockError)) throw error;
    world.tell(attempt.name, error.message);
    attempt.doing = 'holding';
    return lease;
  }
}

export const readWrite: Workload = {
  linesAt: (path) => [path],
  checkers: (world) => [
    new OneHolder(world, 'a writer holds alone'),
    new NoOvertaking(world),
    new DowngradeKeepsPlace(world),
    new TokensGrow(world),
    new EverybodySettles(world),
  ],
  work: (world, participant, chance) =>
    severalTimes(world, participant, chance, () => {
      const attempt = world.attempt(participant, [chance.pick(world.paths)]);
      attempt.shared = chance.happens(0.5);
      const going = () =>
        ask(world, attempt, chance, {
          make: (timeoutMs) => sideOf(world, attempt, chance, timeoutMs),
          hold: (lease) => use(world, attempt, lease, chance),
        });
      return { attempt, going };
    }),
};
