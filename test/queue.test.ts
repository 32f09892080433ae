import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bearsGuid,
  type ContenderKind,
  claimPrefix,
  contenderOf,
  lineOf,
  lockRule,
  MARK_NAME,
  nameInPlaceOf,
  orderByCreation,
  readRule,
  unseenIn,
  verdictOf,
  verdictOfPlain,
  writeRule,
} from '../src/queue.js';

const COUNTER_END = 2_147_483_647;
const guid = fc.uuid();
const suffix = (sequence: number) =>
  sequence < 0 ? `-${String(-sequence).padStart(9, '0')}` : String(sequence).padStart(10, '0');
const name = (id: string, sequence: number) => `${claimPrefix(id)}${suffix(sequence)}`;
const sequence = fc.integer({ min: -COUNTER_END - 1, max: COUNTER_END });

const PLAIN = 'lock-0000000001';
const WRITER = '_c_a-__WRIT__0000000002';
const READER = '_c_b-__READ__0000000003';
const KAZOO = '0123456789abcdef0123456789abcdef__lock__0000000004';
const KAZOO_READER = '0123456789abcdef0123456789abcdef__rlock__0000000005';

describe('reading names', () => {
  it('reads the number of every name that a server makes from ours, the sign included (K05, T45)', () => {
    fc.assert(
      fc.property(guid, sequence, (id, number) => {
        expect(contenderOf(name(id, number))).toMatchObject({
          sequence: number,
          kind: 'exclusive',
          dialect: 'curator',
        });
      }),
    );
  });

  it('understands the other languages', () => {
    expect(contenderOf('_c_9a3f2b10-0000-4000-8000-000000000000-lock-0000000007')).toMatchObject({
      sequence: 7,
    });
    expect(contenderOf('lock-0000000007')).toMatchObject({ sequence: 7 });
    expect(contenderOf('0123456789abcdef0123456789abcdef__lock__0000000003')).toMatchObject({
      dialect: 'kazoo',
    });
    expect(contenderOf('0123456789abcdef0123456789abcdef__rlock__0000000003')).toMatchObject({
      kind: 'read',
    });
    expect(contenderOf('_c_9a3f2b10-0000-4000-8000-000000000000-__READ__0000000001')).toMatchObject({
      kind: 'read',
    });
    expect(contenderOf('_c_9a3f2b10-0000-4000-8000-000000000000-__WRIT__0000000002')).toMatchObject({
      kind: 'write',
    });
  });

  it.each([
    'team-1',
    'lock-',
    'lock-12',
    'lock-00000000001',
    'lock-9999999999',
    'my-blocklock-0000000001x',
    'sub',
    '',
  ])('does not let the foreign child %j stand in line (K20, T46)', (foreign) => {
    expect(contenderOf(foreign)).toBeNull();
    expect(lineOf([foreign]).foreign).toEqual([foreign]);
  });

  it("takes a holder's mark for nobody in line, and for no stranger", () => {
    expect(contenderOf(MARK_NAME)).toBeNull();
    expect(lineOf([MARK_NAME, PLAIN])).toMatchObject({ contenders: [{ name: PLAIN }], foreign: [] });
  });

  it("has for it a name whose number is behind everybody's, for clients that read one in every child", () => {
    // go-zk and kafka-kit: behind the last dash, or the last "lock-". Curator: the text behind the last "lock-".
    for (const mark of [MARK_NAME.split('-').at(-1), MARK_NAME.split('lock-').at(-1)]) {
      expect(Number(mark)).toBeGreaterThan(COUNTER_END);
      expect((mark ?? '') > String(COUNTER_END)).toBe(true);
    }
    // kazoo: ten digits, and no more, behind its name.
    expect(MARK_NAME).not.toMatch(/-lock-(-?\d{10})$/);
  });

  it('knows a claim by its GUID and by nothing shorter', () => {
    expect(bearsGuid('_c_abc-lock-0000000001', 'abc')).toBe(true);
    expect(bearsGuid('_c_abcd-lock-0000000001', 'abc')).toBe(false);
  });

  it('reports a line in which clients do not see each other', () => {
    const mixed = lineOf(['lock-0000000001', '0123456789abcdef0123456789abcdef__lock__0000000002']);
    expect(mixed.unsafeMix).toBe(true);
    expect(lineOf(['lock-0000000001', 'lock-0000000002']).unsafeMix).toBe(false);
  });

  it.each([
    ["kazoo's own names are not seen by others", [KAZOO, PLAIN], [], [KAZOO]],
    ["kazoo's own names are seen by their like", [KAZOO, KAZOO_READER], [], []],
    ['plain locks are not seen by readers and writers', [PLAIN, WRITER], [WRITER], [PLAIN]],
    ['we see everybody', [PLAIN, WRITER, READER], [PLAIN, WRITER, READER], []],
    ['we are not seen by kazoo either', [PLAIN, KAZOO], [PLAIN], [KAZOO]],
    ['nobody else is no danger', [PLAIN], [], []],
  ])('knows who is not seen: %s', (_, names, ours, unseen) => {
    expect(unseenIn(lineOf(names), (each) => ours.includes(each)).map(({ name: each }) => each)).toEqual(
      unseen,
    );
  });
});

/** A line as a server makes it: every contender created later has a larger creation transaction. */
const line = (number: fc.Arbitrary<number>) =>
  fc.array(fc.record({ id: guid, number }), { minLength: 1, maxLength: 12 }).chain((made) => {
    const names = made.map(({ id, number: value }) => name(id, value));
    const unique = [...new Set(names)];
    return fc
      .shuffledSubarray(unique, { minLength: unique.length, maxLength: unique.length })
      .map((shuffled) => ({
        shuffled,
        czxids: new Map(unique.map((each, index) => [each, BigInt(index + 1)])),
      }));
  });

describe('the order', () => {
  it('is total, and the same for whoever lists', () => {
    fc.assert(
      fc.property(line(sequence), ({ shuffled }) => {
        const once = lineOf(shuffled).contenders.map((contender) => contender.name);
        expect(lineOf([...shuffled].reverse()).contenders.map((contender) => contender.name)).toEqual(once);
        expect(new Set(once).size).toBe(shuffled.length);
      }),
    );
  });

  it('asks for the creation order exactly when the counter is at its end', () => {
    expect(lineOf([name('a', COUNTER_END - 1)]).pastCounterEnd).toBe(false);
    expect(lineOf([name('a', 1), name('b', COUNTER_END)]).pastCounterEnd).toBe(true);
    expect(lineOf([name('a', 1), name('b', -5)]).pastCounterEnd).toBe(true);
  });

  it("past the counter's end is the order of creation, whatever the numbers say", () => {
    fc.assert(
      fc.property(line(fc.constantFrom(COUNTER_END, -COUNTER_END - 1, -1, 3)), ({ shuffled, czxids }) => {
        const ordered = orderByCreation(lineOf(shuffled), czxids).contenders.map(
          (contender) => contender.name,
        );
        expect(ordered).toEqual([...czxids.keys()]);
      }),
    );
  });

  it('leaves out whoever left since the listing', () => {
    const listed = lineOf([name('a', COUNTER_END), name('b', COUNTER_END)]);
    expect(orderByCreation(listed, new Map([[name('b', COUNTER_END), 9n]])).contenders).toHaveLength(1);
  });
});

describe('the verdict', () => {
  const number = fc.integer({ min: 0, max: 40 });

  it('lets exactly one hold', () => {
    fc.assert(
      fc.property(line(number), ({ shuffled }) => {
        const sorted = lineOf(shuffled);
        const holders = shuffled.filter((each) => verdictOf(sorted, each).kind === 'holds');
        expect(holders).toHaveLength(1);
      }),
    );
  });

  it('blocks everybody else on somebody ahead, so that nobody waits in a circle (T24)', () => {
    fc.assert(
      fc.property(line(number), ({ shuffled }) => {
        const sorted = lineOf(shuffled);
        const index = new Map(sorted.contenders.map((contender, at) => [contender.name, at]));
        for (const each of shuffled) {
          const verdict = verdictOf(sorted, each);
          if (verdict.kind !== 'waits') continue;
          expect(index.get(verdict.predecessor)).toBe((index.get(each) ?? 0) - 1);
          expect(verdict.position).toBe(index.get(each));
        }
      }),
    );
  });

  it('is "missing" for a name that is not in the listing, also in an empty one (K04, T05)', () => {
    expect(verdictOf(lineOf([]), name('a', 0))).toEqual({ kind: 'missing' });
    expect(verdictOf(lineOf([name('b', 0)]), name('a', 0))).toEqual({ kind: 'missing' });
  });

  it('lets a deletion be the grant only for the second of a line without readers and writers', () => {
    const [a, b, c] = [name('a', 1), name('b', 2), name('c', 3)];
    expect(verdictOf(lineOf([a, b, c]), b)).toMatchObject({ inherits: true });
    expect(verdictOf(lineOf([a, b, c]), c)).toMatchObject({ inherits: false });
    expect(verdictOf(lineOf([a, b, 'x__READ__0000000009']), b)).toMatchObject({ inherits: false });
  });
});

describe('the verdict among readers and writers', () => {
  const rules = { exclusive: lockRule, read: readRule, write: writeRule };
  type Asked = { readonly id: string; readonly kind: ContenderKind };
  const kinds = fc.constantFrom<ContenderKind>('read', 'read', 'write', 'exclusive');
  /** A line in the order of asking. */
  const asked = fc.uniqueArray(fc.record({ id: guid, kind: kinds }), {
    minLength: 1,
    maxLength: 12,
    selector: ({ id }) => id,
  });
  const nameOf = ({ id, kind }: Asked, index: number) =>
    `${claimPrefix(id, rules[kind].label)}${suffix(index)}`;
  const namesOf = (all: readonly Asked[]) => all.map(nameOf);
  const holdersIn = (names: readonly string[]) =>
    names.filter((each) => verdictOf(lineOf(names), each).kind === 'holds');
  const isReader = (each: string) => contenderOf(each)?.kind === 'read';

  it('lets one writer hold, or any number of readers, and never nobody', () => {
    fc.assert(
      fc.property(asked, (all) => {
        const holders = holdersIn(namesOf(all));
        expect(holders.length).toBeGreaterThan(0);
        expect(holders.length === 1 || holders.every(isReader)).toBe(true);
      }),
    );
  });

  it('lets a reader wait for the nearest writer ahead, and a writer for whoever is ahead', () => {
    const [r0, w1, r2, w3, r4] = [
      nameOf({ id: 'a', kind: 'read' }, 0),
      nameOf({ id: 'b', kind: 'write' }, 1),
      nameOf({ id: 'c', kind: 'read' }, 2),
      nameOf({ id: 'd', kind: 'exclusive' }, 3),
      nameOf({ id: 'e', kind: 'read' }, 4),
    ];
    const whole = lineOf([r0, w1, r2, w3, r4]);
    expect(verdictOf(whole, r0)).toMatchObject({ kind: 'holds' });
    expect(verdictOf(whole, w1)).toMatchObject({ predecessor: r0, behindHolder: true });
    expect(verdictOf(whole, r2)).toMatchObject({ predecessor: w1, position: 2, behindHolder: false });
    expect(verdictOf(whole, w3)).toMatchObject({ predecessor: r2, behindHolder: false });
    expect(verdictOf(whole, r4)).toMatchObject({ predecessor: w3, position: 4 });
  });

  it('makes nobody wait in a circle: everybody waits for somebody who asked before (T24)', () => {
    fc.assert(
      fc.property(asked, (all) => {
        const names = namesOf(all);
        for (const [index, each] of names.entries()) {
          const verdict = verdictOf(lineOf(names), each);
          if (verdict.kind === 'waits') expect(names.indexOf(verdict.predecessor)).toBeLessThan(index);
        }
      }),
    );
  });

  it('wakes whoever comes to hold when anybody leaves: he waited for the one who left', () => {
    fc.assert(
      fc.property(asked, fc.nat(), (all, which) => {
        const names = namesOf(all);
        const leaver = names[which % names.length] ?? '';
        const rest = names.filter((each) => each !== leaver);
        const before = holdersIn(names);
        for (const each of holdersIn(rest).filter((holder) => !before.includes(holder)))
          expect(verdictOf(lineOf(names), each)).toMatchObject({ predecessor: leaver });
      }),
    );
  });

  it('lets a later reader never overtake a writer', () => {
    fc.assert(
      fc.property(asked, (all) => {
        const names = namesOf(all);
        const firstWriter = names.findIndex((each) => !isReader(each));
        for (const holder of holdersIn(names))
          expect(firstWriter === -1 || names.indexOf(holder) <= firstWriter).toBe(true);
      }),
    );
  });

  it('keeps the place of a writer that becomes a reader: no queued writer gets in, all readers behind it do (T48)', () => {
    fc.assert(
      fc.property(asked, guid, (behind, id) => {
        const writer = nameOf({ id: 'w', kind: 'write' }, 0);
        const waiting = behind.map((each, index) => nameOf(each, index + 1));
        const reader = nameInPlaceOf(writer, id);
        expect(contenderOf(reader)).toMatchObject({ sequence: 0, kind: 'read' });
        expect(holdersIn([writer, reader, ...waiting])).toEqual([writer]);
        expect(verdictOf(lineOf([writer, reader]), reader)).toMatchObject({ predecessor: writer });
        const after = holdersIn([reader, ...waiting]);
        expect(after[0]).toBe(reader);
        expect(after.every(isReader)).toBe(true);
      }),
    );
  });

  it("keeps that place at the counter's end as well", () => {
    const writer = `${claimPrefix('w', writeRule.label)}${suffix(7)}`;
    const reader = nameInPlaceOf(writer, 'r');
    const queued = `${claimPrefix('q', writeRule.label)}${suffix(COUNTER_END)}`;
    const places = new Map([
      [reader, 10n],
      [queued, 11n],
    ]);
    const ordered = orderByCreation(lineOf([queued, reader]), places);
    expect(verdictOf(ordered, reader).kind).toBe('holds');
    expect(verdictOf(ordered, queued)).toMatchObject({ predecessor: reader });
  });
});

describe('a long line', () => {
  /** So many names with numbers of their own, and now and then one that is not plain, or a number twice. */
  const longLine = fc
    .uniqueArray(fc.integer({ min: 0, max: COUNTER_END }), { minLength: 60, maxLength: 90 })
    .chain((numbers) =>
      fc.record({
        names: fc.constant(numbers.map((number, index) => name(`g${index}`, number))),
        odd: fc.option(
          fc.constantFrom(PLAIN, WRITER, READER, KAZOO, 'foreign', name('twice', numbers[3] ?? 0)),
        ),
        claim: fc.nat({ max: numbers.length + 2 }),
      }),
    )
    .map(({ names, odd, claim }) => ({
      names: odd === null ? names : [...names.slice(0, 7), odd, ...names.slice(7)],
      claim: names[claim] ?? name('nobody', claim),
    }));

  it('gets the verdict without being sorted that it gets sorted, or none', () => {
    let quick = 0;
    fc.assert(
      fc.property(longLine, ({ names, claim }) => {
        const verdict = verdictOfPlain(names, claim);
        if (verdict === null) return;
        quick += 1;
        expect(verdict).toEqual(verdictOf(lineOf(names), claim));
      }),
    );
    expect(quick).toBeGreaterThan(0);
  });

  it("does not count a holder's mark", () => {
    const names = Array.from({ length: 100 }, (_, index) => name(`x${index}`, index));
    for (const claimName of [names[0] ?? '', names[60] ?? '']) {
      const quick = verdictOfPlain([...names, MARK_NAME], claimName);
      expect(quick).toEqual(verdictOf(lineOf([...names, MARK_NAME]), claimName));
      expect(quick).toMatchObject({ queueLength: 100 });
    }
  });

  it('is not read that way where a name is not plain', () => {
    const names = Array.from({ length: 100 }, (_, index) => name(`g${index}`, index));
    for (const odd of [WRITER, READER, KAZOO, 'foreign', name('end', COUNTER_END), name('twice', 98)])
      expect(verdictOfPlain([...names, odd], names[99] ?? '')).toBeNull();
    expect(verdictOfPlain(names.slice(0, 10), names[9] ?? '')).toBeNull();
  });

  it('tells each of many where it stands, who is not in it included', () => {
    const names = Array.from({ length: 100 }, (_, index) => name(`g${index}`, index));
    const line = lineOf([...names].reverse());
    for (const [index, each] of names.entries())
      expect(verdictOf(line, each)).toMatchObject(index === 0 ? { kind: 'holds' } : { position: index });
    expect(verdictOf(line, name('nobody', 7))).toEqual({ kind: 'missing' });
  });
});
