/** What late viewers still see, and what is forgotten so that it does not grow. */
import { expect, it } from 'vitest';
import { TraceMemory } from '../../src/inspect/memory.js';
import type { TraceRecord } from '../../src/inspect/trace.js';

const started = (actor: string): TraceRecord => ({
  kind: 'started',
  actor,
  machine: 'lock',
  name: '/a',
  at: 0,
});
const stopped = (actor: string): TraceRecord => ({ kind: 'stopped', actor, at: 9 });
const step = (actor: string, value: string): TraceRecord => ({
  kind: 'snapshot',
  actor,
  at: 1,
  value,
  context: {},
  after: 'x',
});

function known(memory: TraceMemory): TraceRecord[] {
  const told: TraceRecord[] = [];
  memory.records$.subscribe((record) => told.push(record)).unsubscribe();
  return told;
}

it('tells what it knows first, in order, and then what happens', () => {
  const memory = new TraceMemory(10);
  memory.add(started('1'));
  memory.add(step('1', 'idle'));
  const told: TraceRecord[] = [];
  memory.records$.subscribe((record) => told.push(record));
  memory.add(step('1', 'held'));
  expect(told).toEqual([started('1'), step('1', 'idle'), step('1', 'held')]);
});

it('keeps a bounded number of steps, and of each live one the last state beyond that', () => {
  const memory = new TraceMemory(5);
  memory.add(started('quiet'));
  memory.add(step('quiet', 'held'));
  memory.add(started('busy'));
  for (let round = 0; round < 100; round += 1) memory.add(step('busy', `step ${round}`));
  expect(known(memory)).toEqual([
    started('quiet'),
    step('quiet', 'held'),
    started('busy'),
    ...[95, 96, 97, 98, 99].map((round) => step('busy', `step ${round}`)),
  ]);
});

it('forgets those that stopped when their last step has gone, however many come', () => {
  const memory = new TraceMemory(6);
  for (let actor = 0; actor < 1_000; actor += 1) {
    memory.add(started(String(actor)));
    memory.add(step(String(actor), 'held'));
    memory.add(stopped(String(actor)));
  }
  expect(known(memory).filter(({ kind }) => kind === 'started')).toEqual([
    started('997'),
    started('998'),
    started('999'),
  ]);
  expect(memory.hasActor('996')).toBe(false);
});

it('drops a chart it has, and steps of actors it has not', () => {
  const memory = new TraceMemory(5);
  const definition: TraceRecord = {
    kind: 'definition',
    machine: 'lock',
    definition: { id: 'lock', key: 'lock' },
  };
  memory.add(definition);
  memory.add(definition);
  memory.add(step('nobody', 'held'));
  expect(known(memory)).toEqual([definition]);
});
