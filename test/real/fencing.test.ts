/**
 * The recipes of docs/fencing.md, read from there and run as they stand, each on a real receiver and with the tokens of
 * real leases: somebody holds who does not know that somebody else came after, and what he writes must not arrive.
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PGlite, type Transaction } from '@electric-sql/pglite';
import fc from 'fast-check';
import ts from 'typescript';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { connect, type Lease, type Session } from '../../src/index.js';
import type { ZooKeeperClient } from '../../src/zookeeper/client.js';
import { NO_DATA, tcpClient, text } from '../embedded/connected-client.js';
import { freshPath } from '../lock/behaviour.js';
import { type RealRedis, startRealRedis } from '../setup/real-redis.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const blocks = [
  ...readFileSync(join(root, 'docs/fencing.md'), 'utf8').matchAll(/```(ts|sql|lua)\n([\s\S]*?)```/g),
].map(([, language = '', code = '']) => ({ language, code }));
const run = new Set<string>();

/** The one block of the page in this language that begins so. */
function recipe(language: string, beginning: string): string {
  const found = blocks.filter((block) => block.language === language && block.code.startsWith(beginning));
  expect(found, `${language} "${beginning}" in docs/fencing.md`).toHaveLength(1);
  const code = found[0]?.code ?? '';
  run.add(code);
  return code;
}

/** What a module with this code exports. */
async function load<T>(folder: string, name: string, code: string): Promise<T> {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, outputText);
  return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as T;
}

const anyToken = fc.bigInt({ min: 0n, max: 2n ** 74n });
const sessions: Session[] = [];
/** Has lost the lock. */
let late: Lease;
/** Holds it now. */
let current: Lease;
let administrator: ZooKeeperClient;

const tokenOf = (lease: Lease): string => String(lease.fencingToken);

beforeEach(async () => {
  // Anew for each: the database may stop this process for longer than a session lasts while it starts.
  administrator = await tcpClient(inject('zookeeper'));
  const path = freshPath('fencing');
  const acquire = (): Promise<Lease> => {
    const session = connect(inject('zookeeper'), { sessionTimeoutMs: 10_000 });
    sessions.push(session);
    return session.lock(path).acquire();
  };
  late = await acquire();
  const next = acquire();
  await administrator.delete(late.claimPath, -1);
  current = await next;
});

afterEach(async () => {
  await Promise.all([administrator, ...sessions.splice(0)].map((each) => each.close()));
});

describe('in ZooKeeper', () => {
  it('a late holder commits nothing, and the one that holds does', async () => {
    await administrator.create('/orders', NO_DATA).catch(() => undefined);
    await administrator.setData('/orders', NO_DATA, -1);
    const folder = mkdtempSync(join(root, 'dist', 'fencing-'));
    const code = `export async function commit(lease) { ${recipe('ts', 'await lease.commit')} }`;
    const { commit } = await load<{ commit: (lease: Lease) => Promise<void> }>(folder, 'commit', code);
    rmSync(folder, { recursive: true });
    await expect(commit(late)).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(text((await administrator.getData('/orders')).data)).toBe('');
    await commit(current);
    expect(text((await administrator.getData('/orders')).data)).toBe('shipped');
    await administrator.delete('/orders', -1);
  });
});

describe('in SQL', () => {
  let database: PGlite;
  beforeAll(async () => {
    database = await PGlite.create();
    await database.exec(recipe('sql', '-- once'));
    await database.exec(
      "create table orders (id int primary key, state text, token numeric(24) not null default 0); insert into orders values (42, 'new')",
    );
  });
  afterAll(async () => {
    await database.close();
  });

  /** A transaction that begins with the recipe; `null` when that says that it is late. */
  const guarded = (lock: string, token: string, work: (transaction: Transaction) => Promise<unknown>) =>
    database.transaction(async (transaction) => {
      const raised = await transaction.query(recipe('sql', '-- first in every transaction'), [lock, token]);
      if (raised.rows.length > 0) return work(transaction);
      await transaction.rollback();
      return null;
    });
  const state = async (): Promise<unknown> =>
    (await database.query<{ state: string }>('select state from orders where id = 42')).rows[0]?.state;
  const write = (words: string) => (transaction: Transaction) =>
    transaction.query('update orders set state = $1 where id = 42 returning id', [words]);

  it('a transaction of a late holder is refused once a later one has begun, and not before', async () => {
    expect(await guarded(late.path, tokenOf(late), write('packed'))).not.toBeNull();
    expect(await guarded(current.path, tokenOf(current), write('shipped'))).not.toBeNull();
    expect(await guarded(late.path, tokenOf(late), write('cancelled'))).toBeNull();
    expect(await state()).toBe('shipped');
    expect(await guarded(current.path, tokenOf(current), write('delivered'))).not.toBeNull();
    expect(await state()).toBe('delivered');
  });

  it('the fence of another lock is another', async () => {
    await guarded(current.path, tokenOf(current), write('shipped'));
    expect(await guarded('/another', tokenOf(late), write('packed'))).not.toBeNull();
  });

  it('a single row keeps its own fence', async () => {
    await database.query("update orders set state = 'new', token = 0 where id = 42");
    const update = recipe('sql', '-- or');
    expect((await database.query(update, [42, tokenOf(current), 'shipped'])).affectedRows).toBe(1);
    expect((await database.query(update, [42, tokenOf(late), 'cancelled'])).affectedRows).toBe(0);
    expect((await database.query(update, [42, tokenOf(current), 'delivered'])).affectedRows).toBe(1);
    expect(await state()).toBe('delivered');
  });

  it('tokens are compared as numbers, as large as they get', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uuid(), anyToken, anyToken, async (lock, one, other) => {
        const raise = async (token: bigint): Promise<boolean> =>
          (await database.query(recipe('sql', '-- first in every transaction'), [lock, String(token)])).rows
            .length === 1;
        expect(await raise(one)).toBe(true);
        expect(await raise(other)).toBe(other >= one);
      }),
      { numRuns: 50 },
    );
  });
});

describe('in Redis', () => {
  let redis: RealRedis;
  beforeAll(async () => {
    redis = await startRealRedis();
  });
  afterAll(async () => {
    await redis.stop();
  });

  const write = (key: string, token: string, value: string): Promise<string> =>
    redis.ask('EVAL', recipe('lua', '-- KEYS'), '2', `{${key}}:42`, `{${key}}:42:fence`, token, value);

  it('a late holder is refused once a later one has written', async () => {
    expect(await write('orders', tokenOf(late), 'packed')).toBe('OK');
    expect(await write('orders', tokenOf(current), 'shipped')).toBe('OK');
    await expect(write('orders', tokenOf(late), 'cancelled')).rejects.toThrow(
      `FENCED a later holder wrote here: ${tokenOf(current)}`,
    );
    expect(await redis.ask('GET', '{orders}:42')).toBe('shipped');
    expect(await write('orders', tokenOf(current), 'delivered')).toBe('OK');
    expect(await redis.ask('GET', '{orders}:42')).toBe('delivered');
  });

  it('tokens are compared as numbers, as large as they get', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uuid(), anyToken, anyToken, async (key, one, other) => {
        expect(await write(key, String(one), 'one')).toBe('OK');
        const second = await write(key, String(other), 'other').catch((error: unknown) => String(error));
        expect(second.includes('FENCED')).toBe(other < one);
      }),
      { numRuns: 100 },
    );
  });
});

describe('over HTTP', () => {
  let folder: string;
  let server: Server;
  let url: string;
  let put: (url: string, body: string, lease: Pick<Lease, 'fencingToken' | 'signal'>) => Promise<Response>;
  const written: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(root, 'dist', 'fencing-'));
    ({ put } = await load<{ put: typeof put }>(folder, 'client', recipe('ts', '// the client')));
    const { fencedServer } = await load<{
      fencedServer: (write: (path: string, body: string) => void) => Server;
    }>(folder, 'server', recipe('ts', '// the server'));
    server = fencedServer((path, body) => written.push(`${path} ${body}`)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    rmSync(folder, { recursive: true });
  });

  /** As a holder that was stopped right before it sent. */
  const unaware = (lease: Lease) => ({
    fencingToken: lease.fencingToken,
    signal: new AbortController().signal,
  });

  it('a late holder is refused once a later one has written', async () => {
    written.length = 0;
    expect((await put(`${url}/orders/42`, 'packed', unaware(late))).status).toBe(204);
    expect((await put(`${url}/orders/42`, 'shipped', current)).status).toBe(204);
    expect((await put(`${url}/orders/42`, 'cancelled', unaware(late))).status).toBe(412);
    expect((await put(`${url}/orders/42`, 'delivered', current)).status).toBe(204);
    expect(written).toEqual(['/orders/42 packed', '/orders/42 shipped', '/orders/42 delivered']);
  });

  it('a holder that knows that it is late sends nothing', async () => {
    written.length = 0;
    const { signal } = late;
    if (!signal.aborted) await once(signal, 'abort');
    await expect(put(`${url}/orders/43`, 'cancelled', late)).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(written).toEqual([]);
  });

  it.each([undefined, '', 'abc', '-1', '1.5', '1e9'])('%j is no token', async (header) => {
    const headers = header === undefined ? {} : { 'Fencing-Token': header };
    const response = await fetch(`${url}/orders/44`, { method: 'PUT', headers, body: 'x' });
    expect(response.status).toBe(428);
  });
});

it('no recipe of the page was left out', () => {
  expect(blocks.filter(({ code }) => !run.has(code))).toEqual([]);
});
