/** Groups that begin together and end together, round after round. */
import { DoubleBarrier } from '../../../src/recipes/double-barrier.js';
import type { Attempt } from '../attempt.js';
import type { Chance } from '../chance.js';
import { BeginTogether } from '../checkers/double-barriers.js';
import { EverybodySettles, HadAgain } from '../checkers/everybody-settles.js';
import type { World } from '../world.js';
import { endingWell, granted, hold, maybeGivingUp, severalTimes } from './asking.js';
import type { Workload } from './workload.js';

const membersOf = (path: string) => (path === '/locks/a' ? 2 : 3);

async function takePart(world: World, attempt: Attempt, chance: Chance, round: BeginTogether): Promise<void> {
  const { participant, path, last } = attempt;
  attempt.policy = world.policy(chance);
  const settings = participant.settings(world, attempt, path, { onSuspend: attempt.policy, timeoutMs: null });
  const barrier = new DoubleBarrier(settings, membersOf(path));
  const limit = () => {
    // Of the last ones some are too many.
    if (last) return { timeoutMs: 60_000 };
    return chance.happens(0.3) ? { timeoutMs: chance.between(0, 8_000) } : {};
  };
  const entering: { timeoutMs?: number } = limit();
  const signal = last ? {} : { signal: maybeGivingUp(participant, chance) };
  world.tell(attempt.name, `enters ${path}, for ${entering.timeoutMs ?? 'ever'} ms`);
  attempt.doing = 'waiting for the lock';
  const passage = await world.promises.track(
    attempt,
    attempt.doing,
    barrier.enter({ ...entering, ...signal }),
    entering.timeoutMs,
  );
  granted(world, attempt, passage);
  await hold(world, attempt, passage, chance);
  if (!last && chance.happens(0.1)) {
    await world.promises.track(attempt, 'releasing', passage.release());
    return;
  }
  attempt.doing = 'waiting for the lock';
  const leaving: { timeoutMs?: number } = limit();
  world.tell(attempt.name, `leaves ${path}, for ${leaving.timeoutMs ?? 'ever'} ms`);
  round.leaving(attempt);
  await world.promises.track(attempt, attempt.doing, passage.leave(leaving), leaving.timeoutMs);
  world.tell(attempt.name, 'has left');
  round.left(attempt);
}

const rounds = new WeakMap<World, BeginTogether>();
const roundOf = (world: World) => {
  const round = rounds.get(world) ?? new BeginTogether(world, membersOf);
  rounds.set(world, round);
  return round;
};

export const doubleBarrier: Workload = {
  linesAt: (path) => [path],
  strangersAt: () => null,
  checkers: (world) => [roundOf(world), new EverybodySettles(world), new HadAgain(world)],
  work: (world, participant, chance) =>
    severalTimes(world, participant, chance, () => {
      const attempt = world.attempt(participant, [chance.pick(world.paths)]);
      return { attempt, going: () => takePart(world, attempt, chance, roundOf(world)) };
    }),
  calmMs: 40_000,
  /** A whole group comes, so that nobody need wait for more. */
  last: async (world, chance) => {
    const all = world.paths.flatMap((path) =>
      Array.from({ length: membersOf(path) }, () => {
        const attempt = world.attempt(world.join(), [path]);
        attempt.last = true;
        const own = chance.branch();
        return endingWell(world, attempt, () => takePart(world, attempt, own, roundOf(world)));
      }),
    );
    await Promise.all(all);
  },
};
