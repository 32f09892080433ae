/** What the people in a history do with their locks. */
import { LockError } from '../../src/errors.js';
import type { SharedLease } from '../../src/lease.js';
import type { Ownership } from '../../src/ownership.js';
import { WEB_LOCKS_ROOT } from '../../src/recipes/web-lock-names.js';
import { WebLockManager } from '../../src/recipes/web-locks.js';
import { isZooKeeperError } from '../../src/zookeeper/errors.js';
import { Attempt } from './attempt.js';
import type { Chance } from './chance.js';
import type { Participant } from './participant.js';
import type { World } from './world.js';

/** One thread of work of one process: a few attempts, one after the other. */
export async function work(world: World, participant: Participant, chance: Chance): Promise<void> {
  for (let left = chance.whole(1, 3); left > 0; left -= 1) {
    await participant.sleep(chance.happens(0.5) ? chance.between(0, 50) : chance.between(0, 3_000));
    if (world.ending || participant.closed) return;
    const attempt = new Attempt(world.attempts.length + 1, participant, chance.pick(world.paths));
    world.attempts.push(attempt);
    try {
      if (world.profile.webLocks !== null)
        await useWebLock(world, attempt, chance, chance.weighted(world.profile.webLocks));
      else if (chance.happens(0.3)) await subscribe(world, attempt, chance);
      else await acquire(world, attempt, chance);
    } catch (error) {
      const expected = error instanceof LockError || error instanceof DOMException || isZooKeeperError(error);
      if (!expected && error !== CHANGED_MIND) throw error;
      world.tell(attempt.name, error instanceof Error ? error.message : 'gave up');
    }
    attempt.over = true;
  }
}

/** Why somebody gives up. */
const CHANGED_MIND = new Error('changed my mind');

function lockFor(world: World, attempt: Attempt, chance: Chance, timeoutMs: number | null) {
  attempt.policy = world.policy(chance);
  return attempt.participant.lock(world, attempt, {
    ttlMs: chance.happens(world.profile.ttl) ? chance.between(1_000, 6_000) : null,
    onSuspend: attempt.policy,
    timeoutMs,
  });
}

/** When somebody changes his mind: while his claim is being made, or later. */
const soonOrLater = (chance: Chance): number => chance.between(0, chance.happens(0.5) ? 60 : 3_000);

async function acquire(world: World, attempt: Attempt, chance: Chance): Promise<void> {
  const { participant } = attempt;
  const trying = chance.happens(0.15);
  const timeoutMs = chance.happens(0.3) ? chance.between(0, 8_000) : null;
  const lock = lockFor(world, attempt, chance, timeoutMs);
  const controller = new AbortController();
  if (chance.happens(0.1)) {
    participant.clock.setTimeout(() => {
      controller.abort(CHANGED_MIND);
    }, soonOrLater(chance));
  }
  world.tell(attempt.name, trying ? 'tries' : `asks, for ${timeoutMs ?? 'ever'} ms`);
  attempt.doing = 'waiting for the lock';
  const { signal } = controller;
  const asking = trying ? lock.tryAcquire({ signal }) : lock.acquire({ signal });
  const lease = await world.promises.track(attempt, attempt.doing, asking, timeoutMs ?? undefined);
  if (lease === null) return;
  grant(world, attempt, lease);
  await hold(world, attempt, lease, chance);
  attempt.doing = 'releasing';
  const again = chance.happens(0.1);
  const released = world.promises.track(attempt, 'releasing', lease.release());
  if (again) await world.promises.track(attempt, 'disposing', lease[Symbol.asyncDispose]());
  await released;
}

async function subscribe(world: World, attempt: Attempt, chance: Chance): Promise<void> {
  const { participant } = attempt;
  const lock = lockFor(world, attempt, chance, chance.happens(0.2) ? chance.between(0, 8_000) : null);
  attempt.doing = 'waiting for the lock';
  await new Promise<void>((resolve, reject) => {
    const subscription = lock.subscribe({
      next: (ownership: Ownership) => {
        world.tell(attempt.name, describe(ownership));
        world.heard(attempt, ownership);
        if (ownership.status !== 'held' || attempt.lease !== null) return;
        grant(world, attempt, ownership.lease);
        void hold(world, attempt, ownership.lease, chance).then(giveUp, reject);
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
      subscription.unsubscribe();
      resolve();
    };
    if (chance.happens(0.2)) participant.clock.setTimeout(giveUp, soonOrLater(chance));
  });
}

/** As anybody would who has only `session.locks`. */
async function useWebLock(
  world: World,
  attempt: Attempt,
  chance: Chance,
  how: 'exclusive' | 'shared' | 'steal',
): Promise<void> {
  const { participant, path } = attempt;
  attempt.shared = how === 'shared';
  const terms = { ttlMs: null, onSuspend: attempt.policy, timeoutMs: null };
  let granted: SharedLease | null = null;
  const locks = new WebLockManager({
    lock: (_, rule, grantOf) =>
      participant.lockOf(world, attempt, terms, rule, (parts) => {
        const lease = grantOf(parts);
        granted = lease;
        return lease;
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
    if (lock === null || granted === null) return;
    grant(world, attempt, granted);
    await hold(world, attempt, granted, chance);
    attempt.doing = 'releasing';
  });
  await world.promises.track(attempt, attempt.doing, using);
}

function grant(world: World, attempt: Attempt, lease: SharedLease): void {
  attempt.lease = lease;
  attempt.doing = 'holding';
  world.tell(attempt.name, `holds ${attempt.path} with ${attempt.token}`);
  if (lease.isHeld()) world.resource.granted(attempt);
  world.granted(attempt);
}

/** Works for a while, or until the lock is lost. */
async function hold(world: World, attempt: Attempt, lease: SharedLease, chance: Chance): Promise<void> {
  const { participant } = attempt;
  const length = chance.weighted(world.profile.holds);
  const totalMs = { short: 400, middle: 3_000, long: 2.5 * world.sessionTimeoutMs }[length] * chance.random();
  const steps = world.profile.overlapAllowed ? Math.ceil(totalMs / 250) : chance.whole(1, 4);
  for (let step = 0; step < steps && lease.isHeld(); step += 1) {
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

function describe(ownership: Ownership): string {
  if (ownership.status === 'held') return `hears held (${ownership.connection})`;
  return `hears ${ownership.status}${ownership.status === 'expired' ? ` (${ownership.reason})` : ''}`;
}
