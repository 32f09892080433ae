/** Runs one history from its seed, and says what broke. The same seed is the same history, to the last millisecond. */
import { Chance } from './chance.js';
import { BrokenGuarantee, type Checker } from './checkers/checker.js';
import { ClaimOutlivesBelief } from './checkers/claim-outlives-belief.js';
import { LossIsTold } from './checkers/loss-is-told.js';
import { NoClaimLeft, OneClaimEach } from './checkers/no-claim-left.js';
import { NoTimerLeft, NoWatchLeft } from './checkers/no-watch-left.js';
import { StreamsWellFormed } from './checkers/streams-well-formed.js';
import { PROFILES, type Profile, type ProfileName } from './profiles.js';
import { WORKLOADS, type WorkloadName } from './workloads/index.js';
import { World } from './world.js';

/** From the end of all faults to the end of all waiting, at most. */
const CALM_LIMIT_MS = 300_000;

export interface Report {
  readonly seed: number;
  readonly workload: WorkloadName;
  readonly profile: ProfileName;
  /** The guarantee that did not hold, and how. */
  readonly broken: BrokenGuarantee | null;
  readonly trace: readonly string[];
  readonly overlaps: number;
  /** Pairs that held together, as they may. */
  readonly shared: number;
  /** Writes of stale holders that the resource refused, and let through. */
  readonly refused: number;
  readonly refusedInGoodFaith: number;
  readonly staleAccepted: number;
  readonly attempts: number;
  readonly grants: number;
  readonly virtualMs: number;
}

/** The kind of history that a seed is, unless somebody asks for another. Web locks are locks, and locks alone share claims, mind losses or are asked for. */
export function profileOf(seed: number, workload: WorkloadName = 'lock'): ProfileName {
  const weights = Object.fromEntries(
    Object.entries(PROFILES).map(([name, { weight, profile }]) => [
      name,
      workload === 'lock' ||
      (profile.webLocks === null &&
        profile.sharing === 0 &&
        profile.lossDelayMs === null &&
        profile.heeding === 0)
        ? weight
        : 0,
    ]),
  ) as Record<ProfileName, number>;
  return new Chance(seed ^ 0x0b5e55ed).weighted(weights);
}

/** What people do in the history of a seed, unless somebody asks for something else: locks more often than the rest. */
export function workloadOf(seed: number): WorkloadName {
  const weights = Object.fromEntries(
    (Object.keys(WORKLOADS) as WorkloadName[]).map((name) => [name, name === 'lock' ? 4 : 1]),
  ) as Record<WorkloadName, number>;
  return new Chance(seed ^ 0x3a7c11e5).weighted(weights);
}

export interface HistoryOptions {
  /** Default: locks. */
  readonly workload?: WorkloadName | undefined;
  /** Default: what the seed says. */
  readonly profile?: ProfileName | undefined;
  readonly trace?: boolean;
  /** The one guarantee to look after; default all. */
  readonly only?: string | undefined;
}

export async function runHistory(
  seed: number,
  {
    workload: what = 'lock',
    profile: name = profileOf(seed, what),
    trace = false,
    only,
  }: HistoryOptions = {},
): Promise<Report> {
  const workload = WORKLOADS[what];
  const { profile }: { readonly profile: Profile } = PROFILES[name];
  const chance = new Chance(seed);
  const traces: string[] | null = trace ? [] : null;
  let failure: Error | undefined;
  const begin = (work: Promise<void>) => {
    work.catch((error: unknown) => {
      failure ??= error instanceof Error ? error : new Error(String(error));
    });
  };
  const world: World = await World.begin(profile, workload, chance.branch(), traces, (participant) => {
    if (world.ending) return;
    const threads = chance.whole(...profile.threads);
    for (let thread = 0; thread < threads; thread += 1)
      begin(workload.work(world, participant, chance.branch()));
  });
  const checkers: Checker[] = [
    ...workload.checkers(world),
    new ClaimOutlivesBelief(world),
    new OneClaimEach(world),
    world.promises,
    new StreamsWellFormed(),
    new LossIsTold(world),
    new NoClaimLeft(world),
    new NoWatchLeft(world),
    new NoTimerLeft(world),
  ];
  world.checkers.push(...checkers.filter(({ guarantee }) => only === undefined || guarantee === only));
  let broken: BrokenGuarantee | null = null;
  const check = (when: 'step' | 'end' | 'closed') => {
    if (failure !== undefined) throw failure;
    for (const checker of world.checkers) {
      const wrong = checker[when]?.();
      if (wrong === undefined || broken !== null) continue;
      broken = new BrokenGuarantee(checker.guarantee, wrong);
      world.tell('world', `BROKEN: ${checker.guarantee}: ${wrong}`);
    }
    return broken !== null;
  };

  try {
    await play(world, chance, check, begin);
  } finally {
    for (const { clock } of world.participants) clock.kill();
    await world.ensemble.close();
  }
  return {
    seed,
    workload: what,
    profile: name,
    broken,
    trace: traces ?? [],
    overlaps: world.overlaps,
    shared: world.shared,
    refused: world.resource.refused,
    refusedInGoodFaith: world.resource.refusedInGoodFaith,
    staleAccepted: world.resource.staleAccepted,
    attempts: world.attempts.length,
    grants: world.attempts.filter(({ lease }) => lease !== null).length,
    virtualMs: world.clock.now(),
  };
}

async function play(
  world: World,
  chance: Chance,
  check: (when: 'step' | 'end' | 'closed') => boolean,
  begin: (work: Promise<void>) => void,
) {
  const { clock } = world;
  const troubleMs = chance.between(3_000, 20_000);
  for (let left = chance.whole(...world.profile.participants); left > 0; left -= 1) world.join();
  world.goWrong(troubleMs);
  clock.setTimeout(() => {
    world.heal();
  }, troubleMs);

  const over = () =>
    world.ending &&
    world.attempts.every(({ pending }) => !pending) &&
    world.promises.allSettled &&
    (world.lines.length > 0
      ? world.lines.every((path) => world.lineAt(path).length === 0)
      : world.everySessionLives);
  const { last, calmMs = CALM_LIMIT_MS } = world.workload;
  while (!over() && (await clock.step(troubleMs + calmMs))) if (check('step')) return;
  if (last !== undefined) {
    begin(last(world, chance.branch()));
    const lastMs = clock.now() + CALM_LIMIT_MS;
    do if (check('step')) return;
    while (!over() && (await clock.step(lastMs)));
  }
  const settledMs = clock.now() + world.settleMs;
  while (await clock.step(settledMs)) if (check('step')) return;
  if (check('end')) return;

  for (const participant of world.participants)
    if (!participant.clock.dead && !participant.closed) world.leave(participant);
  const closedMs = clock.now() + world.settleMs;
  while (await clock.step(closedMs)) if (check('step')) return;
  await world.ensemble.close();
  const doneMs = clock.now() + CALM_LIMIT_MS;
  while (await clock.step(doneMs)) if (check('step')) return;
  check('closed');
}
