/** One line for Curator, kazoo, go-zk and ours, as a function of the server. */
import { describe, expect, it } from 'vitest';
import { MARK_NAME } from '../../src/queue.js';
import { Referee } from './referee.js';
import { prepare, type Server } from './stage.js';

const KINDS = ['curator', 'kazoo', 'goZk', 'ours'] as const;
const ROUNDS = 8;

/** Every kind behind every kind, its own included: all pairs, end to end. */
const everyPair = (): (typeof KINDS)[number][] => {
  const left = new Map(KINDS.map((kind) => [kind, [...KINDS]]));
  // An Eulerian walk: as many ways out of every kind as into it.
  const walk = (kind: (typeof KINDS)[number]): (typeof KINDS)[number][] => {
    const walked: (typeof KINDS)[number][] = [];
    for (let next = left.get(kind)?.pop(); next !== undefined; next = left.get(kind)?.pop())
      walked.unshift(...walk(next));
    return [kind, ...walked];
  };
  return walk('ours');
};

export function oneLine(where: string, start: () => Promise<Server>): void {
  describe(`on one path of ${where}, Curator, kazoo, go-zk and ours`, () => {
    const stage = prepare(start);

    it('contend: never two inside, everybody served, in the order of their numbers', async () => {
      const { path } = stage();
      const sum = `${path}-sum`;
      await stage().make(path);
      await stage().make(sum, '0');
      const contenders = await Promise.all([...KINDS, ...KINDS].map((kind) => stage().contender(kind)));
      const referee = new Referee();
      const turns = contenders.map(async (contender) => {
        for (let round = 0; round < ROUNDS; round += 1) {
          referee.enter(contender.who, await contender.lock(path));
          await contender.addOne(sum);
          referee.leave(contender.who);
          await contender.unlock(path);
        }
      });
      await Promise.all(turns);
      expect(referee.overlaps).toEqual([]);
      expect(referee.served).toEqual(Object.fromEntries(contenders.map(({ who }) => [who, ROUNDS])));
      expect(referee.numbers).toEqual(Array.from({ length: contenders.length * ROUNDS }, (_, at) => at));
      expect(await stage().read(sum)).toBe(String(contenders.length * ROUNDS));
      expect((await stage().client.getChildren(path)).children).toEqual([]);
    });

    it('each waits for each, in the order of asking', async () => {
      const { path } = stage();
      await stage().make(path);
      const line = everyPair();
      expect(line).toHaveLength(KINDS.length ** 2 + 1);
      const contenders = await Promise.all(line.map((kind) => stage().contender(kind)));
      const referee = new Referee();
      const asked: Promise<void>[] = [];
      for (const contender of contenders) {
        asked.push(contender.lock(path).then((claim) => referee.enter(contender.who, claim)));
        await stage().lineOf(asked.length);
      }
      for (const [turn, contender] of contenders.entries()) {
        await asked[turn];
        expect(referee.inside).toEqual([contender.who]);
        referee.leave(contender.who);
        await contender.unlock(path);
      }
      expect(referee.grants.map(({ who }) => who)).toEqual(contenders.map(({ who }) => who));
      expect(referee.overlaps).toEqual([]);
    });

    it('lock as ever beside the mark of a holder of ours that minds losses, also when it was lost', async () => {
      const { path } = stage();
      await stage().make(path);
      const minding = await stage().open().lock(path, { lossDelayMs: 60_000 }).acquire();
      const contenders = await Promise.all(KINDS.map((kind) => stage().contender(kind)));
      const order: string[] = [];
      const asked: Promise<void>[] = [];
      for (const contender of contenders) {
        asked.push(contender.lock(path).then(() => void order.push(contender.who)));
        await stage().lineOf(asked.length + 1);
      }
      await stage().client.delete(minding.claimPath, -1);
      for (const [turn, contender] of contenders.entries()) {
        await asked[turn];
        expect(order).toHaveLength(turn + 1);
        await contender.unlock(path);
      }
      expect(order).toEqual(contenders.map(({ who }) => who));
      expect((await stage().client.getChildren(path)).children).toEqual([MARK_NAME]);
    });
  });
}
