/** What not to do: clients in one line that do not see each other. Both hold, and we say so. As a function of the server. */
import { describe, expect, it } from 'vitest';
import { foreign } from './contender.js';
import { Referee } from './referee.js';
import { prepare, type Server, type Stage } from './stage.js';

/** Who is not seen by the others, as everybody can hear. */
async function unseen(stage: Stage, inLine: number): Promise<{ unsafe: boolean; claims: string[] }> {
  const { unsafeMix, contenders } = await stage.lineOf(inLine);
  return {
    unsafe: unsafeMix,
    claims: contenders.filter((contender) => contender.unseen).map(({ path }) => path),
  };
}

export function unsafeMixes(where: string, start: () => Promise<Server>): void {
  describe(`on one path of ${where}`, () => {
    const stage = prepare(start);

    it("kazoo under its own names and Curator hold at once; we wait for both, and say whose claim the others don't see", async () => {
      const { path } = stage();
      const logged: string[] = [];
      const log = (line: string) => void logged.push(line);
      const logger = { debug: log, info: log, warn: log, error: log };
      const [curator, kazoo] = [
        await stage().contender('curator'),
        foreign(await stage().party('kazoo'), 'lock under its own name'),
      ];
      const referee = new Referee();
      referee.enter(curator.who, await curator.lock(path));
      const claim = await kazoo.lock(path);
      referee.enter(kazoo.who, claim);
      expect(referee.overlaps).toEqual([`${curator.who} and ${kazoo.who}`]);

      const waiting = stage().open({ logger }).lock(path).acquire();
      expect(await unseen(stage(), 3)).toEqual({ unsafe: true, claims: [claim] });
      await curator.unlock(path);
      expect(await unseen(stage(), 2)).toEqual({ unsafe: true, claims: [claim] });
      expect(await stage().open().lock(path).tryAcquire()).toBeNull();
      await kazoo.unlock(path);
      expect((await waiting).isHeld()).toBe(true);
      expect(await unseen(stage(), 1)).toEqual({ unsafe: false, claims: [] });
      expect(logged.join('\n')).toContain(claim.slice(path.length + 1));
    });

    it('kazoo that is only told to look for other names waits for Curator, which does not wait for it', async () => {
      const { path } = stage();
      const curator = await stage().contender('curator');
      const kazoo = foreign(await stage().party('kazoo'), 'lock with extra patterns');
      await curator.lock(path);
      const kazooHolds = kazoo.lock(path);
      await stage().lineOf(2);
      await curator.unlock(path);
      const claim = await kazooHolds;
      await curator.lock(path);
      expect(await unseen(stage(), 2)).toEqual({ unsafe: true, claims: [claim] });
    });

    it("go-zk refuses to lock beside kazoo's own names, and its claim stays until its session ends", async () => {
      const { path } = stage();
      const kazoo = foreign(await stage().party('kazoo'), 'lock under its own name');
      const goZk = await stage().party('goZk');
      const claim = await kazoo.lock(path);
      await expect(goZk.ask('lock', path)).rejects.toThrow('__lock__');
      expect(await unseen(stage(), 2)).toEqual({ unsafe: true, claims: [claim] });
      await kazoo.unlock(path);
      const waiting = stage().open().lock(path).acquire();
      const line = await stage().lineOf(2);
      expect(line.holder?.session).toBe(goZk.session);
      await goZk.close();
      expect((await waiting).isHeld()).toBe(true);
    });

    it("Curator's plain lock and its writer hold at once; ours do not", async () => {
      const { path } = stage();
      const writer = await stage().party('curator');
      const plain = await stage().contender('curator');
      await writer.ask('lock to write', path);
      const claim = await plain.lock(path);
      expect(await unseen(stage(), 2)).toEqual({ unsafe: true, claims: [claim] });
      await writer.ask('unlock writing', path);
      await plain.unlock(path);

      const ours = await stage().open().readWriteLock(path).writeLock.acquire();
      expect(await stage().open().lock(path).tryAcquire()).toBeNull();
      const waiting = stage().open().lock(path).acquire();
      expect(await unseen(stage(), 2)).toEqual({ unsafe: false, claims: [] });
      await ours.release();
      await waiting;
    });
  });
}
