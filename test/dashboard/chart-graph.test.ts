/** The lock's statechart as boxes and arrows. */
import { describe, expect, it } from 'vitest';
import { lockMachine } from '../../machines/index.js';
import { chartOf } from '../../src/dashboard/chart-graph.js';
import { definitionOf } from '../../src/inspect/index.js';

const chart = chartOf(definitionOf(lockMachine));
const keys = [
  'idle',
  'creatingNode',
  'waitingOnPredecessor',
  'held',
  'releasing',
  'released',
  'expired',
  'failed',
];
const edges = chart.edges.map(({ from, to }) => `${from} ${to}`);

describe('the lock machine', () => {
  it('has every top-level state as a box, and the one that is the end marked', () => {
    expect(chart.nodes.map(({ key }) => key).sort()).toEqual([...keys].sort());
    expect(chart.nodes.filter(({ final }) => final).map(({ key }) => key)).toEqual(['released']);
    expect(chart.nodes.find(({ key }) => key === 'held')?.inner).toEqual(
      expect.arrayContaining(['confirmed', 'suspended', 'revalidating']),
    );
  });

  it('has boxes that lie in the picture and not on each other', () => {
    for (const [index, a] of chart.nodes.entries()) {
      expect(a.x - a.width / 2, a.key).toBeGreaterThanOrEqual(0);
      expect(a.y - a.height / 2, a.key).toBeGreaterThanOrEqual(0);
      expect(a.x + a.width / 2, a.key).toBeLessThanOrEqual(chart.width);
      expect(a.y + a.height / 2, a.key).toBeLessThanOrEqual(chart.height);
      for (const b of chart.nodes.slice(index + 1)) {
        const apart =
          Math.abs(a.x - b.x) >= (a.width + b.width) / 2 || Math.abs(a.y - b.y) >= (a.height + b.height) / 2;
        expect(apart, `${a.key} and ${b.key}`).toBe(true);
      }
    }
  });

  it('has the ways that a lock goes, and none out of its ends', () => {
    expect(edges).toEqual(
      expect.arrayContaining([
        'idle creatingNode',
        'creatingNode waitingOnPredecessor',
        'creatingNode held',
        'waitingOnPredecessor held',
        'held releasing',
        'held expired',
        'releasing released',
      ]),
    );
    expect(chart.edges.filter(({ from }) => ['released', 'expired', 'failed'].includes(from))).toEqual([]);
    expect(edges).not.toContain('idle held');
    expect(new Set(edges).size).toBe(edges.length);
  });

  it('has an arrow that begins at one box and ends at the other', () => {
    const box = (key: string) => chart.nodes.find((node) => node.key === key)!;
    const touches = (key: string, point: { x: number; y: number } | undefined) => {
      const { x, y, width, height } = box(key);
      expect(Math.abs((point?.x ?? Number.NaN) - x), key).toBeLessThanOrEqual(width / 2 + 1);
      expect(Math.abs((point?.y ?? Number.NaN) - y), key).toBeLessThanOrEqual(height / 2 + 1);
    };
    for (const { from, to, points } of chart.edges) {
      touches(from, points[0]);
      touches(to, points.at(-1));
    }
  });
});

it('leads out of a nested state to where it says, and draws nothing for what stays inside', () => {
  const small = chartOf({
    key: 'small',
    id: 'small',
    states: [
      {
        key: 'a',
        states: [
          { key: 'x', on: { INSIDE: [{ target: 'y' }], OUT: [{ target: '#small.b.z' }] } },
          { key: 'y' },
        ],
        on: {
          INTO: [{ target: '.y' }],
          'many.1': [{ target: 'b' }],
          'many.2': [{ target: 'b' }],
          'many.3': [{ target: 'b' }],
        },
      },
      { key: 'b', states: [{ key: 'z' }], after: { later: [{ target: 'a' }] } },
    ],
  });
  expect(small.edges.map(({ from, to, label }) => [from, to, label])).toEqual([
    ['a', 'b', ['many.1', 'many.2', '… 2 more']],
    ['b', 'a', ['after later']],
  ]);
});
