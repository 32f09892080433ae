import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEmbeddedZooKeeper, type EmbeddedZooKeeper, type FaultPlan } from '../../src/embedded/index.js';
import { opcode } from '../../src/zookeeper/records.js';
import { SteppingClock } from '../setup/stepping-clock.js';
import { memoryClient, NO_DATA } from './connected-client.js';

let clock: SteppingClock;
let zooKeeper: EmbeddedZooKeeper;

async function start(faults: FaultPlan = {}, seed = 1): Promise<void> {
  clock = new SteppingClock();
  zooKeeper = await createEmbeddedZooKeeper({ port: false, clock, tickMs: 1_000, seed, faults });
}

const connected = (sessionTimeoutMs = 6_000) => memoryClient(zooKeeper, { clock, sessionTimeoutMs });

const paths = (): string[] => zooKeeper.nodes().map(({ path }) => path);

const failure = (code: string, outcome: string) => expect.objectContaining({ code, outcome }) as Error;

describe('a button', () => {
  beforeEach(() => start());
  afterEach(() => zooKeeper.close());

  test('loses a request: nothing is applied, and its client does not know', async () => {
    const client = await connected();
    zooKeeper.faults.loseNextRequest(({ path }) => path === '/lost');
    await client.create('/kept', NO_DATA);
    await expect(client.create('/lost', NO_DATA)).rejects.toEqual(failure('ConnectionLoss', 'unknown'));
    expect(paths()).toEqual(['/kept']);
  });

  test('loses a reply: it is applied, and its client does not know', async () => {
    const client = await connected();
    const { sessionId } = client;
    zooKeeper.faults.loseNextReply(({ type }) => type === opcode.create2);
    await expect(client.create('/e', NO_DATA, { mode: 'ephemeral' })).rejects.toEqual(
      failure('ConnectionLoss', 'unknown'),
    );
    expect(zooKeeper.nodes()).toEqual([expect.objectContaining({ path: '/e', ephemeralOwner: sessionId })]);
    await clock.advance(1_000);
    expect(client.state).toMatchObject({ kind: 'connected', sessionId });
  });

  test('cuts behind a reply: it is applied, and its client knows', async () => {
    const client = await connected();
    zooKeeper.faults.cutAfterNextReply();
    const { sessionId } = client;
    const states: string[] = [];
    client.onState(({ kind }) => states.push(kind));
    await client.create('/a', NO_DATA);
    await clock.advance(1_000);
    expect(states).toEqual(['suspended', 'connected']);
    expect(client.state).toMatchObject({ resumed: true, sessionId });
  });

  test('silences the server: it does what it is asked and says so only later', async () => {
    const client = await connected();
    zooKeeper.faults.silence();
    const made = client.create('/a', NO_DATA);
    await clock.advance(2_000);
    expect(paths()).toEqual(['/a']);
    zooKeeper.faults.speak();
    await expect(made).resolves.toMatchObject({ path: '/a' });
  });

  test('silences one session only', async () => {
    const [mute, other] = [await connected(), await connected()];
    zooKeeper.faults.silence(mute.sessionId);
    const unanswered = mute.sync('/').then(
      () => 'answered',
      () => 'failed',
    );
    await other.sync('/');
    await clock.advance(4_500);
    expect(await unanswered).toBe('failed');
    // The next connection of the same session is heard again.
    expect(mute.state).toMatchObject({ kind: 'connected', resumed: true });
  });

  test('freezes the server: nothing is served or expired; what is overdue at the thaw expires first', async () => {
    const client = await connected();
    const { sessionId } = client;
    await client.create('/e', NO_DATA, { mode: 'ephemeral' });
    zooKeeper.faults.freeze();
    const unanswered = client.create('/a', NO_DATA);
    await clock.advance(3_000);
    expect(paths()).toEqual(['/e']);
    zooKeeper.faults.thaw();
    await unanswered;
    expect(paths()).toEqual(['/e', '/a']);

    zooKeeper.faults.freeze();
    const lost = client.create('/b', NO_DATA);
    const refused = expect(lost).rejects.toThrow();
    await clock.advance(20_000);
    expect(zooKeeper.sessions().map(({ id }) => id)).toEqual([sessionId]);
    zooKeeper.faults.thaw();
    await refused;
    expect(paths()).toEqual(['/a']);
    await clock.advance(2_000);
    expect(client.state).toMatchObject({ kind: 'lost', reason: 'expired' });
  });

  test('slows every answer down, and keeps their order', async () => {
    const client = await connected();
    zooKeeper.faults.delayReplies(300);
    const order: string[] = [];
    const startMs = clock.now();
    const both = Promise.all([
      client.create('/a', NO_DATA).then(() => order.push('a')),
      client.create('/b', NO_DATA).then(() => order.push('b')),
    ]);
    await clock.until(both);
    expect(order).toEqual(['a', 'b']);
    expect(clock.now() - startMs).toBe(300);
  });

  test('refuses connections', async () => {
    zooKeeper.faults.refuseConnections(true);
    const refused = expect(connected()).rejects.toMatchObject({ code: 'OperationTimeout' });
    await clock.advance(10_000);
    await refused;
  });

  test('lets a session expire later than promised, or earlier', async () => {
    const [late, early] = [await connected(4_000), await connected(4_000)];
    zooKeeper.faults.refuseConnections(true);
    zooKeeper.faults.cut();
    zooKeeper.faults.expireLater(late.sessionId, 3_000);
    zooKeeper.faults.expireLater(early.sessionId, -3_000);
    await clock.advance(2_000);
    expect(zooKeeper.sessions().map(({ id }) => id)).toEqual([late.sessionId]);
    await clock.advance(5_999);
    expect(zooKeeper.sessions()).not.toEqual([]);
    await clock.advance(1);
    expect(zooKeeper.sessions()).toEqual([]);
  });

  test('lets the ephemerals of an expired session stand until its owner is back with another (T01)', async () => {
    const client = await connected();
    await client.create('/e', NO_DATA, { mode: 'ephemeral' });
    zooKeeper.faults.delayEphemeralDeletion(30_000);
    zooKeeper.expireSession(client.sessionId);
    await clock.advance(1_000);
    expect(client.state).toMatchObject({ kind: 'lost', reason: 'expired' });
    const next = await connected();
    const gone: string[] = [];
    expect((await next.exists('/e', ({ type }) => gone.push(type)))?.ephemeralOwner).toBe(client.sessionId);
    await clock.advance(28_000);
    expect(gone).toEqual([]);
    await clock.advance(1_000);
    expect(gone).toEqual(['deleted']);
  });

  test('deletes late ephemerals when told', async () => {
    const client = await connected();
    await client.create('/e', NO_DATA, { mode: 'ephemeral' });
    zooKeeper.faults.delayEphemeralDeletion(30_000);
    zooKeeper.expireSession(client.sessionId);
    expect(paths()).toEqual(['/e']);
    zooKeeper.faults.deleteLateEphemerals();
    expect(paths()).toEqual([]);
  });
});

describe('a plan', () => {
  const plan: FaultPlan = {
    loseRequest: 0.05,
    loseReply: 0.05,
    cutAfterReply: 0.05,
    delay: { probability: 0.3, upToMs: 50 },
    refuseConnection: 0.2,
    expireSession: 0.01,
  };

  /** What a client that tries again and again lives through. */
  async function history(seed: number): Promise<string[]> {
    await start(plan, seed);
    const log: string[] = [];
    let client = await clock.until(connected());
    for (let index = 0; index < 60; index += 1) {
      const outcome = await clock.until(
        client.create('/x-', NO_DATA, { mode: 'persistentSequential' }).then(
          ({ path }) => path,
          (error: unknown) => (error as { code: string }).code,
        ),
      );
      log.push(`${clock.now()} ${outcome}`);
      if (client.state.kind === 'lost') client = await clock.until(connected());
      else if (client.state.kind !== 'connected') await clock.advance(100);
    }
    log.push(...zooKeeper.nodes().map(({ path, czxid }) => `${path} ${czxid}`));
    await client.close();
    await zooKeeper.close();
    return log;
  }

  test('repeats from its seed, to the millisecond', async () => {
    const first = await history(7);
    expect(await history(7)).toEqual(first);
    expect(await history(8)).not.toEqual(first);
    expect(first.some((line) => line.endsWith('ConnectionLoss'))).toBe(true);
  });

  test('ends when healed', async () => {
    await start({ loseReply: 1 });
    const client = await connected();
    await expect(client.sync('/')).rejects.toThrow();
    zooKeeper.faults.heal();
    await clock.advance(1_000);
    await client.sync('/');
    await zooKeeper.close();
  });

  test('starts every parent’s counter where it says', async () => {
    await start({ sequenceStart: 2_147_483_647 });
    const client = await connected();
    await client.create('/p', NO_DATA);
    const names: string[] = [];
    for (const prefix of ['/p/a-', '/p/b-']) {
      names.push((await client.create(prefix, NO_DATA, { mode: 'ephemeralSequential' })).path);
    }
    expect(names).toEqual(['/p/a-2147483647', '/p/b-2147483647']);
    await zooKeeper.close();
  });
});

test('close() leaves no timer, whatever was going on', async () => {
  await start({ ephemeralDelayMs: 5_000 });
  const client = await connected();
  await client.create('/c', NO_DATA, { mode: 'container' });
  await client.create('/e', NO_DATA, { mode: 'ephemeral' });
  zooKeeper.faults.delayReplies(1_000);
  const cut = expect(client.sync('/')).rejects.toThrow();
  await clock.settle();
  zooKeeper.expireSession(client.sessionId);
  await zooKeeper.close();
  await cut;
  await client.close();
  expect(clock.pendingCount).toBe(0);
});
