/** What is said in a claim: requests to give up, in Curator's word and ours, and the data of kafka-kit's lock. As a function of the server. */
import { describe, expect, it } from 'vitest';
import { Listener } from '../lock/behaviour.js';
import { prepare, type Server } from './stage.js';

export function requestsAndData(where: string, start: () => Promise<Server>): void {
  describe(`on ${where}`, () => {
    const stage = prepare(start, ['curator', 'goZk']);

    it('a holder of Curator that can be asked to give up hears our request, and has given up within its grace', async () => {
      const { path } = stage();
      const curator = await stage().party('curator');
      const claim = await curator.ask('lock revocably', path);
      const revoking = stage().open().revoke(claim, { by: 'ops', why: 'maintenance', graceMs: 60_000 });
      await curator.hears('asked to give up');
      expect(await stage().read(claim)).toBe('__REVOKE__');
      await curator.ask('unlock', path);
      expect(await revoking).toBeNull();
    });

    it('a holder of Curator that cannot be asked loses its claim when the grace is over, and does not notice', async () => {
      const { path } = stage();
      const curator = await stage().party('curator');
      const claim = await curator.ask('lock', path);
      const next = stage().open().lock(path).acquire();
      await stage().lineOf(2);
      const entry = await stage().open().revoke(claim, { by: 'ops', graceMs: 50 });
      expect(entry).toMatchObject({ claim, by: 'ops' });
      expect((await next).isHeld()).toBe(true);
      expect(await curator.ask('say whether it holds', path)).toBe('true');
    });

    it("a holder of ours hears Curator's request, its claim says again what it said, and it can be asked once more", async () => {
      const { path } = stage();
      const curator = await stage().party('curator');
      const session = stage().open();
      const listener = new Listener(session.lock(path, { owner: 'ada', ttlMs: 60_000 }));
      const { lease } = await listener.until('held');
      await stage().line(({ holder }) => holder?.endsMs !== undefined);
      const before = JSON.parse(await stage().read(lease.claimPath)) as object;
      await curator.ask('ask to give up', lease.claimPath);
      const asked = { by: 'a client of Curator', why: '' };
      const hears = (request: object) =>
        listener.when((heard) =>
          heard.some(
            (each) =>
              each.status === 'held' && JSON.stringify(each.revokeRequested) === JSON.stringify(request),
          ),
        );
      await hears(asked);
      const { holder } = await stage().line(({ holder: seen }) => seen?.owner === 'ada');
      expect(holder?.path).toBe(lease.claimPath);
      expect(JSON.parse(await stage().read(lease.claimPath))).toEqual({ ...before, revoke: asked });
      const revoking = stage().open().revoke(lease.claimPath, { by: 'ops', graceMs: 60_000 });
      await hears({ by: 'ops', why: '', graceMs: 60_000 });
      expect(lease.isHeld()).toBe(true);
      await lease.release();
      expect(await revoking).toBeNull();
    });

    it("our claim is read by kafka-kit's Go code, which never finds it expired before its time to live", async () => {
      const { path } = stage();
      const goZk = await stage().party('goZk');
      const read = async (claim: string) =>
        JSON.parse(await goZk.ask('read a claim as kafka-kit does', claim)) as Record<string, unknown>;
      const lease = await stage().open().lock(path, { owner: 'ada' }).acquire();
      expect(await read(lease.claimPath)).toMatchObject({ owner: 'ada', expired: false });
      await lease.release();
      const brief = await stage().open().lock(path, { owner: 'bob', ttlMs: 60_000 }).acquire();
      const told = await read(brief.claimPath);
      expect(told).toMatchObject({ owner: 'bob', expired: false });
      expect(told['age_ms']).toBeLessThan(60_000);
    });

    it("a claim of kafka-kit's is read by us: its owner is who we wait for, and in the line", async () => {
      const { path } = stage();
      await stage().make(path);
      const goZk = await stage().party('goZk');
      const claim = await goZk.ask('write a claim as kafka-kit does', path, { owner: 'broker-7' });
      const { holder } = await stage().lineOf(1);
      expect(holder).toMatchObject({ owner: 'broker-7', path: claim });
      const listener = new Listener(stage().open().lock(path));
      await listener.when((heard) =>
        heard.some(
          (each) => each.status === 'waitingOnPredecessor' && each.predecessor?.owner === 'broker-7',
        ),
      );
      await goZk.close();
      await listener.until('held');
      listener.subscription.unsubscribe();
    });
  });
}
