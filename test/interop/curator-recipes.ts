/** Curator's semaphore, latch, barriers and revocation with ours, as a function of the server. */
import { firstValueFrom } from 'rxjs';
import { filter } from 'rxjs/operators';
import { describe, expect, it } from 'vitest';
import type { LeaderView } from '../../src/index.js';
import { Referee } from './referee.js';
import { prepare, type Server } from './stage.js';

const ROUNDS = 8;
const PERMITS = 3;

export function curatorRecipes(where: string, start: () => Promise<Server>): void {
  describe(`on one path of ${where}, Curator and ours`, () => {
    const stage = prepare(start, ['curator']);

    it('share a semaphore: never more permits in use than there are, and everybody served', async () => {
      const { path } = stage();
      const curators = [await stage().party('curator'), await stage().party('curator')];
      const referee = new Referee((inside) => inside.length <= PERMITS);
      const use = async (permits: readonly string[], giveBack: () => Promise<unknown>) => {
        for (const each of permits) referee.enter(each, '');
        await stage().client.exists('/');
        for (const each of permits) referee.leave(each);
        await giveBack();
      };
      const turns = [
        ...curators.map(async (party) => {
          for (let round = 0; round < ROUNDS; round += 1) {
            await party.ask('take permits', path, { size: String(PERMITS) });
            await use([party.who], () => party.ask('give permits back', path));
          }
        }),
        ...[1, 2].map(async (permits) => {
          const semaphore = stage().open().semaphore(path, PERMITS);
          for (let round = 0; round < ROUNDS; round += 1) {
            const lease = await semaphore.acquire({ permits });
            await use(Array<string>(permits).fill(`ours, ${permits}`), () => lease.release());
          }
        }),
      ];
      await Promise.all(turns);
      expect(referee.overlaps).toEqual([]);
      expect(referee.served).toEqual({
        ...Object.fromEntries(curators.map(({ who }) => [who, ROUNDS])),
        'ours, 1': ROUNDS,
        'ours, 2': 2 * ROUNDS,
      });
      expect((await stage().client.getChildren(`${path}/leases`)).children).toEqual([]);
    });

    it('wait for each other at a semaphore that is used up', async () => {
      const { path } = stage();
      const curator = await stage().party('curator');
      const semaphore = stage().open().semaphore(path, 2);
      await curator.ask('take permits', path, { size: '2', count: '2' });
      expect(await semaphore.tryAcquire()).toBeNull();
      const ours = semaphore.acquire({ permits: 2 });
      await stage().lineOf(1, `${path}/locks`);
      await curator.ask('give permits back', path);
      const lease = await ours;
      const curators = curator.ask('take permits', path, { size: '2' });
      await stage().lineOf(1, `${path}/locks`);
      await lease.release();
      await curators;
    });

    it('stand for one election: each sees the other lead, and follows it', async () => {
      const { path } = stage();
      const curator = await stage().party('curator');
      await curator.ask('stand for election', path);
      await curator.hears('leads');
      const election = stage().open().election(path, { id: 'ada' });
      const views: LeaderView[] = [];
      const candidacy = election.leader$.subscribe((view) => views.push(view));
      const { leader } = await firstValueFrom(
        election.observe().pipe(filter(({ leader: seen }) => seen !== null)),
      );
      expect(leader?.id).toBe(curator.who);
      await stage().childCount(path, 2);
      await curator.ask('resign', path);
      await firstValueFrom(election.observe().pipe(filter(({ leader: seen }) => seen?.id === 'ada')));
      await curator.ask('stand for election', path);
      await stage().childCount(path, 2);
      expect(await curator.ask('name the leader', path)).toBe('ada');
      candidacy.unsubscribe();
      await curator.hears('leads');
      expect(views.some(({ leading }) => leading)).toBe(true);
    });

    it('hold each other back at a barrier', async () => {
      const { path } = stage();
      const curator = await stage().party('curator');
      const barrier = stage().open().barrier(path);
      await curator.ask('raise', path);
      await expect(barrier.wait({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'BARRIER_TIMEOUT' });
      const waiting = barrier.wait();
      await curator.ask('lower', path);
      await waiting;
      await barrier.raise();
      expect(await curator.ask('wait at barrier', path, { count: '50' })).toBe('false');
      const theirs = curator.ask('wait at barrier', path, { count: '60000' });
      await barrier.lower();
      expect(await theirs).toBe('true');
    });

    it('begin together and end together at a double barrier', async () => {
      const { path } = stage();
      const curator = await stage().party('curator');
      const entering = curator.ask('enter', path, { count: '2' });
      const passage = await stage().open().doubleBarrier(path, 2).enter();
      expect(await entering).toBe('true');
      const leaving = curator.ask('leave', path);
      await passage.leave();
      expect(await leaving).toBe('true');
      expect((await stage().client.getChildren(path)).children).toEqual([]);
    });

    it('end together at a double barrier that one of ours came to late', async () => {
      const { path } = stage();
      const curator = await stage().party('curator');
      expect(await curator.ask('enter', path, { count: '1' })).toBe('true');
      const passage = await stage().open().doubleBarrier(path, 9).enter();
      const leaving = curator.ask('leave', path);
      await passage.leave();
      expect(await leaving).toBe('true');
      expect((await stage().client.getChildren(path)).children).toEqual([]);
    });

    it('do not begin at a double barrier by what a dead one left', async () => {
      const { path } = stage();
      const curator = await stage().party('curator');
      expect(await curator.ask('enter', path, { count: '1' })).toBe('true');
      await curator.close();
      const barrier = stage().open().doubleBarrier(path, 2);
      await expect(barrier.enter({ timeoutMs: 300 })).rejects.toMatchObject({ code: 'BARRIER_TIMEOUT' });
      expect((await stage().client.getChildren(path)).children).not.toContain('ready');
    });
  });
}
