/** Curator's InterProcessReadWriteLock and ours on one path, as a function of the server. */
import { describe, expect, it } from 'vitest';
import type { ReadLease, WriteLease } from '../../src/index.js';
import type { Party } from './peer.js';
import { Referee, readersOrOneWriter } from './referee.js';
import { prepare, type Server, type Stage } from './stage.js';

const ROUNDS = 10;

/** Somebody who reads and writes. */
interface Scholar {
  readonly who: string;
  /** Resolves with the claim's path once it holds. */
  hold(what: 'read' | 'write'): Promise<string>;
  letGo(what: 'read' | 'write'): Promise<void>;
}

const inCurator = (party: Party, path: string): Scholar => ({
  who: party.who,
  hold: (what) => party.ask(`lock to ${what}`, path),
  letGo: async (what) => {
    await party.ask(what === 'read' ? 'unlock reading' : 'unlock writing', path);
  },
});

function inOurs(stage: Stage, who: string): Scholar {
  const { readLock, writeLock } = stage.open().readWriteLock(stage.path);
  let held: ReadLease | WriteLease;
  return {
    who,
    hold: async (what) => {
      held = await (what === 'read' ? readLock : writeLock).acquire();
      return held.claimPath;
    },
    letGo: async () => held.release(),
  };
}

export function readersAndWriters(where: string, start: () => Promise<Server>): void {
  describe(`on one path of ${where}, readers and writers of Curator and ours`, () => {
    const stage = prepare(start, ['curator']);
    const curator = async () => inCurator(await stage().party('curator'), stage().path);
    const scholar = async (kind: string) => (kind === 'ours' ? inOurs(stage(), 'ours') : curator());

    it('contend: writers alone, everybody served, and nobody overtakes a writer', async () => {
      const scholars = [await curator(), await curator(), inOurs(stage(), 'one'), inOurs(stage(), 'two')];
      const referee = new Referee(readersOrOneWriter);
      const turns = scholars.map(async (each, at) => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const what = (at + round) % 3 === 0 ? 'write' : 'read';
          referee.enter(each.who, await each.hold(what), what === 'read');
          await stage().client.exists('/');
          referee.leave(each.who);
          await each.letGo(what);
        }
      });
      await Promise.all(turns);
      expect(referee.overlaps).toEqual([]);
      expect(referee.overtakings).toEqual([]);
      expect(referee.served).toEqual(Object.fromEntries(scholars.map(({ who }) => [who, ROUNDS])));
    });

    it.each([
      ['ours', 'Curator', 'Curator'],
      ['Curator', 'ours', 'ours'],
      ['Curator', 'ours', 'Curator'],
      ['ours', 'Curator', 'ours'],
    ])('%s reads, a writer of %s waits, and a reader of %s waits behind it', async (first, second, third) => {
      const [reader, writer, behind] = [await scholar(first), await scholar(second), await scholar(third)];
      const referee = new Referee(readersOrOneWriter);
      referee.enter(reader.who, await reader.hold('read'), true);
      const writes = writer.hold('write').then((claim) => referee.enter('writer', claim));
      await stage().lineOf(2);
      const reads = behind.hold('read').then((claim) => referee.enter('behind', claim, true));
      await stage().lineOf(3);
      referee.leave(reader.who);
      await reader.letGo('read');
      await writes;
      expect(referee.inside).toEqual(['writer']);
      referee.leave('writer');
      await writer.letGo('write');
      await reads;
      expect(referee.inside).toEqual(['behind']);
      expect(referee.overlaps).toEqual([]);
    });

    it('of both kinds read together', async () => {
      const [reader, other] = [await curator(), inOurs(stage(), 'ours')];
      await reader.hold('read');
      await other.hold('read');
      expect((await stage().lineOf(2)).contenders.map(({ kind }) => kind)).toEqual(['read', 'read']);
    });

    it("a writer of ours that becomes a reader lets Curator's readers behind it in, and not its writer", async () => {
      const writing = await stage().open().readWriteLock(stage().path).writeLock.acquire();
      const [behind, writer] = [await curator(), await curator()];
      const referee = new Referee(readersOrOneWriter);
      const reads = behind.hold('read').then((claim) => referee.enter('reader', claim, true));
      await stage().lineOf(2);
      const writes = writer.hold('write').then((claim) => referee.enter('writer', claim));
      await stage().lineOf(3);
      const reading = await writing.downgrade();
      referee.enter('ours', reading.claimPath, true);
      await reads;
      expect([...referee.inside].sort()).toEqual(['ours', 'reader']);
      referee.leave('reader');
      await behind.letGo('read');
      const { contenders } = await stage().lineOf(2);
      expect(contenders.map(({ kind, sequence }) => [kind, sequence])).toEqual([
        ['read', 0],
        ['write', 2],
      ]);
      expect(referee.inside).toEqual(['ours']);
      referee.leave('ours');
      await reading.release();
      await writes;
      expect([referee.overlaps, referee.overtakings]).toEqual([[], []]);
    });

    it('T48: a writer of Curator 5.4 that becomes a reader takes a later place, and a writer gets in beside it: it must not', async () => {
      const downgrading = await curator();
      await downgrading.hold('write');
      const writing = stage().open().readWriteLock(stage().path).writeLock.acquire();
      await stage().lineOf(2);
      await downgrading.hold('read');
      await downgrading.letGo('write');
      // Curator reads under the number 2, and so does not stand in the way of our number 1.
      expect((await writing).isHeld()).toBe(true);
      expect((await stage().lineOf(2)).contenders.map(({ kind, sequence }) => [kind, sequence])).toEqual([
        ['write', 1],
        ['read', 2],
      ]);
    });
  });
}
