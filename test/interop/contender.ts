/** Whoever stands in a line, whatever language it speaks. */
import type { Lease, Session } from '../../src/index.js';
import type { ZooKeeperClient } from '../../src/zookeeper/client.js';
import type { Party } from './peer.js';

/** One that can hold a lock, with a session of its own. */
export interface Contender {
  readonly who: string;
  /** Resolves with the claim's path once it holds. */
  lock(path: string): Promise<string>;
  unlock(path: string): Promise<void>;
  /** Reads the number in `path` and writes the next one, unguarded: of two that do it at once, one is lost. */
  addOne(path: string): Promise<void>;
}

/** A contender of another language; `how` is its peer's word for acquiring. */
export function foreign(party: Party, how = 'lock'): Contender {
  return {
    who: party.who,
    lock: (path) => party.ask(how, path),
    unlock: async (path) => {
      await party.ask('unlock', path);
    },
    addOne: async (path) => {
      const number = Number(await party.ask('read number', path));
      await party.ask('write number', path, { count: String(number + 1) });
    },
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A contender of ours: `client` is what it adds with. */
export function ours(who: string, session: Session, client: ZooKeeperClient): Contender {
  const leases = new Map<string, Lease>();
  return {
    who,
    lock: async (path) => {
      const lease = await session.lock(path, { owner: who }).acquire();
      leases.set(path, lease);
      return lease.claimPath;
    },
    unlock: async (path) => {
      await leases.get(path)?.release();
    },
    addOne: async (path) => {
      const { data } = await client.getData(path);
      await client.setData(path, encoder.encode(String(Number(decoder.decode(data)) + 1)), -1);
    },
  };
}
