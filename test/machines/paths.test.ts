import { describe, expect, it } from 'vitest';
import { getShortestPaths } from 'xstate/graph';
import { type LockEvent, type LockSnapshot, lockMachine, type Verdict } from '../../machines/lock-machine.js';
import { claim, holds, markings, missing, notSent, refused, unknown, waits } from '../setup/machine-facts.js';

const verdicts: Verdict[] = [holds, waits, missing];
const errors = [unknown, notSent, refused];
const slot = (kind: 'done' | 'error', name: string, value: unknown) =>
  ({
    type: `xstate.${kind}.actor.${name}`,
    actorId: name,
    ...(kind === 'done' ? { output: value } : { error: value }),
  }) as unknown as LockEvent;
const answers = (name: string, outputs: readonly unknown[]) => [
  ...outputs.map((output) => slot('done', name, output)),
  ...errors.map((error) => slot('error', name, error)),
];

/** Everything the machine can hear: each fact, and each answer or refusal of each slot. */
const events: LockEvent[] = [
  { type: 'acquire' },
  { type: 'release' },
  { type: 'abort', cause: 'no' },
  { type: 'deadline.passed' },
  { type: 'ttl.passed' },
  { type: 'session.connected', sessionId: 'a' },
  { type: 'session.connected', sessionId: 'b' },
  { type: 'session.suspended' },
  { type: 'session.lost', reason: 'expired' },
  { type: 'session.lost', reason: 'unreachable' },
  { type: 'session.closed' },
  { type: 'validity.passed' },
  { type: 'predecessor.gone', witnessed: true },
  { type: 'predecessor.gone', witnessed: false },
  { type: 'predecessor.unclear' },
  ...verdicts.map((verdict) => ({ type: 'line.seen' as const, consultation: { verdict, asOf: 3 } })),
  { type: 'predecessor.refused', cause: 'no' },
  { type: 'ownLine.joined', behind: null },
  { type: 'ownLine.joined', behind: { verdict: waits, asOf: 1 } },
  { type: 'ownLine.moved', behind: { verdict: waits, asOf: 2 } },
  { type: 'ownLine.first' },
  { type: 'claim.handed', claim, holds: true },
  { type: 'claim.handed', claim, holds: false },
  { type: 'claim.watched' },
  { type: 'claim.gone', because: 'node-deleted' },
  ...answers(
    'createClaim',
    verdicts.map((verdict) => ({ claim, verdict, asOf: 1 })),
  ),
  ...answers('probeClaim', [null, ...verdicts.map((verdict) => ({ claim, verdict, asOf: 1 }))]),
  ...answers(
    'stealPlace',
    verdicts.map((verdict) => ({ claim, verdict, asOf: 1 })),
  ),
  ...answers('leaveMark', markings),
  ...answers(
    'consultQueue',
    verdicts.map((verdict) => ({ verdict, asOf: 2 })),
  ),
  ...answers('revalidateClaim', [true, false]),
  ...answers('withdrawClaim', [undefined]),
];

const input = {
  newGuid: () => 'guid',
  timeoutMs: null,
  noWait: false,
  steals: false,
  amongOwn: false,
  marks: false,
  ttlMs: null,
  onSuspend: 'bounded' as const,
  sessionUp: false,
  acquisition: null,
};
const top = (snapshot: LockSnapshot) =>
  typeof snapshot.value === 'string' ? snapshot.value : Object.keys(snapshot.value)[0];
/** Of a lock that does none of these, of one that steals, of one that shares a claim, and of one that leaves a mark. */
const kinds = [{}, { steals: true }, { amongOwn: true }, { marks: true }];
const paths = kinds.flatMap((kind) =>
  getShortestPaths(lockMachine, {
    input: { ...input, ...kind },
    events,
    serializeEvent: (event) =>
      JSON.stringify(event, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    serializeState: (snapshot) =>
      JSON.stringify([
        snapshot.value,
        snapshot.context.sessionUp,
        snapshot.context.claim !== null,
        snapshot.context.mayExist,
        snapshot.context.claimWatched,
      ]),
  }),
);

/** The user's drawing, and nothing else: what may follow what on the top level. */
const allowed: Record<string, readonly string[]> = {
  idle: ['creatingNode', 'released'],
  creatingNode: ['waitingOnPredecessor', 'held', 'releasing', 'released', 'failed'],
  waitingOnPredecessor: ['creatingNode', 'held', 'releasing', 'released', 'failed'],
  held: ['releasing', 'expired'],
  releasing: ['released', 'failed'],
  released: [],
  expired: [],
  failed: [],
};

describe('every way through the statechart', () => {
  it('visits every state of the drawing', () => {
    expect(paths.length).toBeGreaterThan(30);
    const visited = new Set(paths.map(({ state }) => top(state)));
    expect([...visited].sort()).toEqual(Object.keys(allowed).sort());
  });

  it('follows the drawing: nothing leads back to held from expired, failed or released', () => {
    for (const { steps, state } of paths) {
      const sequence = [...steps.map((step) => top(step.state)), top(state)];
      for (let index = 1; index < sequence.length; index += 1) {
        const [from, to] = [sequence[index - 1] ?? '', sequence[index] ?? ''];
        if (from !== to) expect(allowed[from], sequence.join(' → ')).toContain(to);
      }
    }
  });

  it('holds only with a claim', () => {
    for (const { state } of paths) if (state.matches('held')) expect(state.context.claim).not.toBeNull();
  });

  it('is settled only when no claim of ours can be left, or its withdrawal was refused', () => {
    for (const { state } of paths) {
      if (!state.hasTag('settled')) continue;
      const last = paths.find((path) => path.state === state)?.steps.at(-1)?.event.type ?? '';
      const gone = state.context.claim === null && !state.context.mayExist;
      expect(gone || /withdrawClaim|session\.(lost|closed)/.test(last), last).toBe(true);
    }
  });

  it('can be ended from anywhere', () => {
    for (const { state } of paths) {
      const types = ['released', 'expired', 'failed', 'releasing'];
      if (types.includes(top(state) ?? '')) continue;
      expect(state.can({ type: 'release' }), JSON.stringify(state.value)).toBe(true);
    }
  });
});
