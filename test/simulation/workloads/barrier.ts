/** Barriers, raised and lowered by anybody, and people who wait before them. */
import { Barrier } from '../../../src/recipes/barrier.js';
import type { Attempt } from '../attempt.js';
import type { Chance } from '../chance.js';
import { BarrierHoldsBack } from '../checkers/barriers.js';
import { EverybodySettles } from '../checkers/everybody-settles.js';
import type { World } from '../world.js';
import { endingWell, maybeGivingUp, severalTimes } from './asking.js';
import type { Workload } from './workload.js';

function barrierOf(world: World, attempt: Attempt): Barrier {
  const settings = attempt.participant.settings(world, attempt, attempt.path, {
    onSuspend: 'bounded',
    timeoutMs: null,
  });
  return new Barrier(settings);
}

async function use(world: World, attempt: Attempt, chance: Chance): Promise<void> {
  const barrier = barrierOf(world, attempt);
  const what = chance.weighted({ raising: 2, lowering: 3, waiting: 5 });
  if (what === 'waiting') {
    const timeoutMs = chance.happens(0.3) ? chance.between(0, 8_000) : undefined;
    const signal = maybeGivingUp(attempt.participant, chance);
    world.tell(attempt.name, `waits at ${attempt.path}, for ${timeoutMs ?? 'ever'} ms`);
    attempt.doing = 'waiting for the lock';
    const waiting = barrier.wait({ signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    await world.promises.track(attempt, attempt.doing, waiting, timeoutMs);
  } else {
    world.tell(attempt.name, `is ${what} ${attempt.path}`);
    attempt.doing = what;
    const done = what === 'raising' ? barrier.raise() : barrier.lower();
    await world.promises.track(attempt, what, done);
  }
  world.tell(attempt.name, 'is done');
  world.granted(attempt);
}

export const barrier: Workload = {
  linesAt: () => [],
  strangersAt: () => null,
  checkers: (world) => [new BarrierHoldsBack(world), new EverybodySettles(world)],
  work: (world, participant, chance) =>
    severalTimes(world, participant, chance, () => {
      const attempt = world.attempt(participant, [chance.pick(world.paths)]);
      return { attempt, going: () => use(world, attempt, chance) };
    }),
  calmMs: 20_000,
  /** Somebody lowers what is still raised. */
  last: async (world) => {
    const participant = world.join();
    for (const path of world.paths) {
      const attempt = world.attempt(participant, [path]);
      await endingWell(world, attempt, async () => {
        attempt.doing = 'lowering';
        await barrierOf(world, attempt).lower();
        world.granted(attempt);
      });
    }
  },
};
