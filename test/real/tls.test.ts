/** TLS to a real ZooKeeper, certificates on both sides: who is let in, who is not, and that nobody waits for ever. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connect, type Session } from '../../src/index.js';
import type { TlsOptions } from '../../src/zookeeper/client.js';
import { stage } from '../cli/stage.js';
import { type Certificate, withAuthority } from '../setup/certificates.js';
import { type RealZooKeeper, startRealZooKeeper } from '../setup/real-zookeeper.js';
import { freePorts } from '../setup/zookeeper-process.js';

let trusted: string;
let unrelated: string;
let alice: Certificate;
let stranger: Certificate;
const servers: RealZooKeeper[] = [];

/** A server that shows `certificate`, and asks every client for one of the trusted authority's. */
async function secured(certificate: Certificate): Promise<string> {
  const [port = 0] = await freePorts(1);
  servers.push(
    await startRealZooKeeper({
      files: { 'server.pem': certificate.key + certificate.cert, 'trusted.pem': trusted },
      config: {
        secureClientPort: port,
        secureClientPortAddress: '127.0.0.1',
        serverCnxnFactory: 'org.apache.zookeeper.server.NettyServerCnxnFactory',
        'ssl.clientAuth': 'need',
        'ssl.keyStore.location': 'server.pem',
        'ssl.keyStore.type': 'PEM',
        'ssl.trustStore.location': 'trusted.pem',
        'ssl.trustStore.type': 'PEM',
      },
    }),
  );
  return `127.0.0.1:${String(port)}`;
}

let right: string;
let wrongName: string;
let wrongAuthority: string;
/** Enough for several attempts, however slow this machine is: a refusal is told when it has passed. */
let refusalBoundMs = 30_000;

beforeAll(async () => {
  await withAuthority('an unrelated authority', async (other) => {
    unrelated = other.cert;
    stranger = await other.issue('stranger');
    const impostor = await other.issue('zookeeper', 'IP:127.0.0.1');
    await withAuthority('the trusted authority', async (authority) => {
      trusted = authority.cert;
      alice = await authority.issue('alice');
      const named = await authority.issue('zookeeper', 'IP:127.0.0.1', 'DNS:localhost');
      const misnamed = await authority.issue('zookeeper', 'DNS:elsewhere.example');
      [right, wrongName, wrongAuthority] = await Promise.all([
        secured(named),
        secured(misnamed),
        secured(impostor),
      ]);
    });
  });
  const connected = async (server: string, tls: TlsOptions): Promise<void> => {
    await using session = open(server, { ...alice, ...tls });
    await (await session.lock('/locks/tls').acquire()).release();
  };
  // A server's first handshake is its slowest, by seconds on a busy machine.
  await Promise.all([
    connected(right, { ca: trusted }),
    connected(wrongName, { ca: trusted, servername: 'elsewhere.example' }),
    connected(wrongAuthority, { ca: unrelated }),
  ]);
  const startedMs = performance.now();
  await connected(right, { ca: trusted });
  refusalBoundMs = Math.min(30_000, Math.max(2_000, 10 * (performance.now() - startedMs)));
}, 120_000);

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

function open(connectString: string, tls: TlsOptions | undefined, connectTimeoutMs = 30_000): Session {
  return connect(connectString, {
    sessionTimeoutMs: 4_000,
    connectTimeoutMs,
    ...(tls === undefined ? {} : { tls }),
  });
}

/** The reason why no lock could be had; there must be one within the connect timeout and a little more. */
async function refusal(connectString: string, tls: TlsOptions | undefined): Promise<unknown> {
  await using session = open(connectString, tls, refusalBoundMs);
  const failure: unknown = await session
    .lock('/locks/tls')
    .acquire()
    .then(
      () => 'it was let in',
      (error: unknown) => error,
    );
  expect(failure).toMatchObject({
    code: 'CONNECTION_FAILED',
    cause: { code: 'OperationTimeout', cause: expect.any(Error) as Error },
  });
  return (failure as { cause: Error }).cause.cause;
}

// Side by side: most of them wait for a connect timeout.
describe.concurrent('with TLS', () => {
  it('a client that shows a trusted certificate, to a server that shows one, has its lock', async () => {
    await using session = open(right, { ca: trusted, ...alice });
    const lease = await session.lock('/locks/tls').acquire();
    expect(lease.fencingToken).toBeGreaterThan(0n);
    await lease.release();
  });

  it('the server may be known by name', async () => {
    const byName = right.replace('127.0.0.1', 'localhost');
    await using session = open(byName, { ca: trusted, ...alice });
    const lease = await session.lock('/locks/tls').acquire();
    await lease.release();
  });

  it('the name to be shown may be another than the one that is dialled', async () => {
    const options = { ca: trusted, ...alice, servername: 'elsewhere.example' };
    await using session = open(wrongName, options);
    const lease = await session.lock('/locks/tls').acquire();
    await lease.release();
  });

  it('x509 is an identity that an ACL can name', async () => {
    const acl = [{ permissions: 31, scheme: 'x509', id: 'CN=alice' }];
    await using session = open(right, { ca: trusted, ...alice });
    const lease = await session.lock('/locks/alices', { acl }).acquire();
    await lease.release();
  });

  it('a server whose certificate names somebody else is refused', async () => {
    expect(await refusal(wrongName, { ca: trusted, ...alice })).toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  it('a server that an unknown authority vouches for is refused', async () => {
    expect(await refusal(wrongAuthority, { ca: trusted, ...alice })).toMatchObject({
      code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    });
  });

  it('a client that trusts nobody in particular trusts the usual authorities, and not this one', async () => {
    expect(await refusal(right, { ...alice })).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });

  it('a client without a certificate is not let in by the server', async () => {
    expect(await refusal(right, { ca: trusted })).toBeInstanceOf(Error);
  });

  it('a client that an unknown authority vouches for is not let in by the server', async () => {
    expect(await refusal(right, { ca: [trusted, unrelated], ...stranger })).toBeInstanceOf(Error);
  });

  it('a client that does not speak it at all is not let in', async () => {
    expect(await refusal(right, undefined)).toBeInstanceOf(Error);
  });

  it('a server that does not speak it is refused', async () => {
    const plain = servers[0]?.connectString ?? '';
    expect(await refusal(plain, { ca: trusted, ...alice })).toBeInstanceOf(Error);
  });

  it('options that no server could accept are refused at once, and the key is not repeated', () => {
    const key = alice.key.replace('BEGIN', 'BEGUN');
    expect(() => open(right, { ca: trusted, cert: alice.cert, key })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', cause: expect.any(Error) as Error }),
    );
  });
});

describe('the command line with TLS', () => {
  it('connects with the files of --tls-ca, --tls-cert and --tls-key, or a certificate and key in one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-tls-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const texts = { ca: trusted, cert: alice.cert, key: alice.key, both: alice.cert + alice.key };
    for (const [name, text] of Object.entries(texts))
      await writeFile(join(folder, name), text, { mode: 0o600 });
    await using session = open(right, { ca: trusted, ...alice });
    await using lease = await session.lock('/locks/typed').acquire({ owner: 'alice' });
    expect(lease.owner).toBe('alice');
    const on = await stage();
    const trusting = ['list', '/locks', '--connect', right, '--tls-ca', join(folder, 'ca')];
    for (const own of [
      ['--tls-cert', join(folder, 'cert'), '--tls-key', join(folder, 'key')],
      ['--tls-cert', join(folder, 'both')],
    ])
      expect(await on.holdfast([...trusting, ...own]).ended).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/\/locks\/typed +alice/) as string,
      });
    const unusable = await on.holdfast([...trusting, '--tls-cert', join(folder, 'cert')]).ended;
    expect(unusable.code).toBe(64);
    expect(unusable.stderr).not.toContain('BEGIN');
  });
});
