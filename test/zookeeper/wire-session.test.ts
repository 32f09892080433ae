import { describe, expect, it } from 'vitest';
import { instant } from '../../src/clock.js';
import { paceMs } from '../../src/zookeeper/heartbeat.js';
import { opcode, reservedXid } from '../../src/zookeeper/records.js';
import { SESSION_MS, Stage, statBody } from './scripted-peer.js';

const PING_MS = paceMs(SESSION_MS);
const SILENCE_MS = (SESSION_MS * 2) / 3;

describe('the handshake', () => {
  it('asks for a new session first, and for the same one ever after, with what was seen in it', async () => {
    const stage = new Stage();
    void stage.connect();
    stage.pipe.open();
    expect(stage.pipe.handshake).toMatchObject({ sessionId: '0', lastZxidSeen: 0n, timeoutMs: SESSION_MS });
    stage.pipe.grant({ timeoutMs: 8_000, password: 9 });
    await stage.settle();
    const reading = stage.client.exists('/a');
    stage.pipe.reply(1, { zxid: 77n, body: statBody });
    await reading;
    stage.pipe.hangUp();
    stage.pipe.open();
    expect(stage.pipe.handshake).toEqual({
      protocolVersion: 0,
      sessionId: 'abc',
      lastZxidSeen: 77n,
      timeoutMs: 8_000,
      password: new Uint8Array(16).fill(9),
    });
    stage.pipe.grant({ timeoutMs: 8_000, password: 9 });
    await stage.settle();
    expect(stage.states.map((state) => [state.kind, 'resumed' in state && state.resumed])).toEqual([
      ['connected', false],
      ['suspended', false],
      ['connected', true],
    ]);
  });

  it.each([
    ['no session', 0n],
    ['another session', 0xdefn],
  ])('that answers with %s ends this one', async (_, sessionId) => {
    const stage = await new Stage().connected();
    stage.pipe.hangUp();
    await stage.clock.advance(50);
    stage.pipe.accept({ sessionId });
    await stage.settle();
    expect(stage.client.state).toMatchObject({
      kind: 'lost',
      reason: 'expired',
      cause: { code: 'SessionExpired' },
    });
    expect(stage.kinds).toEqual(['connected', 'suspended', 'lost']);
    expect(stage.clock.pendingCount).toBe(0);
    await expect(stage.client.exists('/')).rejects.toMatchObject({ code: 'Closed' });
  });

  it('is followed by every identity, and is not done before each was taken', async () => {
    const identity = (text: string) => ({ scheme: 'digest', auth: new TextEncoder().encode(text) });
    const stage = new Stage({ auth: [identity('a:1'), identity('b:2')] });
    const connecting = stage.connect();
    stage.pipe.accept();
    expect(stage.pipe.requests.map(({ xid, type }) => [xid, type])).toEqual([
      [reservedXid.auth, opcode.auth],
      [reservedXid.auth, opcode.auth],
    ]);
    stage.pipe.reply(reservedXid.auth);
    await stage.settle();
    expect(stage.client.state.kind).toBe('connecting');
    await expect(stage.client.exists('/')).rejects.toMatchObject({ code: 'NotSent' });
    stage.pipe.reply(reservedXid.auth);
    await connecting;
  });
});

describe('an identity added later', () => {
  it('is said again on every connection', async () => {
    const stage = await new Stage().connected();
    const adding = stage.client.addAuth('digest', new TextEncoder().encode('a:1'));
    stage.pipe.reply(reservedXid.auth);
    await adding;
    stage.pipe.hangUp();
    await stage.clock.advance(50);
    stage.pipe.accept();
    expect(stage.pipe.requests).toMatchObject([{ xid: reservedXid.auth, type: opcode.auth }]);
    stage.pipe.reply(reservedXid.auth);
    await stage.settle();
    expect(stage.kinds).toEqual(['connected', 'suspended', 'connected']);
  });
});

describe('the signal of a connect', () => {
  it('ends the attempt with its reason', async () => {
    const stage = new Stage();
    const controller = new AbortController();
    const connecting = stage.client.connect({ deadlineMs: 1_000, signal: controller.signal });
    const reason = new Error('changed my mind');
    controller.abort(reason);
    await expect(connecting).rejects.toBe(reason);
    expect(stage.kinds).toEqual(['closed']);
    expect(stage.clock.pendingCount).toBe(0);
    expect(stage.pipe.destroyed).toBe(true);
  });

  it('means nothing any more once connected', async () => {
    const stage = new Stage();
    const controller = new AbortController();
    const connecting = stage.client.connect({ deadlineMs: 1_000, signal: controller.signal });
    stage.pipe.accept();
    await connecting;
    controller.abort();
    await stage.clock.advance(1_000);
    expect(stage.kinds).toEqual(['connected']);
  });
});

describe('what was acknowledged last', () => {
  it('is the moment at which the newest answered message was sent', async () => {
    const stage = new Stage();
    const never = Number.NEGATIVE_INFINITY;
    expect(stage.client.lastAcknowledged).toEqual({ monotonicMs: never, wallMs: never });
    void stage.connect();
    await stage.clock.advance(10);
    stage.pipe.open();
    const shookHands = instant(stage.clock);
    await stage.clock.advance(5);
    stage.pipe.grant();
    expect(stage.client.lastAcknowledged).toEqual(shookHands);

    await stage.clock.advance(100);
    const asked = instant(stage.clock);
    const first = stage.client.exists('/none');
    await stage.clock.advance(100);
    const second = stage.client.exists('/a');
    expect(stage.client.lastAcknowledged).toEqual(shookHands);
    stage.pipe.reply(1, { error: -101 });
    await first;
    expect(stage.client.lastAcknowledged).toEqual(asked);
    stage.pipe.reply(2, { body: statBody });
    await second;
    const pinged = { monotonicMs: 215 + PING_MS, wallMs: asked.wallMs + 100 + PING_MS };
    await stage.clock.advance(PING_MS + 50);
    stage.pipe.reply(reservedXid.ping);
    expect(stage.client.lastAcknowledged).toEqual(pinged);
    stage.pipe.event(3, '/a');
    expect(stage.client.lastAcknowledged).toEqual(pinged);
  });

  it('is the handshake when there is nothing since but identities, of which a leader does not hear (T37)', async () => {
    const stage = new Stage({ auth: [{ scheme: 'digest', auth: new Uint8Array([1]) }] });
    const connecting = stage.connect();
    stage.pipe.open();
    const shookHands = instant(stage.clock);
    await stage.clock.advance(1_000);
    stage.pipe.grant();
    await stage.clock.advance(5);
    stage.pipe.reply(reservedXid.auth);
    await connecting;
    expect(stage.client.lastAcknowledged).toEqual(shookHands);
  });
});

describe('a quiet connection', () => {
  it('is pinged when nothing was sent for a quarter of the session, and not before', async () => {
    const stage = await new Stage().connected();
    await stage.clock.advance(PING_MS - 1);
    expect(stage.pipe.requests).toHaveLength(0);
    await stage.clock.advance(1);
    expect(stage.pipe.requests).toMatchObject([{ xid: reservedXid.ping, type: opcode.ping }]);
    stage.pipe.reply(reservedXid.ping);
    await stage.clock.advance(PING_MS - 1);
    void stage.client.exists('/a').catch(() => undefined);
    await stage.clock.advance(PING_MS - 1);
    expect(stage.pipe.requests).toHaveLength(2);
  });

  it('is given up after two thirds of the session without a word', async () => {
    const stage = await new Stage().connected();
    await stage.clock.advance(SILENCE_MS - 1);
    expect(stage.client.state.kind).toBe('connected');
    await stage.clock.advance(1);
    expect(stage.states[1]).toMatchObject({ kind: 'suspended', cause: { code: 'OperationTimeout' } });
    expect(stage.pipes[0]?.destroyed).toBe(true);
  });

  it('is given time to be read after the process itself stood still', async () => {
    const stage = await new Stage().connected();
    await stage.clock.advance(PING_MS);
    stage.clock.stall(SESSION_MS / 2);
    await stage.clock.advance(1);
    expect(stage.client.state.kind).toBe('connected');
    stage.pipe.reply(reservedXid.ping);
    await stage.clock.advance(PING_MS / 2);
    expect(stage.client.state.kind).toBe('connected');
    stage.clock.stall(SESSION_MS);
    await stage.clock.advance(PING_MS);
    expect(stage.client.state.kind).toBe('suspended');
  });

  it('is not used after the process stood still for most of the session: a follower answers too, the leader is to hear of it', async () => {
    const stage = await new Stage().connected();
    stage.clock.stall(0.8 * SESSION_MS);
    const asked = stage.note('exists', stage.client.exists('/a'));
    await stage.settle();
    await asked;
    expect(stage.order).toEqual(['connected', 'suspended', 'exists NotSent']);
    expect(stage.pipes[0]?.requests).toEqual([]);
    await stage.clock.advance(100);
    stage.pipe.accept();
    await stage.settle();
    expect(stage.client.state).toMatchObject({ kind: 'connected', resumed: true });
    expect(stage.client.lastAcknowledged.monotonicMs).toBe(stage.clock.now());
  });

  it('that answers pings but not a request has lost the answer, and is given up', async () => {
    const stage = await new Stage().connected();
    const waiting = stage.note('exists', stage.client.exists('/a'));
    for (let time = 0; time <= 2 * SESSION_MS; time += PING_MS) {
      await stage.clock.advance(PING_MS);
      if (stage.client.state.kind !== 'connected') break;
      stage.pipe.reply(reservedXid.ping);
    }
    await waiting;
    expect(stage.order).toEqual(['connected', 'suspended', 'exists ConnectionLoss']);
    expect(stage.states[1]).toMatchObject({ cause: { code: 'ProtocolViolation' } });
  });
});

describe('the hosts', () => {
  const hostsOf = (stage: Stage): string[] => stage.pipes.map(({ address }) => address.host);

  it('are tried in an order of chance, each at once after the other', () => {
    const stage = new Stage({ connectString: 'a:1,b:2,c:3', random: () => 0 });
    void stage.connect();
    stage.pipe.hangUp();
    stage.pipe.hangUp();
    expect(hostsOf(stage)).toEqual(['b', 'c', 'a']);
    expect(stage.clock.now()).toBe(0);
  });

  it('are left alone for a while after a round in vain: longer each time, at most a second', async () => {
    const stage = new Stage({ random: () => 0.999_999 });
    void stage.connect();
    const pauses: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const before = stage.clock.now();
      const { length } = stage.pipes;
      stage.pipe.hangUp();
      while (stage.pipes.length === length) await stage.clock.advance(1);
      pauses.push(stage.clock.now() - before);
    }
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
  });

  it('have their share of the session to answer in, then the next one is tried', async () => {
    const stage = new Stage({ connectString: 'a:1,b:2' });
    void stage.connect();
    await stage.clock.advance(SILENCE_MS / 2 - 1);
    expect(stage.pipes).toHaveLength(1);
    await stage.clock.advance(1);
    expect(stage.pipes).toHaveLength(2);
    expect(stage.pipes[0]?.destroyed).toBe(true);
    stage.pipe.open();
    await stage.clock.advance(SILENCE_MS / 2);
    expect(stage.pipes[1]?.destroyed).toBe(true);
  });

  it('that take a session and drop it unused are not redialled at once', async () => {
    const stage = await new Stage().connected();
    stage.pipe.hangUp();
    expect(stage.pipes).toHaveLength(1);
    await stage.clock.advance(50);
    expect(stage.pipes).toHaveLength(2);
  });

  it('are redialled at once after a connection that worked', async () => {
    const stage = await new Stage().connected();
    const reading = stage.client.exists('/a');
    stage.pipe.reply(1, { body: statBody });
    await reading;
    stage.pipe.hangUp();
    expect(stage.pipes).toHaveLength(2);
  });
});

describe('the end', () => {
  it('is said to the server, which is waited for until the deadline', async () => {
    const stage = await new Stage().connected();
    const closing = stage.note('close', stage.client.close({ deadlineMs: 100 }));
    expect(stage.pipe.requests).toMatchObject([{ xid: 1, type: opcode.closeSession }]);
    await stage.clock.advance(99);
    expect(stage.order).toEqual(['connected']);
    await stage.clock.advance(1);
    await closing;
    expect(stage.order).toEqual(['connected', 'closed', 'close done']);
    expect(stage.pipe.destroyed).toBe(true);
    expect(stage.clock.pendingCount).toBe(0);
  });

  it('comes when the server has heard it, or is gone', async () => {
    const [heard, gone] = [await new Stage().connected(), await new Stage().connected()];
    const closing = [heard.client.close(), gone.client.close()];
    heard.pipe.reply(1);
    gone.pipe.hangUp();
    await Promise.all(closing);
    expect([heard.kinds, gone.kinds]).toEqual([
      ['connected', 'closed'],
      ['connected', 'closed'],
    ]);
    expect(gone.pipes).toHaveLength(1);
    expect(heard.clock.pendingCount + gone.clock.pendingCount).toBe(0);
  });

  it('comes at once where there is no connection, and nothing is tried afterwards', async () => {
    const stage = new Stage();
    const connecting = stage.note('connect', stage.connect());
    stage.pipe.hangUp();
    await stage.client.close();
    await connecting;
    expect(stage.order).toEqual(['closed', 'connect Closed']);
    expect(stage.clock.pendingCount).toBe(0);
  });
});
