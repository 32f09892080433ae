/** How anything that is acquired is asked for: by a promise or as a stream, with a deadline or none, given up now and then. */
import type { Observable } from 'rxjs';
import { LockError } from '../../../src/errors.js';
import type { Ownership } from '../../../src/ownership.js';
import { isZooKeeperError } from '../../../src/zookeeper/errors.js';
import type { Attempt, Holding } from '../attempt.js';
import type { Chance } from '../chance.js';
import type { Participant } from '../participant.js';
import type { World } from '../world.js';

/** A lock, or what is built from locks. */
export interface Askable<L extends Holding> {
  readonly ownership$: Pick<Observable<Ownership<L>>, 'subscribe'>;
  acquire(options: { readonly signal: AbortSignal }): Promise<L>;
  tryAcquire(options: { readonly signal: AbortSignal }): Promise<L | null>;
}

export interface Asking<L extends Holding> {
  /** Made anew for every attempt. */
  readonly make: (timeoutMs: number | null) => Askable<L>;
  /** What is done with it, until it is released or lost; what is held in the end. */
  readonly hold: (lease: L) => Promise<Holding>;
}

/** Why somebody gives up. */
export const CHANGED_MIND = new Error('changed my mind');

/** A few attempts, one after the other. What they reject with is part of the game. */
export async function severalTimes(
  world: World,
  participant: Participant,
  chance: Chance,
  attempt: () => { readonly attempt: Attempt; readonly going: () => Promise<void> },
): Promise<void> {
  const { rounds, restless } = world.profile;
  for (let left = chance.whole(...rounds); left > 0; left -= 1) {
    await participant.sleep(chance.happens(restless) ? chance.between(0, 50) : chance.between(0, 3_000));
    if (world.ending || participant.closed) return;
    const one = attempt();
    await endingWell(world, one.attempt, one.going);
  }
}

/** Runs an attempt to its end. */
export async function endingWell(world: World, attempt: Attempt, going: () => Promise<void>): Promise<void> {
  try {
    await going();
  } catch (error) {
    const expected = error instanceof LockError || error instanceof DOMException || isZooKeeperError(error);
    if (!expected && error !== CHANGED_MIND) throw error;
    world.tell(attempt.name, error instanceof Error ? error.message : 'gave up');
  }
  attempt.over = true;
}

/** One attempt, in one of all the ways. */
export async function ask<L extends Holding>(
  world: World,
  attempt: Attempt,
  chance: Chance,
  asking: Asking<L>,
): Promise<void> {
  if (chance.happens(0.3)) await subscribe(world, attempt, chance, asking);
  else await acquire(world, attempt, chance, asking);
}

/** When somebody changes his mind: while his claim is being made, or later. */
export const soonOrLater = (chance: Chance): number => chance.between(0, chance.happens(0.5) ? 60 : 3_000);

/** A signal that aborts now and then. */
export function maybeGivingUp({ clock }: Participant, chance: Chance): AbortSignal {
  const controller = new AbortController();
  if (chance.happens(0.1)) {
    clock.setTimeout(() => {
      controller.abort(CHANGED_MIND);
    }, soonOrLater(chance));
  }
  return controller.signal;
}

async function acquire<L extends Holding>(
  world: World,
  attempt: Attempt,
  chance: Chance,
  { make, hold }: Asking<L>,
): Promise<void> {
  const trying = chance.happens(0.15);
  attempt.trying = trying;
  const timeoutMs = chance.happens(0.3) ? chance.between(0, 8_000) : null;
  const askable = make(timeoutMs);
  const signal = maybeGivingUp(attempt.participant, chance);
  world.tell(attempt.name, `${trying ? 'tries' : 'asks'} for ${attempt.path}, for ${timeoutMs ?? 'ever'} ms`);
  attempt.doing = 'waiting for the lock';
  const answer = trying ? askable.tryAcquire({ signal }) : askable.acquire({ signal });
  const lease = await world.promises.track(attempt, attempt.doing, answer, timeoutMs ?? undefined);
  if (lease === null) return;
  granted(world, attempt, lease);
  const last = await hold(lease);
  attempt.doing = 'releasing';
  const again = chance.happens(0.1);
  releasing(world, attempt);
  const released = world.promises.track(attempt, 'releasing', last.release());
  if (again) await world.promises.track(attempt, 'disposing', last[Symbol.asyncDispose]());
  await released;
}

async function subscribe<L extends Holding>(
  world: World,
  attempt: Attempt,
  chance: Chance,
  { make, hold }: Asking<L>,
): Promise<void> {
  const { participant } = attempt;
  const { ownership$ } = make(chance.happens(0.2) ? chance.between(0, 8_000) : null);
  world.tell(attempt.name, `subscribes to ${attempt.path}`);
  attempt.doing = 'waiting for the lock';
  // Whoever made something else of what was granted gives that back himself.
  let last: Holding | null = null;
  let holding: Promise<unknown> = Promise.resolve();
  await new Promise<void>((resolve, reject) => {
    const subscription = ownership$.subscribe({
      next: (ownership: Ownership<L>) => {
        world.tell(attempt.name, describe(ownership));
        world.heard(attempt, ownership);
        if (ownership.status !== 'held' || attempt.lease !== null) return;
        granted(world, attempt, ownership.lease);
        holding = hold(ownership.lease).then((held) => {
          last = held === ownership.lease ? null : held;
          giveUp();
        }, reject);
      },
      error: (error: unknown) => {
        world.heard(attempt, 'errored');
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- passed on as it is
        reject(error);
      },
      complete: () => {
        world.heard(attempt, 'completed');
        resolve();
      },
    });
    const giveUp = () => {
      releasing(world, attempt);
      subscription.unsubscribe();
      resolve();
    };
    if (chance.happens(0.2)) participant.clock.setTimeout(giveUp, soonOrLater(chance));
  });
  if (attempt.place === null) return;
  await holding;
  const left = last as Holding | null;
  if (left !== null) await world.promises.track(attempt, 'releasing', left.release());
}

/** From now on it believes. */
export function granted(world: World, attempt: Attempt, lease: Holding): void {
  attempt.lease = lease;
  attempt.grantedMs = world.clock.now();
  attempt.doing = 'holding';
  world.tell(
    attempt.name,
    `holds ${attempt.path}${lease.fencingToken === undefined ? '' : ` with ${lease.fencingToken}`}`,
  );
  if (lease.isHeld()) world.resource.granted(attempt);
  world.granted(attempt);
}

/** It lets go. Nobody is asked without need: the question alone can end a lease. */
function releasing({ profile }: World, attempt: Attempt): void {
  const { lease, participant } = attempt;
  if (profile.lossDelayMs !== null && lease?.isHeld() === true) attempt.releasedBy = participant.sessionId;
}

/** Works for a while, or until the lock is lost. */
export async function hold(world: World, attempt: Attempt, lease: Holding, chance: Chance): Promise<void> {
  const { participant } = attempt;
  const length = chance.weighted(world.profile.holds);
  const totalMs = { short: 400, middle: 3_000, long: 2.5 * world.sessionTimeoutMs }[length] * chance.random();
  const steps = world.profile.overlapAllowed ? Math.ceil(totalMs / 250) : chance.whole(1, 4);
  // Nobody is asked without need: the histories of other kinds stay what they are.
  const heeds = world.profile.heeding > 0 && chance.happens(world.profile.heeding);
  const asked = () => heeds && lease.revokeRequested != null;
  for (let step = 0; step < steps && lease.isHeld() && !asked(); step += 1) {
    const lateMs = world.latencyMs() + (chance.happens(0.2) ? chance.between(0, 2_000) : 0);
    world.clock.setTimeout(() => {
      world.resource.write(attempt);
    }, lateMs);
    if (!world.profile.overlapAllowed && chance.happens(0.3)) {
      await world.promises.track(attempt, 'renewing', lease.renew()).catch((error: unknown) => {
        if (!(error instanceof LockError) && !isZooKeeperError(error)) throw error;
      });
    }
    await participant.sleep(totalMs / steps);
  }
  if (!lease.isHeld()) world.tell(attempt.name, 'has lost it');
}

function describe(ownership: Ownership<unknown>): string {
  if (ownership.status === 'held') return `hears held (${ownership.connection})`;
  return `hears ${ownership.status}${ownership.status === 'expired' ? ` (${ownership.reason})` : ''}`;
}
