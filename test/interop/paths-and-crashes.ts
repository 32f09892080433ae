/** What is around a line: the path, who may read its claims, and processes that die. As a function of the server. */
import { describe, expect, it } from 'vitest';
import type { Acl } from '../../src/zookeeper/client.js';
import { foreign } from './contender.js';
import { Peer } from './peer.js';
import { prepare, type Server, type Stage } from './stage.js';

const KINDS = ['curator', 'kazoo', 'goZk'] as const;
/** Long enough to be asked something, short enough to be waited for. */
const SHORT_SESSION_MS = 4_000;

const READ = 1;
const ALL = 31;
const ours: Acl = { permissions: ALL, scheme: 'auth', id: '' };
const everybodyReads: Acl = { permissions: READ, scheme: 'world', id: 'anyone' };

/** A session of ours with an identity, whose claim has these permissions and holds. */
async function holding(stage: Stage, acl: readonly Acl[]) {
  await stage.make(stage.path);
  const session = stage.open({ auth: [{ scheme: 'digest', auth: 'ada:secret' }] });
  return session.lock(stage.path, { acl }).acquire();
}

export function pathsAndCrashes(where: string, start: () => Promise<Server>): void {
  describe(`on ${where}`, () => {
    const stage = prepare(start);

    it('a path that we made goes when nobody stands there; Curator and go-zk make it again, and so does kazoo with a new Lock', async () => {
      const contenders = await Promise.all(
        KINDS.map(async (kind) => {
          const party = await stage().party(kind);
          const contender = foreign(party);
          const path = `${stage().path}-${kind}`;
          const holder = await stage().open().lock(path).acquire();
          const locked = contender.lock(path);
          await stage().lineOf(2, path);
          await holder.release();
          await locked;
          await contender.unlock(path);
          await stage().gone(path);
          return { party, path };
        }),
      );
      for (const { party, path } of contenders) {
        if (party.kind === 'kazoo') {
          await expect(party.ask('lock', path)).rejects.toThrow('NoNodeError');
          await party.ask('forget the lock', path);
        }
        expect(await party.ask('lock', path)).toContain(path);
      }
    });

    it.each(KINDS)('%s fails behind a claim that it may not read', async (kind) => {
      await holding(stage(), [ours]);
      await expect((await stage().party(kind)).ask('lock', stage().path)).rejects.toThrow(
        /NoAuth|not authenticated/,
      );
    });

    it.each(KINDS)(
      '%s waits behind a claim that all may read, though none but its owner may write',
      async (kind) => {
        const lease = await holding(stage(), [ours, everybodyReads]);
        const locked = (await stage().party(kind)).ask('lock', stage().path);
        await stage().lineOf(2);
        await lease.release();
        expect(await locked).toContain(stage().path);
      },
    );

    it('whoever dies, holding or waiting, is passed over when its session ends', async () => {
      const { path, connectString } = stage();
      await stage().make(path);
      const processes = KINDS.map((kind) => new Peer(kind, connectString, SHORT_SESSION_MS));
      try {
        const parties = await Promise.all(processes.map((each) => each.party(each.kind)));
        const ends: Promise<unknown>[] = [];
        for (const party of parties) {
          ends.push(party.ask('lock', path).catch((error: unknown) => error));
          await stage().lineOf(ends.length);
        }
        const waiting = stage().open().lock(path).acquire();
        await stage().lineOf(parties.length + 1);
        await Promise.all(processes.map((each) => each.kill()));
        expect((await waiting).isHeld()).toBe(true);
        expect((await stage().lineOf(1)).contenders).toHaveLength(1);
      } finally {
        await Promise.all(processes.map((each) => each.kill()));
      }
    });
  });
}
