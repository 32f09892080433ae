/**
 * How a lock behaves, as a function of where the ensemble comes from: run on the embedded ZooKeeper and on a real one.
 */
import { firstValueFrom, type Observable, type Subscription } from 'rxjs';
import { filter } from 'rxjs/operators';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import {
  type ConnectOptions,
  connect,
  held,
  type Lock,
  type Ownership,
  type Session,
  whileHeld,
} from '../../src/index.js';
import type { ClientFactory, ZooKeeperClient } from '../../src/zookeeper/client.js';

/** An ensemble to lock on. */
export interface Ensemble {
  readonly connectString: string;
  readonly factory: ClientFactory;
  /** The shortest session it grants. */
  readonly leastSessionMs: number;
}

let counter = 0;
/** A lock path that no other test uses. */
export const freshPath = (name: string) => `/holdfast-test/${process.pid}-${(counter += 1)}/${name}`;

/** The next ownership with this status. */
export function next<S extends Ownership['status']>(ownership$: Observable<Ownership>, status: S) {
  return firstValueFrom(
    ownership$.pipe(filter((o): o is Extract<Ownership, { status: S }> => o.status === status)),
  );
}

/** Subscribes, keeps what it hears, and waits for what is to come. */
export class Listener {
  readonly heard: Ownership[] = [];
  readonly subscription: Subscription;
  ended: 'completed' | 'errored' | null = null;
  error: unknown;
  readonly #waiting: { status: string | null; resolve: (ownership: Ownership) => void }[] = [];
  readonly done: Promise<void>;

  constructor(lock: Lock) {
    let end: () => void = () => undefined;
    this.done = new Promise((resolve) => {
      end = resolve;
    });
    this.subscription = lock.subscribe({
      next: (ownership) => {
        this.heard.push(ownership);
        for (const waiting of this.#waiting.splice(0)) {
          if (waiting.status === null || waiting.status === ownership.status) waiting.resolve(ownership);
          else this.#waiting.push(waiting);
        }
      },
      error: (error: unknown) => {
        this.error = error;
        this.ended = 'errored';
        end();
      },
      complete: () => {
        this.ended = 'completed';
        end();
      },
    });
  }

  /** What was heard, or will be. */
  until<S extends Ownership['status']>(status: S): Promise<Extract<Ownership, { status: S }>> {
    const already = this.heard.findLast((ownership) => ownership.status === status);
    if (already !== undefined) return Promise.resolve(already as Extract<Ownership, { status: S }>);
    return new Promise((resolve) => {
      this.#waiting.push({ status, resolve: resolve as (ownership: Ownership) => void });
    });
  }

  /** What has been heard, once `enough` says so: asked again at every change. */
  async when(enough: (heard: readonly Ownership[]) => boolean): Promise<void> {
    while (!enough(this.heard)) {
      await new Promise<void>((resolve) => {
        this.#waiting.push({
          status: null,
          resolve: () => {
            resolve();
          },
        });
      });
    }
  }

  get statuses(): string[] {
    return this.heard.map(({ status }) => status);
  }
}

/** Describes the behaviour on the ensemble that `start` gives. */
export function lockBehaviour(name: string, start: () => Promise<Ensemble>): void {
  describe(`a lock on ${name}`, () => {
    let ensemble: Ensemble;
    const sessions: Session[] = [];
    const clients: ZooKeeperClient[] = [];

    beforeAll(async () => {
      ensemble = await start();
    });

    afterEach(async () => {
      await Promise.all(sessions.splice(0).map((session) => session.close()));
      await Promise.all(clients.splice(0).map((client) => client.close()));
    });

    const open = (options: ConnectOptions = {}) => {
      const session = connect(ensemble.connectString, {
        client: ensemble.factory,
        sessionTimeoutMs: ensemble.leastSessionMs * 4,
        ...options,
      });
      sessions.push(session);
      return session;
    };

    /** Somebody with a client of his own, who looks at the znodes and meddles with them. */
    const outsider = async () => {
      const client = ensemble.factory({
        connectString: ensemble.connectString,
        sessionTimeoutMs: ensemble.leastSessionMs * 4,
        maxReplyBytes: 1 << 24,
        auth: [],
        clock: systemClock,
        random: () => 0.5,
      });
      clients.push(client);
      await client.connect({ deadlineMs: 30_000 });
      return client;
    };

    it('is held by whoever subscribes first, and told as it happens', async () => {
      const listener = new Listener(open().lock(freshPath('first')));
      const { lease, connection } = await listener.until('held');
      expect(listener.statuses).toEqual(['idle', 'creatingNode', 'held']);
      expect(connection).toBe('confirmed');
      expect(lease.isHeld()).toBe(true);
      expect(lease.validUntil).toBeGreaterThan(Date.now());
      listener.subscription.unsubscribe();
    });

    it('goes to the next in line when it is given back, with a larger token', async () => {
      const path = freshPath('hand-over');
      const first = new Listener(open().lock(path));
      const { lease } = await first.until('held');
      const second = new Listener(open().lock(path));
      const waiting = await second.until('waitingOnPredecessor');
      expect(waiting).toMatchObject({ position: 1, queueLength: 2 });
      first.subscription.unsubscribe();
      const after = await second.until('held');
      expect(after.lease.fencingToken).toBeGreaterThan(lease.fencingToken);
      expect(lease.isHeld()).toBe(false);
    });

    it('is granted in the order of asking', async () => {
      const path = freshPath('fifo');
      const session = open();
      const lock = session.lock(path);
      const order: number[] = [];
      const first = await lock.acquire();
      const rest = Array.from({ length: 8 }, async (_, index) => {
        const lease = await lock.acquire();
        order.push(index);
        await lease.release();
      });
      await first.release();
      await Promise.all(rest);
      expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    });

    it('excludes two locks of one session on one path (T11)', async () => {
      const path = freshPath('same-session');
      const session = open();
      const lease = await session.lock(path).acquire();
      expect(await session.lock(path).tryAcquire()).toBeNull();
      await lease.release();
      const again = await session.lock(path).tryAcquire();
      expect(again?.isHeld()).toBe(true);
    });

    it('tells a waiter whose lock it waits for', async () => {
      const path = freshPath('who');
      const session = open();
      await session.lock(path).acquire({ owner: 'alice' });
      const told = await firstValueFrom(
        session.lock(path).pipe(filter((o) => o.status === 'waitingOnPredecessor' && o.predecessor !== null)),
      );
      expect(told).toMatchObject({ predecessor: { owner: 'alice', pid: process.pid } });
    });

    it('leaves nothing behind when a waiter runs out of time', async () => {
      const path = freshPath('timeout');
      const session = open();
      const lease = await session.lock(path).acquire();
      await expect(session.lock(path).acquire({ timeoutMs: 30 })).rejects.toMatchObject({
        code: 'LOCK_TIMEOUT',
        path,
      });
      await lease.release();
      const third = await session.lock(path).acquire();
      expect((await session.lock(path).entries()).ids).toHaveLength(1);
      await third.release();
    });

    it("rejects with the signal's own reason, and gives its place up", async () => {
      const path = freshPath('abort');
      const session = open();
      const lock = session.lock(path);
      const lease = await lock.acquire();
      const controller = new AbortController();
      const waiting = lock.acquire({ signal: controller.signal });
      const reason = new Error('changed my mind');
      controller.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      await expect(lock.acquire({ signal: controller.signal })).rejects.toBe(reason);
      await lease.release();
      expect(await lock.tryAcquire()).not.toBeNull();
    });

    it('expires when somebody deletes the claim, and says why', async () => {
      const path = freshPath('deleted');
      const listener = new Listener(open().lock(path));
      const { lease } = await listener.until('held');
      const { signal } = lease;
      await (await outsider()).delete(lease.claimPath, -1);
      expect(await listener.until('expired')).toMatchObject({ reason: 'node-deleted' });
      await listener.done;
      expect(listener.ended).toBe('completed');
      expect(signal.aborted).toBe(true);
      expect(() => {
        lease.assertHeld();
      }).toThrow(expect.objectContaining({ code: 'LOCK_LOST' }));
    });

    it('fails when somebody deletes the claim of a waiter', async () => {
      const path = freshPath('deleted-waiter');
      const session = open();
      await session.lock(path).acquire();
      const waiter = new Listener(session.lock(path));
      await waiter.until('waitingOnPredecessor');
      const entries = await session.lock(path).entries();
      const claimPath = entries.lockPath(entries.ids[1] ?? -1) ?? '';
      await (await outsider()).delete(claimPath, -1);
      await waiter.done;
      expect(waiter.error).toMatchObject({ code: 'CLAIM_DELETED' });
      expect(waiter.statuses.at(-1)).toBe('failed');
    });

    it('stands behind the claims of other languages, and ignores what is not one', async () => {
      const path = freshPath('interop');
      const session = open();
      const lease = await session.lock(path).acquire();
      const client = await outsider();
      await client.create(`${path}/team-1`, new Uint8Array());
      const { path: theirs } = await client.create(
        `${path}/_c_6b0e0dd0-63a7-4d3c-9a0e-0d1d3f2a1b4c-lock-`,
        new TextEncoder().encode('10.0.0.1'),
        { mode: 'ephemeralSequential' },
      );
      await lease.release();
      const waiter = new Listener(session.lock(path));
      expect(await waiter.until('waitingOnPredecessor')).toMatchObject({ position: 1, queueLength: 2 });
      await client.delete(theirs, -1);
      await waiter.until('held');
      await client.delete(`${path}/team-1`, -1);
    });

    it('makes its parents, and makes them again when they vanish', async () => {
      const path = freshPath('a/b/c');
      const session = open();
      await (await session.lock(path).acquire()).release();
      const client = await outsider();
      await client.delete(path, -1).catch(() => undefined);
      const lease = await session.lock(path).acquire();
      expect(lease.isHeld()).toBe(true);
    });

    it('ends by itself after its time to live, and first says so', async () => {
      const path = freshPath('ttl');
      const listener = new Listener(open().lock(path, { ttlMs: 60 }));
      await listener.until('held');
      expect(await listener.until('expired')).toMatchObject({ reason: 'ttl' });
      await listener.done;
    });

    it('is renewed by one more write to its claim', async () => {
      const lease = await open().lock(freshPath('renew'), { ttlMs: 60_000 }).acquire();
      await lease.renew();
      const stat = await (await outsider()).exists(lease.claimPath);
      // The first one was the grant.
      expect(stat?.version).toBe(2);
    });

    it('is taken from a holder that outlived its time to live by the waiter behind it', async () => {
      const path = freshPath('purge');
      const client = await outsider();
      const session = open();
      await session
        .lock(path)
        .acquire()
        .then((lease) => lease.release());
      const { path: stuck } = await client.create(
        `${path}/_c_6b0e0dd0-63a7-4d3c-9a0e-0d1d3f2a1b4d-lock-`,
        new TextEncoder().encode(JSON.stringify({ v: 1, ttl_ms: 20, owner_id: 'stuck' })),
        { mode: 'ephemeralSequential' },
      );
      const lease = await session.lock(path).acquire();
      expect(lease.isHeld()).toBe(true);
      expect(await client.exists(stuck)).toBeNull();
    });

    it('applies a transaction only while the claim is there', async () => {
      const path = freshPath('commit');
      const session = open();
      const client = await outsider();
      const lease = await session.lock(path).acquire();
      const target = `${path}-data`;
      await client.create(target, new Uint8Array());
      if (!client.capabilities.multi) {
        await expect(lease.commit([{ type: 'delete', path: target }])).rejects.toMatchObject({
          code: 'COMMIT_REFUSED',
          message: expect.stringContaining('use the default client') as string,
          cause: { code: 'NotSupported' },
        });
        await client.delete(target, -1);
        expect(lease.isHeld()).toBe(true);
        return;
      }
      await lease.commit([{ type: 'setData', path: target, data: new TextEncoder().encode('1') }]);
      expect(new TextDecoder().decode((await client.getData(target)).data)).toBe('1');
      await expect(lease.commit([{ type: 'check', path: target, version: 99 }])).rejects.toMatchObject({
        code: 'COMMIT_REFUSED',
        failedIndex: 0,
      });
      await client.delete(lease.claimPath, -1);
      await expect(
        lease.commit([{ type: 'setData', path: target, data: new TextEncoder().encode('2') }]),
      ).rejects.toMatchObject({ code: 'LOCK_LOST' });
      expect(new TextDecoder().decode((await client.getData(target)).data)).toBe('1');
      await client.delete(target, -1);
    });

    it('runs work only while it is held', async () => {
      const path = freshPath('while-held');
      const session = open();
      const { Observable: Work, NEVER } = await import('rxjs');
      const events: string[] = [];
      const subscription = session
        .lock(path)
        .pipe(
          whileHeld(
            () =>
              new Work<string>((subscriber) => {
                subscriber.next('work');
                return () => events.push('stopped');
              }),
          ),
        )
        .subscribe((value) => events.push(value));
      await firstValueFrom(session.lock(path).pipe(filter((o) => o.status === 'waitingOnPredecessor')));
      await new Promise<void>((resolve) => {
        const poll = session.lock(path).subscribe({
          next: (o) => {
            if (o.status === 'waitingOnPredecessor') subscription.unsubscribe();
            if (o.status === 'held') {
              poll.unsubscribe();
              resolve();
            }
          },
          error: () => undefined,
        });
      });
      expect(events).toEqual(['work', 'stopped']);
      expect(NEVER).toBeDefined();
      const leases = await firstValueFrom(session.lock(path).pipe(held()));
      expect(leases.path).toBe(path);
    });

    it('of an owner is rejected to the same owner, with the lease that he has', async () => {
      const path = freshPath('owner');
      const lock = open().lock(path, { ownerKey: 'user' });
      const lease = await lock.acquire({ context: { user: 'alice' } });
      expect(lock.owner).toBe('alice');
      await expect(lock.acquire({ owner: 'alice' })).rejects.toMatchObject({
        code: 'ALREADY_OWN_LOCK',
        lease,
      });
      await expect(lock.release({ owner: 'bob' })).rejects.toMatchObject({ code: 'NOT_LOCK_OWNER' });
      await expect(lock.release({})).rejects.toMatchObject({ code: 'NOT_LOCK_OWNER' });
      await lock.release({ context: { user: 'alice' } });
      expect(lock.owner).toBeUndefined();
      await expect(lock.release({ owner: 'alice' })).rejects.toMatchObject({ code: 'NOT_LOCK_OWNER' });
      const again = await lock.acquire({ owner: 'alice' });
      await again.release();
    });

    it('is expired by closing the session, and gone from the server', async () => {
      const path = freshPath('closed');
      const session = open();
      const listener = new Listener(session.lock(path));
      const { lease } = await listener.until('held');
      const waiter = new Listener(session.lock(path));
      await waiter.until('waitingOnPredecessor');
      await session.close();
      await Promise.all([listener.done, waiter.done]);
      expect(listener.heard.at(-1)).toMatchObject({ status: 'expired', reason: 'closed' });
      expect(waiter.error).toMatchObject({ code: 'SESSION_CLOSED' });
      expect(await (await outsider()).exists(lease.claimPath)).toBeNull();
      expect(() => session.lock(path)).toThrow(expect.objectContaining({ code: 'SESSION_CLOSED' }));
    });

    it('can be acquired for the length of a block', async () => {
      const path = freshPath('dispose');
      const session = open();
      {
        await using lease = await session.lock(path).acquire();
        expect(lease.isHeld()).toBe(true);
      }
      expect((await session.lock(path).entries()).ids).toEqual([]);
    });

    it('completes with "released" for those who still listen', async () => {
      const lock = open().lock(freshPath('released'), { owner: 'alice' });
      const listener = new Listener(lock);
      const { lease } = await listener.until('held');
      await lock.release({ owner: 'alice' });
      await listener.done;
      expect([listener.statuses.at(-1), listener.ended]).toEqual(['released', 'completed']);
      expect(lease.isHeld()).toBe(false);
    });

    it("shows the Go package's view of the line", async () => {
      const path = freshPath('entries');
      const session = open();
      const lock = session.lock(path);
      const lease = await lock.acquire();
      const waiter = new Listener(lock);
      await waiter.until('waitingOnPredecessor');
      const entries = await lock.entries();
      const [first = -1, second = -1] = entries.ids;
      expect(entries.first()).toBe(first);
      expect(entries.lockAhead(second)).toBe(first);
      expect(entries.lockAhead(first)).toBeUndefined();
      expect(entries.lockPath(first)).toBe(lease.claimPath);
      expect(() => entries.idOf('team-1')).toThrow(
        expect.objectContaining({ code: 'INVALID_SEQUENCE_NODE' }),
      );
    });
  });
}
