import { describe, expect, test } from 'vitest';
import { createEmbeddedZooKeeper } from '../../src/embedded/index.js';
import { listen } from '../../src/embedded/listener.browser.js';
import { opcode } from '../../src/zookeeper/records.js';
import { NO_DATA, tcpClient } from './connected-client.js';
import { askWord, RawPeer } from './raw-peer.js';

async function started() {
  const zooKeeper = await createEmbeddedZooKeeper();
  if (zooKeeper.port === undefined) throw new Error('it does not listen');
  return { zooKeeper, port: zooKeeper.port, [Symbol.asyncDispose]: () => zooKeeper.close() };
}

describe('the port', () => {
  test('is a free one on the loopback unless one is named; a taken one is an error', async () => {
    await using first = await started();
    expect(first.zooKeeper.connectString).toBe(`127.0.0.1:${first.port}`);
    await expect(createEmbeddedZooKeeper({ port: first.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test.each([-1, 70_000, 1.5, Number.NaN])('cannot be %s', async (port) => {
    await expect(createEmbeddedZooKeeper({ port })).rejects.toMatchObject({ code: 'BadArguments' });
  });

  test('cannot be had in a page, and says so', async () => {
    const options = { port: 0, host: '', open: () => undefined, answerWord: () => undefined };
    await expect(listen(options)).rejects.toThrow('cannot listen on a port in a browser');
  });

  test('is gone after close(), with every connection on it', async () => {
    const { zooKeeper, port } = await started();
    const peer = new RawPeer(port);
    await peer.handshake();
    await zooKeeper.close();
    await peer.ended;
    await expect(askWord(port, 'ruok')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('on a socket', () => {
  test('frames may come in any pieces, several at once or byte by byte', async () => {
    await using server = await started();
    const peer = new RawPeer(server.port);
    await peer.handshake();
    const sync = (writer: { string(value: string): void }): void => {
      writer.string('/');
    };
    const [one, two, three] = [1, 2, 3].map((xid) => peer.encode(opcode.sync, sync, xid).frame) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    peer.raw(new Uint8Array([...one, ...two]));
    for (const byte of three) peer.raw(new Uint8Array([byte]));
    expect([await peer.reply(), await peer.reply(), await peer.reply()].map((reply) => reply?.xid)).toEqual([
      1, 2, 3,
    ]);
    peer.destroy();
  });

  test('an old client, whose handshake has no read-only flag, is answered without one', async () => {
    await using server = await started();
    const [old, modern] = [new RawPeer(server.port), new RawPeer(server.port)];
    expect(await old.handshake({ old: true })).toMatchObject({ rest: 0 });
    expect(await modern.handshake()).toMatchObject({ rest: 1, timeoutMs: 10_000 });
    for (const peer of [old, modern]) peer.destroy();
  });

  test('an unknown request is answered Unimplemented, and ends the connection', async () => {
    await using server = await started();
    const peer = new RawPeer(server.port);
    await peer.handshake();
    expect(await peer.ask(999)).toMatchObject({ error: -6, zxid: -1n });
    await peer.ended;
  });

  test('a request that is not what its type says is answered MarshallingError, and the connection goes on', async () => {
    await using server = await started();
    const peer = new RawPeer(server.port);
    await peer.handshake();
    for (const type of [opcode.create, opcode.getData, opcode.multi, opcode.setWatches2]) {
      const reply = await peer.ask(type, (writer) => {
        writer.int32(1_000_000);
      });
      expect(reply).toMatchObject({ error: -5 });
    }
    expect(await peer.ask(opcode.ping, undefined, -2)).toMatchObject({ xid: -2, error: 0 });
    peer.destroy();
  });

  test('an identity of an unknown scheme is answered AuthFailed, and ends the connection', async () => {
    await using server = await started();
    const peer = new RawPeer(server.port);
    await peer.handshake();
    const reply = await peer.ask(
      opcode.auth,
      (writer) => {
        writer.int32(0);
        writer.string('kerberos');
        writer.bytes(null);
      },
      -4,
    );
    expect(reply).toMatchObject({ xid: -4, error: -115 });
    await peer.ended;
  });

  test.each([
    ['a request over the limit', new Uint8Array([0x7f, 0, 0, 0, ...new Uint8Array(64)])],
    ['a negative length', new Uint8Array([0xff, 0xff, 0xff, 0xff, 0])],
    ['another protocol', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['a handshake that is none', new Uint8Array([0, 0, 0, 3, 1, 2, 3])],
  ])('%s ends the connection, and nothing else', async (_name, bytes) => {
    await using server = await started();
    const peer = new RawPeer(server.port);
    peer.raw(bytes);
    await peer.ended;
    expect(await askWord(server.port, 'ruok')).toBe('imok');
  });

  test('a client that goes without a word leaves its session, and no watch', async () => {
    await using server = await started();
    const client = await tcpClient(server.zooKeeper.connectString);
    await client.exists('/a', () => undefined);
    const witness = new RawPeer(server.port);
    await witness.handshake();
    expect(server.zooKeeper.watchCount()).toBe(1);
    server.zooKeeper.faults.cut(client.sessionId);
    expect(server.zooKeeper.watchCount()).toBe(0);
    expect(server.zooKeeper.sessions()).toHaveLength(2);
    witness.destroy();
    await client.close();
  });
});

describe('four-letter words', () => {
  test('ruok is answered imok, and the connection ends', async () => {
    await using server = await started();
    expect(await askWord(server.port, 'ruok')).toBe('imok');
    expect(await askWord(server.port, 'isro')).toBe('rw');
  });

  test('srvr and stat tell what a script of the real server’s reads', async () => {
    await using server = await started();
    const client = await tcpClient(server.zooKeeper.connectString);
    const srvr = await askWord(server.port, 'srvr');
    expect(srvr).toMatch(
      /^Zookeeper version: 3\.9\.\d[^ ,]*, built on .*\nLatency min\/avg\/max: 0\/0\.0\/0\n/,
    );
    expect(srvr).toMatch(/\nZxid: 0x1\nMode: standalone\nNode count: 5\n$/);
    expect(await askWord(server.port, 'stat')).toContain('Clients:\n /127.0.0.1');
    await client.close();
  });

  test('mntr tells figures, one a line, name and value apart by a tab', async () => {
    await using server = await started();
    const client = await tcpClient(server.zooKeeper.connectString);
    await client.create('/e', NO_DATA, { mode: 'ephemeral' });
    await client.exists('/e', () => undefined);
    const figures = new Map(
      (await askWord(server.port, 'mntr'))
        .trim()
        .split('\n')
        .map((line) => line.split('\t') as [string, string]),
    );
    expect(figures.get('zk_version')).toMatch(/^3\.9\./);
    expect(Object.fromEntries(figures)).toMatchObject({
      zk_server_state: 'standalone',
      zk_num_alive_connections: '1',
      zk_znode_count: '6',
      zk_watch_count: '1',
      zk_ephemerals_count: '1',
      zk_outstanding_requests: '0',
      zk_packets_received: '3',
      zk_packets_sent: '3',
    });
    expect(Number(figures.get('zk_approximate_data_size'))).toBeGreaterThan(0);
    await client.close();
  });
});
