import { describe, expect, it } from 'vitest';
import { initialTransition, transition } from 'xstate';
import {
  type Enqueued,
  type LockEvent,
  type LockInput,
  type LockSnapshot,
  lockMachine,
  type Verdict,
} from '../../machines/lock-machine.js';
import { claim, foreign, holds, missing, notSent, refused, unknown, waits } from '../setup/machine-facts.js';

const enqueued = (verdict: Verdict): Enqueued => ({ claim, verdict, asOf: 1 });
const done = (slot: string, output: unknown) =>
  ({ type: `xstate.done.actor.${slot}`, output, actorId: slot }) as unknown as LockEvent;
const broke = (slot: string, error: unknown) =>
  ({ type: `xstate.error.actor.${slot}`, error, actorId: slot }) as unknown as LockEvent;
const connected: LockEvent = { type: 'session.connected', sessionId: 'a' };
const suspended: LockEvent = { type: 'session.suspended' };
const lost: LockEvent = { type: 'session.lost', reason: 'expired' };

function walk(events: readonly LockEvent[], input: Partial<LockInput> = {}): LockSnapshot {
  let guids = 0;
  const [first] = initialTransition(lockMachine, {
    newGuid: () => `guid-${(guids += 1)}`,
    timeoutMs: null,
    noWait: false,
    steals: false,
    ttlMs: null,
    onSuspend: 'bounded',
    amongOwn: false,
    marks: false,
    sessionUp: false,
    acquisition: null,
    ...input,
  });
  return events.reduce((snapshot, event) => transition(lockMachine, snapshot, event)[0], first);
}

const toCreating = [connected, { type: 'acquire' }] as const;
const toWaiting = [...toCreating, done('createClaim', enqueued(waits))] as const;
const toHeld = [...toCreating, done('createClaim', enqueued(holds))] as const;

describe('asking for a place in line', () => {
  it('waits for a session before it asks', () => {
    expect(walk([{ type: 'acquire' }]).value).toEqual({ creatingNode: 'awaitingSession' });
    expect(walk([{ type: 'acquire' }, connected]).value).toEqual({ creatingNode: 'creating' });
  });

  it('holds at once when the first listing says so', () => {
    expect(walk(toHeld).value).toEqual({ held: 'confirmed' });
  });

  it('treats a lost answer as a state of its own, and looks before it asks again (T06, T07)', () => {
    const probing = [...toCreating, suspended, broke('createClaim', unknown)] as const;
    expect(walk(probing).value).toEqual({ creatingNode: { probing: 'awaitingSession' } });
    expect(walk([...probing, connected]).value).toEqual({ creatingNode: { probing: 'looking' } });
    expect(walk([...probing, connected, done('probeClaim', null)]).value).toEqual({
      creatingNode: 'creating',
    });
    expect(walk([...probing, connected, done('probeClaim', enqueued(holds))]).value).toEqual({
      held: 'confirmed',
    });
  });

  it('asks again without looking when nothing was sent', () => {
    const snapshot = walk([...toCreating, suspended, broke('createClaim', notSent)]);
    expect(snapshot.value).toEqual({ creatingNode: 'awaitingSession' });
    expect(snapshot.context.mayExist).toBe(false);
  });

  it('uses a fresh GUID in a new session, under the same deadline', () => {
    const snapshot = walk([...toWaiting, lost, connected]);
    expect(snapshot.value).toEqual({ creatingNode: 'creating' });
    expect(snapshot.context.guid).toBe('guid-2');
    expect(walk([...toCreating, lost, connected]).context.guid).toBe('guid-2');
  });

  it('fails when the server refuses for good, and withdraws what may exist', () => {
    const snapshot = walk([...toCreating, broke('createClaim', refused)]);
    expect(snapshot.value).toEqual({ failed: 'deleting' });
    expect(snapshot.context.failure).toMatchObject({ kind: 'refused' });
  });

  it('does not take a place that it must not wait for', () => {
    const snapshot = walk([...toCreating, done('createClaim', enqueued(waits))], { noWait: true });
    expect(snapshot.value).toEqual({ failed: 'deleting' });
    expect(snapshot.context.failure).toMatchObject({ kind: 'busy' });
  });
});

describe('stealing', () => {
  const thief = { steals: true };
  const toStealing = [...toCreating, done('createClaim', enqueued(waits))] as const;

  it('follows once it stands in line behind somebody, and never a wait', () => {
    expect(walk(toStealing, thief).value).toEqual({ creatingNode: { stealing: 'taking' } });
    expect(walk([...toStealing, done('stealPlace', enqueued(holds))], thief).value).toEqual({
      held: 'confirmed',
    });
  });

  it('is not needed where nobody holds', () => {
    expect(walk(toHeld, thief).value).toEqual({ held: 'confirmed' });
  });

  it('is tried again when it went unanswered, for it looks first what came of it', () => {
    const cut = walk([...toStealing, suspended, broke('stealPlace', unknown)], thief);
    expect(cut.value).toEqual({ creatingNode: { stealing: 'awaitingSession' } });
    const again = walk([...toStealing, suspended, broke('stealPlace', unknown), connected], thief);
    expect(again.value).toEqual({ creatingNode: { stealing: 'taking' } });
    expect(again.context.guid).toBe('guid-1');
  });

  it('ends with its session: nobody knows whether it had held, and nobody is robbed twice', () => {
    const { value, context } = walk([...toStealing, suspended, lost], thief);
    expect(value).toEqual({ failed: 'settled' });
    expect(context.failure).toMatchObject({ kind: 'session-lost' });
    expect(walk([...toCreating, lost, connected], thief).value).toEqual({ creatingNode: 'creating' });
  });

  it('fails when its own claim was taken meanwhile, and when it is refused', () => {
    const taken = walk([...toStealing, done('stealPlace', enqueued(missing))], thief);
    expect(taken.context.failure).toMatchObject({ kind: 'claim-deleted' });
    const { value, context } = walk([...toStealing, broke('stealPlace', refused)], thief);
    expect(value).toEqual({ failed: 'deleting' });
    expect(context.failure).toMatchObject({ kind: 'refused' });
  });
});

describe('leaving a mark', () => {
  const marks = { marks: true };
  const toMarking = [...toCreating, done('createClaim', enqueued(holds))] as const;
  const left = done('leaveMark', { kind: 'ours' });
  const found = done('leaveMark', foreign);
  const toDelaying = [...toMarking, found] as const;

  it('comes between being first and holding, however one comes to be first', () => {
    expect(walk(toMarking, marks).value).toEqual({ creatingNode: 'marking' });
    const watched = [...toWaiting, { type: 'claim.watched' }] as const;
    for (const first of [
      [{ type: 'predecessor.gone', witnessed: true }],
      [{ type: 'predecessor.gone', witnessed: false }, done('consultQueue', { verdict: holds, asOf: 2 })],
    ] as LockEvent[][]) {
      const marking = walk([...watched, ...first], marks);
      expect(marking.value).toEqual({ waitingOnPredecessor: 'marking' });
      expect(marking.context.consultation?.verdict).toEqual(holds);
      expect(walk([...watched, ...first, left], marks).value).toEqual({ held: 'confirmed' });
    }
  });

  it('waits out a mark that is there, and then looks again', () => {
    const snapshot = walk(toDelaying, marks);
    expect(snapshot.value).toEqual({ waitingOnPredecessor: 'delaying' });
    expect(snapshot.context.predecessor).toEqual({ path: '/l/b', readable: true, owner: 'bob' });
    const over = {
      type: 'xstate.after.lossDelay.lock.waitingOnPredecessor.delaying',
    } as unknown as LockEvent;
    expect(walk([...toDelaying, over], marks).value).toEqual({ waitingOnPredecessor: 'marking' });
    const held = walk([...toDelaying, over, left], marks);
    expect(held.value).toEqual({ held: 'confirmed' });
    expect(held.context.loss).toBeNull();
  });

  it('does not wait where it must not', () => {
    const snapshot = walk(toDelaying, { ...marks, noWait: true });
    expect(snapshot.value).toEqual({ failed: 'deleting' });
    expect(snapshot.context.failure).toMatchObject({ kind: 'busy' });
  });

  it('looks at the line again, behind a sync, when the claim is not there or the answer is lost', () => {
    const cuts = [
      [...toMarking, suspended, broke('leaveMark', unknown)],
      [...toDelaying, suspended],
    ] as LockEvent[][];
    for (const events of cuts) {
      const cut = walk([...events, connected], marks);
      expect(cut.value).toEqual({ waitingOnPredecessor: 'consulting' });
      expect(cut.context.cutSinceListing).toBe(true);
    }
    const gone = walk([...toMarking, done('leaveMark', { kind: 'unclaimed' })], marks);
    expect(gone.value).toEqual({ waitingOnPredecessor: 'consulting' });
    expect(gone.context.cutSinceListing).toBe(true);
  });

  it('fails where it is refused for good', () => {
    const { value, context } = walk([...toMarking, broke('leaveMark', refused)], marks);
    expect(value).toEqual({ failed: 'deleting' });
    expect(context.failure).toMatchObject({ kind: 'refused' });
  });

  it('knows of the mark what became of it: its own goes with a release, and may while nobody has said so', () => {
    expect(walk(toCreating, marks).context.mark).toBe('none');
    expect(walk([...toMarking, { type: 'abort', cause: 'no' }], marks).context.mark).toBe('possible');
    expect(walk([...toMarking, left, { type: 'release' }], marks).context.mark).toBe('ours');
    expect(walk([...toMarking, lost, connected], marks).context.mark).toBe('none');
  });
});

describe('waiting', () => {
  it('looks at the whole line again when the predecessor leaves (T25)', () => {
    expect(walk([...toWaiting, { type: 'predecessor.gone', witnessed: true }]).value).toEqual({
      waitingOnPredecessor: 'consulting',
    });
  });

  it('takes a witnessed deletion for the grant when our own claim is known to be there', () => {
    const watched = [...toWaiting, { type: 'claim.watched' }] as const;
    expect(walk([...watched, { type: 'predecessor.gone', witnessed: true }]).value).toEqual({
      held: 'confirmed',
    });
    expect(walk([...watched, { type: 'predecessor.gone', witnessed: false }]).value).toEqual({
      waitingOnPredecessor: 'consulting',
    });
  });

  it('looks again after every reconnect, and trusts no watch of before (T23)', () => {
    const back = walk([...toWaiting, { type: 'claim.watched' }, suspended, connected]);
    expect(back.value).toEqual({ waitingOnPredecessor: 'consulting' });
    expect(back.context.claimWatched).toBe(false);
  });

  it('fails when the line says that somebody deleted our claim', () => {
    for (const news of [
      { type: 'claim.gone', because: 'node-deleted' },
      { type: 'predecessor.gone', witnessed: true },
    ] as const) {
      const looking = walk([...toWaiting, news]);
      expect(looking.value).toEqual({ waitingOnPredecessor: 'consulting' });
      const snapshot = walk([...toWaiting, news, done('consultQueue', { verdict: missing, asOf: 2 })]);
      expect(snapshot.context.failure).toMatchObject({ kind: 'claim-deleted' });
    }
  });

  it('begins again when the claim went with its session, whichever is told first', () => {
    const gone = walk([
      ...toWaiting,
      { type: 'claim.watched' },
      { type: 'claim.gone', because: 'node-deleted' },
    ]);
    expect(gone.context.claimWatched).toBe(false);
    const lost = { type: 'session.lost', reason: 'expired' } as const;
    expect(
      walk([...toWaiting, { type: 'claim.gone', because: 'node-deleted' }, suspended, lost]).value,
    ).toEqual({ creatingNode: 'awaitingSession' });
  });

  it('ends on time also while it is cut off, and then withdraws (T28, K16)', () => {
    const snapshot = walk([...toWaiting, suspended, { type: 'deadline.passed' }], { timeoutMs: 10 });
    expect(snapshot.value).toEqual({ failed: 'retrying' });
    expect(walk([...toWaiting, suspended, { type: 'deadline.passed' }, connected]).value).toEqual({
      failed: 'deleting',
    });
  });
});

describe('holding', () => {
  it('is suspended by a lost connection, and confirmed again when the claim is still ours', () => {
    expect(walk([...toHeld, suspended]).value).toEqual({ held: 'suspended' });
    expect(walk([...toHeld, suspended, connected]).value).toEqual({ held: 'revalidating' });
    expect(walk([...toHeld, suspended, connected, done('revalidateClaim', true)]).value).toEqual({
      held: 'confirmed',
    });
    expect(
      walk([...toHeld, suspended, connected, done('revalidateClaim', false)]).context.expiredBecause,
    ).toBe('node-deleted');
  });

  it('ends at a lost connection under the standard policy', () => {
    expect(walk([...toHeld, suspended], { onSuspend: 'standard' }).context.expiredBecause).toBe('suspended');
  });

  it('ends at the validity bound, except under the session policy', () => {
    expect(walk([...toHeld, suspended, { type: 'validity.passed' }]).context.expiredBecause).toBe(
      'validity-passed',
    );
    expect(walk([...toHeld, { type: 'validity.passed' }]).context.expiredBecause).toBe('validity-passed');
    expect(walk([...toHeld, suspended, { type: 'validity.passed' }], { onSuspend: 'session' }).value).toEqual(
      {
        held: 'suspended',
      },
    );
  });

  it.each([
    [lost, 'session-expired'],
    [{ type: 'session.closed' }, 'closed'],
    [{ type: 'claim.gone', because: 'node-deleted' }, 'node-deleted'],
    [{ type: 'ttl.passed' }, 'ttl'],
  ] as [LockEvent, string][])('ends at %o', (event, reason) => {
    const snapshot = walk([...toHeld, event]);
    expect(snapshot.matches('expired')).toBe(true);
    expect(snapshot.context.expiredBecause).toBe(reason);
  });

  it('ends as revoked when the claim goes after a request that was heard, however that is found out', () => {
    const asked = [
      ...toHeld,
      { type: 'claim.revokeRequested', request: { by: 'ops', why: '' } },
    ] as LockEvent[];
    expect(walk(asked).matches('held')).toBe(true);
    for (const end of [
      [{ type: 'claim.gone', because: 'node-deleted' }],
      [suspended, connected, done('revalidateClaim', false)],
    ] as LockEvent[][])
      expect(walk([...asked, ...end]).context.expiredBecause).toBe('revoked');
    expect(walk([...asked, lost]).context.expiredBecause).toBe('session-expired');
  });

  it("cannot be held by a session that is not the claim's", () => {
    const snapshot = walk([...toHeld, suspended, { type: 'session.connected', sessionId: 'b' }]);
    expect(snapshot.context.expiredBecause).toBe('session-expired');
  });

  it('is over for good once it has expired', () => {
    const expired = [...toHeld, lost] as const;
    for (const event of [
      connected,
      { type: 'acquire' },
      done('createClaim', enqueued(holds)),
    ] as LockEvent[]) {
      expect(walk([...expired, event]).matches('expired')).toBe(true);
    }
  });
});

describe('letting go', () => {
  it('is not over before the claim is gone (T14)', () => {
    expect(walk([...toHeld, { type: 'release' }]).value).toEqual({ releasing: 'deleting' });
    expect(walk([...toHeld, { type: 'release' }, done('withdrawClaim', undefined)]).value).toBe('released');
  });

  it('is repeated over a reconnect (T12, K15)', () => {
    const cut = [...toHeld, { type: 'release' }, suspended, broke('withdrawClaim', unknown)] as const;
    expect(walk(cut).value).toEqual({ releasing: 'retrying' });
    expect(walk([...cut, connected]).value).toEqual({ releasing: 'deleting' });
  });

  it('ends with the session', () => {
    expect(walk([...toHeld, { type: 'release' }, suspended, lost]).value).toBe('released');
  });

  it('says so when the server refuses', () => {
    const snapshot = walk([...toHeld, { type: 'release' }, broke('withdrawClaim', refused)]);
    expect(snapshot.context.failure).toMatchObject({ kind: 'not-released' });
    expect(snapshot.hasTag('settled')).toBe(true);
  });

  it('while asking withdraws what the server may have made', () => {
    const snapshot = walk([...toCreating, { type: 'release' }]);
    expect(snapshot.value).toEqual({ releasing: 'deleting' });
    expect(snapshot.context.mayExist).toBe(true);
  });

  it('before anything was asked leaves nothing to do', () => {
    expect(walk([{ type: 'acquire' }, { type: 'release' }]).value).toBe('released');
    expect(walk([{ type: 'release' }]).value).toBe('released');
  });
});
