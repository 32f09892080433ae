import { describe, expect, it } from 'vitest';
import type { JuteWriter } from '../../src/zookeeper/jute.js';
import { opcode, reservedXid } from '../../src/zookeeper/records.js';
import { Stage, statBody } from './scripted-peer.js';

describe('request numbers', () => {
  it('begin again at 1 after the largest', async () => {
    const stage = await new Stage({}, 2_147_483_646).connected();
    const readings = Array.from({ length: 3 }, () => stage.client.exists('/a'));
    const xids = stage.pipe.requests.map(({ xid }) => xid);
    expect(xids).toEqual([2_147_483_646, 2_147_483_647, 1]);
    for (const xid of xids) stage.pipe.reply(xid, { body: statBody });
    await Promise.all(readings);
  });
});

describe('a state that fails requests is told before they are', () => {
  it('when the connection goes, in the order of their issue', async () => {
    const stage = await new Stage().connected();
    const notes = ['first', 'second'].map((name) => stage.note(name, stage.client.exists('/a')));
    stage.pipe.hangUp();
    notes.push(stage.note('third', stage.client.exists('/a')));
    await Promise.all(notes);
    expect(stage.order).toEqual([
      'connected',
      'suspended',
      'first ConnectionLoss',
      'second ConnectionLoss',
      'third NotSent',
    ]);
  });

  it.each([
    ['expired', -112, 'SessionExpired'],
    ['moved', -118, 'SessionMoved'],
  ])('when the server answers that the session is %s', async (_, error, code) => {
    const stage = await new Stage().connected();
    const note = stage.note('exists', stage.client.exists('/a'));
    stage.pipe.reply(1, { error });
    await note;
    expect(stage.order).toEqual(['connected', 'suspended', `exists ${code}`]);
    expect(stage.pipes[0]?.destroyed).toBe(true);
  });

  it('when the server asks for an identity it was not given', async () => {
    const stage = await new Stage().connected();
    const note = stage.note('create', stage.client.create('/a', new Uint8Array(0)));
    stage.pipe.reply(1, { error: -124 });
    await note;
    expect(stage.order).toEqual(['connected', 'lost', 'create SessionClosedRequireAuth']);
    expect(stage.client.state).toMatchObject({ reason: 'authFailed' });
  });

  it('when an answer cannot be read', async () => {
    const stage = await new Stage().connected();
    const note = stage.note('exists', stage.client.exists('/a'));
    stage.pipe.reply(1);
    await note;
    expect(stage.order).toEqual(['connected', 'suspended', 'exists ConnectionLoss']);
    expect(stage.states[1]).toMatchObject({ cause: { code: 'ProtocolViolation' } });
  });

  it('when the session ends with requests outstanding', async () => {
    const stage = await new Stage().connected();
    const notes = [
      stage.note('exists', stage.client.exists('/a')),
      stage.note('close', stage.client.close()),
    ];
    stage.pipe.hangUp();
    await Promise.all(notes);
    expect(stage.order).toEqual(['connected', 'closed', 'exists SessionEnded', 'close done']);
  });
});

describe('an answer larger than allowed', () => {
  const listing = (writer: JuteWriter): void => {
    writer.int32(20_000);
    for (let child = 0; child < 20_000; child += 1) writer.string(`child-${child}`);
  };

  it('is read past and refused, and the connection kept', async () => {
    const stage = await new Stage({ maxReplyBytes: 1_000 }).connected();
    const [listed, after] = [stage.client.getChildren('/a'), stage.client.exists('/a')];
    stage.pipe.reply(1, { body: listing });
    stage.pipe.reply(2, { body: statBody });
    await expect(listed).rejects.toMatchObject({ code: 'ReplyTooLarge', path: '/a' });
    await expect(after).resolves.toMatchObject({ czxid: 1n });
    expect(stage.kinds).toEqual(['connected']);
  });
});

describe('a peer that is no ZooKeeper server', () => {
  const text = (words: string): Uint8Array => new TextEncoder().encode(words);

  it.each([
    ['speaks HTTP', text('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')],
    ['speaks TLS', Uint8Array.of(0x15, 3, 3, 0, 2, 2, 0x46, ...new Uint8Array(20))],
    ['claims a negative length', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3)],
    ['sends an empty message', new Uint8Array(4)],
  ])('and %s is left, and named as the reason when the deadline passes', async (_, bytes) => {
    const stage = new Stage();
    const connecting = stage.connect(40);
    stage.pipe.open();
    stage.pipe.say(bytes);
    expect(stage.pipes[0]?.destroyed).toBe(true);
    await stage.clock.advance(40);
    await expect(connecting).rejects.toMatchObject({
      code: 'OperationTimeout',
      outcome: 'notApplied',
      cause: { code: 'ProtocolViolation' },
    });
    expect(stage.clock.pendingCount).toBe(0);
  });

  it.each([
    ['answers what was not asked', 99],
    ['answers out of order', 2],
    ['answers a ping that was not sent', reservedXid.ping],
    ['takes an identity that was not given', reservedXid.auth],
  ])('and %s is not believed', async (_, xid) => {
    const stage = await new Stage().connected();
    const notes = ['one', 'two'].map((name) => stage.note(name, stage.client.exists('/a')));
    stage.pipe.reply(xid, { body: statBody });
    await Promise.all(notes);
    expect(stage.order).toEqual(['connected', 'suspended', 'one ConnectionLoss', 'two ConnectionLoss']);
    expect(stage.states[1]).toMatchObject({ cause: { code: 'ProtocolViolation' } });
  });
});

describe('what cannot be meant', () => {
  it.each([
    [{ connectString: '' }, 'names no host'],
    [{ connectString: 'a:99999' }, '"99999"'],
    [{ sessionTimeoutMs: Number.NaN }, 'sessionTimeoutMs is NaN'],
    [{ maxReplyBytes: 3 }, 'maxReplyBytes is 3'],
  ])('is refused when the client is made: %j', (options, words) => {
    expect(() => new Stage(options)).toThrow(words);
  });

  it('is refused when a deadline is no number', async () => {
    const stage = new Stage();
    await expect(stage.client.connect({ deadlineMs: Number.NaN })).rejects.toMatchObject({
      code: 'BadArguments',
    });
    await expect(stage.client.close({ deadlineMs: -1 })).rejects.toMatchObject({ code: 'BadArguments' });
    expect(stage.pipes).toHaveLength(0);
  });

  it('is not sent', async () => {
    const stage = await new Stage().connected();
    await expect(stage.client.setData('/a', new Uint8Array(0), 1.5)).rejects.toMatchObject({
      code: 'BadArguments',
    });
    const bad = [{ type: 'check', path: '/a' } as const, { type: 'delete', path: 'b' } as const];
    await expect(stage.client.multi(bad)).rejects.toMatchObject({ code: 'BadArguments', failedIndex: 1 });
    expect(stage.pipe.requests).toHaveLength(0);
  });
});

describe('a create', () => {
  it.each([
    ['persistent', opcode.create2],
    ['ephemeralSequential', opcode.create2],
    ['container', opcode.createContainer],
  ] as const)('of a node that is %s has its own request type', async (mode, type) => {
    const stage = await new Stage().connected();
    void stage.client.create('/a', new Uint8Array(0), { mode }).catch(() => undefined);
    expect(stage.pipe.requests).toMatchObject([{ xid: 1, type }]);
  });
});
