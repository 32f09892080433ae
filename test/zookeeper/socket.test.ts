import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { createEmbeddedZooKeeper } from '../../src/embedded/index.js';
import * as inPage from '../../src/zookeeper/socket.browser.js';
import { dial, tlsDial } from '../../src/zookeeper/socket.js';
import type { Address, Dial, Transport, TransportEvents } from '../../src/zookeeper/transport.js';
import { wireClient } from '../../src/zookeeper/wire-client.js';

const servers: net.Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, 'close');
  }
});

async function listening(server: net.Server): Promise<Address> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { host: '127.0.0.1', port: (server.address() as net.AddressInfo).port };
}

const silent: TransportEvents = { opened() {}, received() {}, closed() {} };

/** A connection that is open. */
function opened(
  address: Address,
  events: Partial<TransportEvents> = {},
  using: Dial = dial,
): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const transport = using(address, {
      ...silent,
      closed: reject,
      ...events,
      opened: () => {
        resolve(transport);
      },
    });
  });
}

/** TLS with a key that both sides know needs no certificate. */
const sharedKey = {
  ciphers: 'PSK-AES128-GCM-SHA256',
  maxVersion: 'TLSv1.2',
} as const;
const key = new Uint8Array(16).fill(5);

describe('a socket', () => {
  it('keeps what it reads apart from what another one reads', async () => {
    const address = await listening(
      net.createServer((socket) => {
        socket.on('data', (asked) => socket.write(Buffer.alloc(200_000, asked)));
      }),
    );
    const heard = ['a', 'b'].map(async (letter) => {
      let text = '';
      let all: () => void = () => undefined;
      const whole = new Promise<void>((resolve) => {
        all = resolve;
      });
      const transport = await opened(address, {
        received: (bytes) => {
          text += Buffer.from(bytes).toString();
          if (text.length === 200_000) all();
        },
        closed: () => undefined,
      });
      transport.write(Buffer.from(letter));
      await whole;
      transport.destroy();
      return text === letter.repeat(200_000);
    });
    expect(await Promise.all(heard)).toEqual([true, true]);
  });

  it('is not made of one that could be used once', () => {
    expect(() => tlsDial({ socket: new net.Socket() })).toThrow(
      expect.objectContaining({
        code: 'BadArguments',
        message: expect.stringContaining('tls.socket') as string,
      }),
    );
  });

  it('sends all that is written within a turn, and what answers set off in it, in one piece', async () => {
    const chunks: Buffer[] = [];
    const server = net.createServer((socket) => {
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.on('end', () => socket.end());
    });
    const address = await listening(server);
    const accepted = once(server, 'connection');
    const transport = await opened(address);
    const [socket] = (await accepted) as [net.Socket];
    transport.write(Uint8Array.of(1));
    transport.write(Uint8Array.of(2));
    void Promise.resolve().then(() => {
      transport.write(Uint8Array.of(3));
    });
    await once(socket, 'data');
    expect(chunks.map((chunk) => [...chunk])).toEqual([[1, 2, 3]]);
    transport.destroy();
  });

  it('hands over plain bytes, tells once that the peer has ended, and nothing after that', async () => {
    const address = await listening(net.createServer((socket) => socket.end('hello')));
    const told: unknown[] = [];
    const cause = await new Promise<Error>((resolve) => {
      dial(address, {
        opened: () => told.push('opened'),
        received: (bytes) => told.push(Object.getPrototypeOf(bytes) === Uint8Array.prototype),
        closed: resolve,
      });
    });
    expect(told).toEqual(['opened', true]);
    expect(cause.message).toBe('the peer closed the connection');
  });

  it('that is destroyed tells nothing, and takes no more bytes', async () => {
    const server = net.createServer();
    const address = await listening(server);
    const ended = new Promise((resolve) => {
      server.once('connection', (socket) => socket.resume().once('close', resolve));
    });
    const told: string[] = [];
    const transport = await opened(address, { closed: () => told.push('closed') });
    transport.write(Uint8Array.of(1));
    transport.destroy();
    transport.write(Uint8Array.of(2));
    await ended;
    expect(told).toEqual([]);
  });

  it('tells why nobody could be reached', async () => {
    const server = net.createServer();
    const address = await listening(server);
    server.close();
    await expect(opened(address)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    servers.length = 0;
  });
});

describe('TLS', () => {
  it('carries a session, encrypted, with the options given', async () => {
    const embedded = await createEmbeddedZooKeeper();
    const server = tls.createServer({ ...sharedKey, pskCallback: () => key }, (secured) => {
      const plain = net.connect(embedded.port ?? 0, '127.0.0.1');
      secured.pipe(plain).pipe(secured);
      for (const socket of [secured, plain]) socket.on('error', () => secured.destroy());
    });
    const { host, port } = await listening(server);
    const options = {
      ...sharedKey,
      pskCallback: () => ({ psk: key, identity: 'holdfast' }),
      checkServerIdentity: () => undefined,
    };
    const client = wireClient(tlsDial(options))({
      connectString: `${host}:${port}`,
      sessionTimeoutMs: 10_000,
      maxReplyBytes: 65_536,
      auth: [],
      clock: systemClock,
      random: () => 0,
    });
    await client.connect({ deadlineMs: 10_000 });
    expect((await client.create('/a', Uint8Array.of(1))).path).toBe('/a');
    await client.close();
    await embedded.close();
  });

  it('is not spoken with a server that shows no certificate', async () => {
    const server = tls.createServer({ ...sharedKey, pskCallback: () => key });
    server.on('tlsClientError', () => undefined);
    await expect(opened(await listening(server), {}, tlsDial({}))).rejects.toBeInstanceOf(Error);
  });
});

describe('in a page', () => {
  it('no connection is opened, and the reason says what to do', () => {
    const words = 'a browser opens no TCP connections; give Session a client';
    expect(() => inPage.dial({ host: 'a', port: 1 }, silent)).toThrow(words);
    expect(() => inPage.tlsDial({})({ host: 'a', port: 1 }, silent)).toThrow(words);
  });
});
