/** Who waits for whom across locks, and which claims deserve a look. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Contention, deadlocks, orphans, waitForGraph } from '../../src/index.js';

type Kind = 'exclusive' | 'read' | 'write';

/** A line from its owners, in order: `anna`, or `anna:read`. An empty name is a claim without an owner. */
function line(path: string, ...names: string[]): Contention {
  const contenders = names.map((each, position) => {
    const [owner = '', kind = 'exclusive'] = each.split(':');
    return {
      name: `_c_${position}-lock-${String(position).padStart(10, '0')}`,
      sequence: position,
      kind: kind as Kind,
      dialect: 'curator' as const,
      path: `${path}/${position}`,
      position,
      ...(owner === '' ? {} : { owner, host: 'h', pid: 1 }),
      sinceMs: 1_000,
      session: `${position + 1}`,
      czxid: BigInt(position),
    };
  });
  return {
    path,
    holder: contenders[0] ?? null,
    contenders,
    foreign: [],
    unsafeMix: false,
    asOf: 0,
    freshness: 'live',
  };
}

const circleOf = (lines: Contention[]) =>
  deadlocks(waitForGraph(lines)).map(({ circle }) => circle.map(({ waiter }) => waiter.name).sort());

describe('a deadlock', () => {
  it('is found where two owners each hold what the other waits for', () => {
    expect(circleOf([line('/a', 'anna', 'ben'), line('/b', 'ben', 'anna')])).toEqual([['anna', 'ben']]);
  });

  it('is found through owners in between, whatever stands among them', () => {
    const lines = [
      line('/a', 'anna', '', 'carl', 'ben'),
      line('/b', 'ben', 'dora'),
      line('/c', 'dora', 'anna'),
      line('/d', 'x', 'y'),
    ];
    expect(circleOf(lines)).toEqual([['anna', 'ben', 'carl', 'dora']]);
  });

  it('is none while somebody can still go on', () => {
    expect(circleOf([line('/a', 'anna', 'ben'), line('/b', 'anna', 'ben')])).toEqual([]);
  });

  it('is not made up from claims that name no owner', () => {
    expect(circleOf([line('/a', '', 'ben'), line('/b', 'ben', '')])).toEqual([]);
  });

  it('is not made up from one name in two processes', () => {
    const elsewhere = line('/b', 'ben', 'anna');
    const contenders = elsewhere.contenders.map((each) => ({ ...each, pid: 2 }));
    expect(circleOf([line('/a', 'anna', 'ben'), { ...elsewhere, contenders }])).toEqual([]);
  });

  it('is not made up from readers, who hold side by side', () => {
    const lines = [line('/a', 'anna:read', 'ben:read'), line('/b', 'ben', 'anna')];
    expect(circleOf(lines)).toEqual([]);
  });

  it('is found where a writer waits for the second of two readers', () => {
    const lines = [line('/a', 'anna:read', 'ben:read', 'carl:write'), line('/b', 'carl', 'anna')];
    expect(circleOf(lines)).toEqual([['anna', 'carl']]);
  });

  it('is told once for each knot', () => {
    const lines = [
      line('/a', 'anna', 'ben'),
      line('/b', 'ben', 'anna'),
      line('/c', 'carl', 'dora'),
      line('/d', 'dora', 'carl'),
    ];
    expect(circleOf(lines)).toEqual([
      ['anna', 'ben'],
      ['carl', 'dora'],
    ]);
  });

  it('is found exactly when owners wait in a circle, in any lines', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(names, { maxLength: 5 }), (drawn) => {
        const lines = drawn.map((each, index) => line(`/${index}`, ...each));
        const reach = new Map<string, Set<string>>();
        for (const each of drawn)
          for (const [position, name] of each.entries())
            for (const ahead of each.slice(0, position))
              reach.set(name, (reach.get(name) ?? new Set()).add(ahead));
        for (let step = 0; step < 5; step += 1)
          for (const [, ahead] of reach)
            for (const other of [...ahead]) for (const further of reach.get(other) ?? []) ahead.add(further);
        const inCircle = [...reach].some(([name, ahead]) => ahead.has(name));
        const found = deadlocks(waitForGraph(lines));
        expect(found.length > 0).toBe(inCircle);
        for (const { circle } of found)
          for (const [index, { blocker }] of circle.entries())
            expect(blocker.id).toBe(circle[(index + 1) % circle.length]?.waiter.id);
      }),
    );
  });
});

describe('an orphan', () => {
  it('is a claim whose session the server does not know', () => {
    const found = orphans([line('/a', 'anna', 'ben')], { nowMs: 2_000, liveSessions: new Set(['1']) });
    expect(found.map(({ claim, why }) => [claim.owner, why])).toEqual([['ben', 'session-gone']]);
  });

  it('is a holder past the time to live that it gave itself', () => {
    const expired = line('/a', 'anna');
    const contenders = expired.contenders.map((each) => ({ ...each, endsMs: 1_500 }));
    const found = orphans([{ ...expired, contenders }], { nowMs: 2_000 });
    expect(found.map(({ why }) => why)).toEqual(['ttl-passed']);
  });

  it('is a holder that stands first for longer than the operator thinks right', () => {
    expect(orphans([line('/a', 'anna', 'ben')], { nowMs: 9_000, tooLongMs: 5_000 })).toMatchObject([
      { why: 'held-too-long', claim: { owner: 'anna' } },
    ]);
  });
});
