import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEmbeddedZooKeeper, type EmbeddedZooKeeper } from '../../src/embedded/index.js';
import { seededRandom } from '../../src/embedded/seeded-random.js';
import { Sessions } from '../../src/embedded/sessions.js';
import { JuteReader, JuteWriter } from '../../src/zookeeper/jute.js';
import { ConnectRequest, ConnectResponse, type Of } from '../../src/zookeeper/records.js';
import { SteppingClock } from '../setup/stepping-clock.js';
import { clientOptions, memoryClient, NO_DATA } from './connected-client.js';

const limits = { tickMs: 1_000, minTimeoutMs: 2_000, maxTimeoutMs: 20_000 };

describe('a session', () => {
  test('is granted between 2 and 20 ticks', () => {
    const sessions = new Sessions(limits, seededRandom(1));
    expect([1, 2_000, 5_500, 90_000].map((asked) => sessions.negotiated(asked))).toEqual([
      2_000, 2_000, 5_500, 20_000,
    ]);
  });

  test('runs out at the end of a tick: never before its timeout, at most one tick after it', () => {
    const sessions = new Sessions(limits, seededRandom(1));
    for (const [nowMs, expiresAtMs] of [
      [0, 6_000],
      [1, 6_000],
      [999, 6_000],
      [1_000, 7_000],
    ] as const) {
      const { id } = sessions.create(5_000, nowMs);
      expect(sessions.expiryOf(id)).toBe(expiresAtMs);
    }
  });

  test('lives on with every touch, and is due when none comes', () => {
    const sessions = new Sessions(limits, seededRandom(1));
    const { id } = sessions.create(2_000, 0);
    expect(sessions.due(2_999)).toEqual([]);
    sessions.touch(id, 2_999);
    expect(sessions.due(3_000)).toEqual([]);
    expect(sessions.nextExpiryMs()).toBe(5_000);
    expect(sessions.due(5_000)).toEqual([id]);
  });

  test('is resumed only with its password', () => {
    const sessions = new Sessions(limits, seededRandom(1));
    const { id, password } = sessions.create(2_000, 0);
    expect(sessions.resume(id, new Uint8Array(16), 2_000, 0)).toBe(false);
    expect(sessions.resume('abc', password, 2_000, 0)).toBe(false);
    expect(sessions.resume(id, password, 2_000, 0)).toBe(true);
    sessions.remove(id);
    expect(sessions.resume(id, password, 2_000, 0)).toBe(false);
  });

  test('has the same id and password in every run of the same seed', () => {
    const make = (seed: number) => new Sessions(limits, seededRandom(seed)).create(2_000, 0);
    expect(make(7)).toEqual(make(7));
    expect(make(7).id).not.toBe(make(8).id);
    expect(make(7).id).toMatch(/^1[0-9a-f]{14}$/);
  });
});

describe('at the embedded server, a session', () => {
  let clock: SteppingClock;
  let zooKeeper: EmbeddedZooKeeper;

  beforeEach(async () => {
    clock = new SteppingClock();
    zooKeeper = await createEmbeddedZooKeeper({ port: false, clock, tickMs: 1_000, seed: 1 });
  });

  afterEach(async () => {
    await zooKeeper.close();
    expect(clock.pendingCount).toBe(0);
  });

  /** Two clients: one that lives, and one whose ephemeral `/e` shows how long its session does. */
  async function pair() {
    const witness = await memoryClient(zooKeeper, { clock });
    const mortal = await memoryClient(zooKeeper, { clock, sessionTimeoutMs: 4_000 });
    await mortal.create('/e', NO_DATA, { mode: 'ephemeral' });
    return { witness, mortal };
  }

  test('is kept alive by pings alone', async () => {
    const { witness, mortal } = await pair();
    await clock.advance(60_000);
    expect(await witness.exists('/e')).not.toBeNull();
    expect(mortal.state.kind).toBe('connected');
    await Promise.all([witness.close(), mortal.close()]);
  });

  test('ends when its owner is not heard of, and takes its ephemerals along', async () => {
    const { witness, mortal } = await pair();
    zooKeeper.faults.refuseConnections(true);
    zooKeeper.faults.cut(mortal.sessionId);
    const cutAtMs = clock.now();
    const gone = new Promise<number>((resolve) => {
      void witness.exists('/e', () => {
        resolve(clock.now());
      });
    });
    expect((await clock.until(gone)) - cutAtMs).toBe(5_000);
    expect(zooKeeper.sessions().map(({ id }) => id)).toEqual([witness.sessionId]);
    zooKeeper.faults.heal();
    await clock.advance(2_000);
    expect(mortal.state).toMatchObject({ kind: 'lost', reason: 'expired' });
    await witness.close();
  });

  test('goes on after a cut, with its ephemerals and the same id', async () => {
    const { witness, mortal } = await pair();
    const { sessionId } = mortal;
    zooKeeper.faults.cut(sessionId);
    await clock.advance(3_000);
    expect(mortal.state).toMatchObject({ kind: 'connected', resumed: true, sessionId });
    expect((await mortal.exists('/e'))?.ephemeralOwner).toBe(sessionId);
    await Promise.all([witness.close(), mortal.close()]);
  });

  test('loses its connection to whoever names it, as at the real server, but not its life without the password', async () => {
    const first = await memoryClient(zooKeeper, { clock });
    const { sessionId } = first;
    const thief = hello(zooKeeper, sessionId, new Uint8Array(16));
    expect(thief).toMatchObject({ sessionId: '0', timeoutMs: 0 });
    await clock.settle();
    expect(first.state.kind).toBe('suspended');
    await clock.advance(1_000);
    expect(first.state).toMatchObject({ kind: 'connected', resumed: true, sessionId });
    expect(zooKeeper.counters()['zk_num_alive_connections']).toBe(1);
    await first.close();
  });

  test('that says good-bye leaves at once with all that was its own', async () => {
    const { witness, mortal } = await pair();
    await mortal.close();
    expect(await witness.exists('/e')).toBeNull();
    await witness.close();
    expect(zooKeeper.sessions()).toEqual([]);
    expect(zooKeeper.counters()).toMatchObject({
      zk_ephemerals_count: 0,
      zk_num_alive_connections: 0,
      zk_watch_count: 0,
    });
  });

  test('can be ended by an order', async () => {
    const { witness, mortal } = await pair();
    expect(zooKeeper.expireSession(mortal.sessionId)).toBe(true);
    expect(zooKeeper.expireSession(mortal.sessionId)).toBe(false);
    expect(await witness.exists('/e')).toBeNull();
    await clock.advance(1_000);
    expect(mortal.state).toMatchObject({ kind: 'lost', reason: 'expired' });
    await witness.close();
  });

  test('that has seen more than the server is refused without an answer', () => {
    expect(hello(zooKeeper, '0', new Uint8Array(16), 1n << 40n)).toBe('refused');
  });
});

/** A handshake by hand. */
function hello(
  zooKeeper: EmbeddedZooKeeper,
  sessionId: string,
  password: Uint8Array,
  lastZxidSeen = 0n,
): Of<typeof ConnectResponse> | 'refused' | 'unanswered' {
  const answers: Uint8Array[] = [];
  const ends: 'refused'[] = [];
  const peer = zooKeeper.server.connect({
    send: (frame) => answers.push(frame),
    close: () => ends.push('refused'),
  });
  const writer = new JuteWriter();
  ConnectRequest.write(writer, { protocolVersion: 0, lastZxidSeen, timeoutMs: 4_000, sessionId, password });
  writer.boolean(false);
  peer.receive(writer.toFrame());
  const [answer] = answers;
  if (answer === undefined) return ends[0] ?? 'unanswered';
  return ConnectResponse.read(new JuteReader(answer.subarray(4)));
}

test('an in-process client works for whatever connect string it is given', async () => {
  const clock = new SteppingClock();
  await using zooKeeper = await createEmbeddedZooKeeper({ port: false, clock });
  expect(zooKeeper.connectString).toBe('embedded');
  expect(zooKeeper.port).toBeUndefined();
  const client = zooKeeper.client()(clientOptions('somewhere:1234', { clock }));
  await client.connect({ deadlineMs: 1_000 });
  expect(client.state).toMatchObject({ kind: 'connected', server: 'somewhere:1234' });
  await client.close();
});
