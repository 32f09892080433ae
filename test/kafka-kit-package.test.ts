/**
 * The Go package, complete: what docs/coming-from-kafka-kit.md promises, one sentence each. In virtual time, on the embedded
 * ZooKeeper; the document's examples run in test/real/documents.test.ts.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeClaim } from '../src/claim-data.js';
import {
  AlreadyOwnLockError,
  ExpireLockFailedError,
  InvalidSequenceNodeError,
  type LockError,
  LockingFailedError,
  LockTimeoutError,
  NotLockOwnerError,
  OwnerAlreadySetError,
  UnlockingFailedError,
} from '../src/index.js';
import { VirtualEnsemble } from './setup/virtual-ensemble.js';

const PATH = '/my/locks';
/** Everything but DELETE, which the parent grants. */
const NO_DELETE = 23;

let ensemble: VirtualEnsemble;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

const bytes = (text: string) => new TextEncoder().encode(text);
const dataOf = (claimPath: string) => {
  const node = ensemble.zookeeper.nodes().find(({ path }) => path === claimPath);
  return JSON.parse(new TextDecoder().decode(node?.data)) as Record<string, unknown>;
};
const failureOf = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await ensemble.until(promise);
  } catch (error) {
    return error;
  }
  return undefined;
};
/** A logger, and the errors that it was told. */
const errorLog = () => {
  const errors: string[] = [];
  const ignored = () => undefined;
  const error = (message: string) => errors.push(message);
  return { errors, logger: { debug: ignored, info: ignored, warn: ignored, error } };
};
const refuseDeletion = async () => {
  const client = await ensemble.outsider();
  const acl = [{ permissions: NO_DELETE, scheme: 'world', id: 'anyone' }];
  await ensemble.until(client.setAcl(PATH, acl, -1));
};

describe('each of its eight errors is raised', () => {
  it('ErrAlreadyOwnLock: to the owner who has the lock, with his lease', async () => {
    const lock = ensemble.lock(PATH, { ownerKey: 'user' });
    const context = { user: 'alice' };
    const lease = await ensemble.until(lock.acquire({ context }));
    const error = await failureOf(lock.acquire({ context }));
    expect(error).toBeInstanceOf(AlreadyOwnLockError);
    expect(error).toMatchObject({ code: 'ALREADY_OWN_LOCK', lease, path: PATH });
  });

  it('ErrLockingTimedOut: at the deadline', async () => {
    await ensemble.held(PATH);
    const error = await failureOf(ensemble.lock(PATH).acquire({ timeoutMs: 3_000 }));
    expect(error).toBeInstanceOf(LockTimeoutError);
    expect(error).toMatchObject({ code: 'LOCK_TIMEOUT', path: PATH });
  });

  it('ErrInvalidSeqNode: for a name without a sequence number', async () => {
    const entries = await ensemble.until(ensemble.lock(PATH).entries());
    expect(() => entries.idOf('team-1')).toThrow(InvalidSequenceNodeError);
  });

  it('ErrNotLockOwner: to whoever releases what he does not own', async () => {
    const lock = ensemble.lock(PATH, { ownerKey: 'user' });
    await ensemble.until(lock.acquire({ context: { user: 'alice' } }));
    const error = await failureOf(lock.release({ context: { user: 'bob' } }));
    expect(error).toBeInstanceOf(NotLockOwnerError);
  });

  it('ErrOwnerAlreadySet: the second time', () => {
    const lock = ensemble.lock(PATH);
    lock.setOwner('alice');
    expect(() => {
      lock.setOwner('bob');
    }).toThrow(OwnerAlreadySetError);
  });

  it("ErrLockingFailed: when ZooKeeper refuses, with ZooKeeper's error as its cause", async () => {
    // The identity of a session that has none.
    const acl = [{ permissions: 31, scheme: 'auth', id: '' }];
    const error = await failureOf(ensemble.lock(PATH, { acl }).acquire());
    expect(error).toBeInstanceOf(LockingFailedError);
    expect((error as LockError).code).toBe('LOCKING_FAILED');
    expect((error as LockError).cause).toMatchObject({ code: 'InvalidACL' });
  });

  it.each(['release', 'releaseAndLog'] as const)(
    'ErrUnlockingFailed: when ZooKeeper refuses; releaseAndLog logs it instead (%s)',
    async (way) => {
      const { logger, errors } = errorLog();
      const lock = ensemble.lock(PATH, {}, { logger });
      const lease = await ensemble.until(lock.acquire({ owner: 'alice' }));
      const other = await ensemble.until(ensemble.lock(`${PATH}/other`, {}, { logger }).acquire());
      await refuseDeletion();
      const error = await failureOf(lock[way]({ owner: 'alice' }));
      expect(lease.isHeld()).toBe(false);
      if (way === 'release') {
        expect(error).toBeInstanceOf(UnlockingFailedError);
        expect((error as LockError).code).toBe('UNLOCKING_FAILED');
      } else {
        expect(error).toBeUndefined();
        expect(errors).toEqual([expect.stringMatching(/^UnlockingFailedError: .*could not be released/)]);
      }
      await ensemble.until(other.release());
    },
  );

  it.each(['reject', 'count'] as const)(
    'ErrExpireLockFailed: is logged, and the cause of the timeout that it leads to (%s)',
    async (reentrancy) => {
      const { logger, errors } = errorLog();
      await ensemble.until(ensemble.held(PATH).then((lease) => lease.release()));
      const client = await ensemble.outsider();
      const stuck = bytes('{"v":1,"ttl_ms":2000}');
      await ensemble.until(client.create(`${PATH}/_c_x-lock-`, stuck, { mode: 'ephemeralSequential' }));
      await refuseDeletion();
      const lock = ensemble.lock(PATH, { owner: 'me', reentrancy }, { logger });
      const error = await failureOf(lock.acquire({ timeoutMs: 9_000 }));
      expect(error).toBeInstanceOf(LockTimeoutError);
      expect((error as LockError).cause).toBeInstanceOf(ExpireLockFailedError);
      expect(errors.join()).toContain('is past its time to live and could not be deleted');
    },
  );
});

describe('a lock over a client of one’s own', () => {
  it('keeps the time to live and the owner key, which NewZooKeeperLockWithClient drops (K13)', async () => {
    const lock = ensemble.lock(PATH, { ttlMs: 30_000, ownerKey: 'user' });
    const lease = await ensemble.until(lock.acquire({ context: { user: 'alice' } }));
    await ensemble.clock.settle();
    expect(dataOf(lease.claimPath)).toMatchObject({ owner_id: 'alice', ttl_ms: 30_000 });
    await expect(lock.release({ context: { user: 'bob' } })).rejects.toMatchObject({
      code: 'NOT_LOCK_OWNER',
    });
    await ensemble.clock.advance(30_000);
    expect(lease.isHeld()).toBe(false);
  });
});

describe('the entries', () => {
  it('are in order, and know who is first, who is ahead, and where', async () => {
    const lock = ensemble.lock(PATH);
    const empty = await ensemble.until(lock.entries());
    expect([empty.ids, empty.first(), empty.lockAhead(0), empty.lockPath(0)]).toEqual([
      [],
      undefined,
      undefined,
      undefined,
    ]);
    const lease = await ensemble.until(lock.acquire());
    const waiting = [ensemble.lock(PATH).acquire(), ensemble.lock(PATH).acquire()];
    for (const each of waiting) each.catch(() => undefined);
    await ensemble.clock.settle();
    const entries = await ensemble.until(lock.entries());
    expect(entries.ids).toEqual([0, 1, 2]);
    expect(entries.first()).toBe(0);
    expect([entries.lockAhead(2), entries.lockAhead(0), entries.lockAhead(9)]).toEqual([
      1,
      undefined,
      undefined,
    ]);
    expect(entries.lockPath(0)).toBe(lease.claimPath);
    expect(entries.idOf(lease.claimPath)).toBe(0);
  });
});

describe('a claim read by the Go package', () => {
  /** What its time.Time accepts: RFC 3339. */
  const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
  /** Its expireLock, as a contender with a time to live runs it: `time.Now().After(ttl_deadline)`. */
  const goPurges = (data: Record<string, unknown>, skewMs = 0) =>
    ensemble.clock.wallNow() + skewMs > Date.parse(String(data['ttl_deadline']));
  const CENTURY_MS = 100 * 365 * 24 * 3_600_000;

  it('has its three fields, with times that it can parse', async () => {
    const lease = await ensemble.until(ensemble.lock(PATH, { ttlMs: 5_000, owner: 'alice' }).acquire());
    await ensemble.clock.settle();
    const data = dataOf(lease.claimPath);
    expect(data['timestamp']).toMatch(RFC_3339);
    expect(data['ttl_deadline']).toMatch(RFC_3339);
    expect(data['owner_id']).toBe('alice');
  });

  it('is not purged without a time to live (K11), nor while it waits with one (K01), a century later', async () => {
    const holder = await ensemble.held(PATH);
    void ensemble.lock(PATH, { ttlMs: 1_000 }).acquire();
    await ensemble.clock.settle();
    const claims = ensemble.claims(PATH);
    expect(claims).toHaveLength(2);
    for (const claim of claims) expect(goPurges(dataOf(claim), CENTURY_MS)).toBe(false);
    await ensemble.until(holder.release());
  });

  it('that holds with a time to live is purged only after its holder heard that it is over', async () => {
    const lease = await ensemble.until(ensemble.lock(PATH, { ttlMs: 5_000 }).acquire());
    await ensemble.clock.settle();
    const data = dataOf(lease.claimPath);
    await ensemble.clock.advance(5_000);
    expect([lease.isHeld(), goPurges(data)]).toEqual([false, false]);
    await ensemble.clock.advance(1_001);
    expect(goPurges(data)).toBe(true);
  });
});

describe('a claim written by the Go package', () => {
  it('is waited for, shown with its owner, and purged once its time has passed in front of us (K01)', async () => {
    await ensemble.until(ensemble.held(PATH).then((lease) => lease.release()));
    const client = await ensemble.outsider();
    const madeMs = ensemble.clock.wallNow();
    const go = JSON.stringify({
      timestamp: new Date(madeMs).toISOString().replace('Z', '456789+00:00'),
      ttl_deadline: new Date(madeMs + 4_000).toISOString().replace('Z', '456789+00:00'),
      owner_id: 'broker-7',
    });
    expect(decodeClaim(bytes(go))).toMatchObject({ owner: 'broker-7', madeMs });
    await ensemble.until(client.create(`${PATH}/_c_x-lock-`, bytes(go), { mode: 'ephemeralSequential' }));
    const waiting = ensemble.lock(PATH).acquire();
    await ensemble.clock.advance(4_900);
    expect(ensemble.claims(PATH)).toHaveLength(2);
    expect((await ensemble.until(waiting)).isHeld()).toBe(true);
  });
});
