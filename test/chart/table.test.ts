import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AnyStateMachine,
  createActor,
  createMachine,
  fromCallback,
  type InspectionEvent,
  SimulatedClock,
} from 'xstate';
import {
  type LockEvent,
  type LockInput,
  type LockSnapshot,
  lockMachine,
  type Verdict,
} from '../../machines/lock-machine.js';
import { checkTable, runFromTable } from '../../src/chart/table.js';
import { localLogic } from '../../src/local-actors.js';
import { lockLogic } from '../../src/lock-actors.js';
import { claim, holds, markings, missing, notSent, refused, unknown, waits } from '../setup/machine-facts.js';

const silent = fromCallback(() => undefined) as never;
const slots = Object.keys(lockMachine.implementations.actors);
const machine = lockMachine.provide({ actors: Object.fromEntries(slots.map((slot) => [slot, silent])) });

const verdicts: Verdict[] = [
  holds,
  waits,
  { kind: 'waits', predecessor: 'q', position: 2, queueLength: 3, behindHolder: false, inherits: false },
  missing,
];
const outputs = [
  ...verdicts.map((verdict) => ({ claim, verdict, asOf: 1 })),
  ...markings,
  null,
  true,
  false,
  undefined,
] as const;
const errors = [unknown, notSent, refused] as const;
const answer = fc.tuple(fc.constantFrom(...slots), fc.constantFrom(...outputs, ...errors));
const anyEvent = fc.oneof(
  fc.constantFrom<LockEvent>(
    { type: 'acquire' },
    { type: 'release' },
    { type: 'abort', cause: 'no' },
    { type: 'watch.due' },
    { type: 'session.connected', sessionId: 'a' },
    { type: 'session.connected', sessionId: 'b' },
    { type: 'session.suspended' },
    { type: 'session.lost', reason: 'expired' },
    { type: 'session.lost', reason: 'unreachable' },
    { type: 'session.closed' },
    { type: 'validity.passed' },
    { type: 'predecessor.seen', predecessor: { path: '/l/p', readable: true } },
    { type: 'predecessor.gone', witnessed: true },
    { type: 'predecessor.gone', witnessed: false },
    { type: 'predecessor.unclear' },
    {
      type: 'line.seen',
      consultation: {
        verdict: waits,
        asOf: 3,
      },
    },
    { type: 'line.seen', consultation: { verdict: holds, asOf: 3 } },
    { type: 'predecessor.refused', cause: 'no' },
    { type: 'claim.watched' },
    { type: 'claim.gone', because: 'node-deleted' },
    { type: 'claim.revokeRequested', request: { by: 'ops', why: '' } },
    { type: 'ttl.written', remainingMs: 50 },
    { type: 'ownLine.joined', behind: null },
    { type: 'ownLine.joined', behind: { verdict: waits, asOf: 1 } },
    { type: 'ownLine.moved', behind: { verdict: waits, asOf: 2 } },
    { type: 'ownLine.first' },
    { type: 'claim.handed', claim, holds: true },
    { type: 'claim.handed', claim, holds: false },
  ),
  fc.constantFrom(10, 100, 300, 2_000).map((advanceMs) => ({ advanceMs })),
  answer.map(([slot, value]) => {
    const isError = errors.some((error) => error === value);
    const type = `xstate.${isError ? 'error' : 'done'}.actor.${slot}`;
    return { type, actorId: slot, ...(isError ? { error: value } : { output: value }) } as never;
  }),
);
/** As long walks as stay interesting: few steps lead on from where most lead. */
const walks = fc.array(anyEvent, { minLength: 1, maxLength: 14 });
const started = fc.constantFrom(
  [],
  [{ type: 'acquire' }],
  [{ type: 'acquire' }, { type: 'xstate.done.actor.createClaim', output: outputs[0] }],
  [{ type: 'acquire' }, { type: 'xstate.done.actor.createClaim', output: outputs[1] }],
  [{ type: 'acquire' }, { type: 'ownLine.joined', behind: { verdict: waits, asOf: 1 } }],
) as fc.Arbitrary<LockEvent[]>;
const inputs: fc.Arbitrary<LockInput> = fc.record({
  newGuid: fc.constant(() => 'guid'),
  timeoutMs: fc.constantFrom(null, 1_000),
  noWait: fc.boolean(),
  steals: fc.boolean(),
  ttlMs: fc.constantFrom(null, 500),
  onSuspend: fc.constantFrom('bounded', 'standard', 'session'),
  amongOwn: fc.boolean(),
  marks: fc.boolean(),
  sessionUp: fc.boolean(),
  acquisition: fc.constant('handed on'),
});

/** What an inspector is told, without what stands for nothing: steps that were none, and stops of nobody. */
function told(event: InspectionEvent): string[] {
  switch (event.type) {
    case '@xstate.microstep':
      return event._transitions.length === 0 ? [] : [`step ${event.event.type}`];
    case '@xstate.action':
      return event.action.type === 'xstate.stopChild' && event.action.params === undefined
        ? []
        : [`action ${event.action.type}`];
    case '@xstate.snapshot':
    case '@xstate.event':
      return [`${event.type} ${event.event.type}`];
    default:
      return [event.type];
  }
}

/** Everything that can be seen of an actor that hears `walk`. */
function trace(logic: AnyStateMachine, input: unknown, walk: readonly (LockEvent | { advanceMs: number })[]) {
  const clock = new SimulatedClock();
  const seen: unknown[] = [];
  const inspect = (event: InspectionEvent) => seen.push(...told(event));
  const actor = createActor(logic, { input, clock, inspect });
  actor.subscribe({
    next: (snapshot: LockSnapshot) => {
      const { value, context, status, tags, children, error, output } = snapshot;
      seen.push({ value, context, status, tags, children: Object.keys(children), error, output });
    },
    error: (error) => seen.push({ error }),
    complete: () => seen.push('complete'),
  });
  actor.start();
  for (const event of walk) {
    if ('advanceMs' in event) clock.increment(event.advanceMs);
    else if (actor.getSnapshot().status === 'active') actor.send(event);
  }
  actor.stop();
  return seen;
}

describe('a chart that is run from a table', () => {
  const tabled = runFromTable(machine);

  it('does what XState does, step by step, whatever it hears', () => {
    const cases = fc.property(inputs, started, walks, (input, start, walk) => {
      const events = [...start, ...walk];
      expect(trace(tabled, input, events)).toEqual(trace(machine, input, events));
    });
    fc.assert(cases, { numRuns: 600 });
  });

  it('goes on from a snapshot that XState made', () => {
    const input = { ...(fc.sample(inputs, 1)[0] as LockInput), sessionUp: true, amongOwn: false };
    const plain = createActor(machine, { input }).start();
    plain.send({ type: 'acquire' });
    const restored = createActor(tabled, { input, snapshot: plain.getPersistedSnapshot() }).start();
    restored.send({ type: 'release' });
    expect(restored.getSnapshot().value).toEqual({ releasing: 'deleting' });
  });

  it('is ours, the whole of it', () => {
    for (const logic of [lockLogic, localLogic]) checkTable(logic);
  });

  it('is refused when it has what a table does not do', () => {
    const states = { a: {}, b: {} };
    const parallel = createMachine({ type: 'parallel', states });
    expect(() => checkTable(parallel)).toThrow('parallel');
    const wildcard = createMachine({ initial: 'a', states, on: { '*': '.b' } });
    expect(() => checkTable(wildcard)).toThrow('the event *');
    const unknown = createMachine({ initial: 'a', states: { a: { entry: 'missing' } } });
    expect(() => checkTable(unknown)).toThrow('the action missing, which is not implemented');
  });
});
