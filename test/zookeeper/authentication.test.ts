/** Identities on the wire: proved before anything else, on every connection, and refused with a reason. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClientOptions } from '../../src/zookeeper/client.js';
import { md5 } from '../../src/zookeeper/md5.js';
import { opcode, reservedXid, SaslToken } from '../../src/zookeeper/records.js';
import { SaslDigest, saslFault } from '../../src/zookeeper/sasl-digest.js';
import { type Pipe, Stage } from './scripted-peer.js';

const encoder = new TextEncoder();
const bytesOf = (text: string): Uint8Array => encoder.encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const hash = (...parts: (string | Uint8Array)[]): Buffer =>
  parts.reduce((sum, part) => sum.update(part), createHash('md5')).digest();

const CHALLENGE = 'realm="zk-sasl-md5",nonce="n+/=",charset=utf-8,algorithm=md5-sess';

/** What a server that knows the password makes of a response, computed another way than the client does. */
function judge(response: string, user: Buffer, password: Buffer): { proved: boolean; rspauth: string } {
  const part = (name: string): string =>
    new RegExp(`(?:^|,)${name}="?((?:[^",\\\\]|\\\\.)*)"?`).exec(response)?.[1] ?? '';
  const known = hash(user, ':', part('realm'), ':', password);
  const session = hash(known, ':', part('nonce'), ':', part('cnonce')).toString('hex');
  const proof = (action: string): string =>
    hash(
      `${session}:${part('nonce')}:${part('nc')}:${part('cnonce')}:${part('qop')}:`,
      hash(`${action}:${part('digest-uri')}`).toString('hex'),
    ).toString('hex');
  return { proved: part('response') === proof('AUTHENTICATE'), rspauth: `rspauth=${proof('')}` };
}

/** The server's side of the exchange. */
const sayToken = (pipe: Pipe, token: string): void => {
  pipe.reply(reservedXid.auth, {
    body: (writer) => {
      SaslToken.write(writer, { token: bytesOf(token) });
    },
  });
};
const lastToken = (pipe: Pipe): string => {
  const request = pipe.requests.at(-1);
  expect(request).toMatchObject({ type: opcode.sasl });
  return request === undefined ? '' : textOf(SaslToken.read(request.body).token);
};
const prove = (pipe: Pipe, user: string, password: string): void => {
  sayToken(pipe, CHALLENGE);
  const { proved, rspauth } = judge(lastToken(pipe), Buffer.from(user), Buffer.from(password));
  expect(proved).toBe(true);
  sayToken(pipe, rspauth);
};

const sasl = (credentials: string): ClientOptions['auth'] => [{ scheme: 'sasl', auth: bytesOf(credentials) }];

describe('MD5', () => {
  it('is what Node says it is, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(Buffer.from(md5(bytes)).equals(hash(bytes))).toBe(true);
      }),
    );
  });
});

describe('SASL DIGEST-MD5', () => {
  it('answers the challenge of RFC 2831 with a proof that a server can check, whatever the names are', () => {
    const name = fc.string({
      unit: fc.constantFrom('a', 'b', 'ä', 'ÿ', '€', '名', ' ', '"', '\\', ',', '='),
    });
    fc.assert(
      fc.property(name, name, (user, password) => {
        const exchange = new SaslDigest(bytesOf(`u${user}:${password}`), () => 0.3);
        const response = textOf(exchange.answer(bytesOf(CHALLENGE)) as Uint8Array);
        const narrow = (text: string): Buffer =>
          Buffer.from(text, /[^\p{ASCII}\u00a0-\u00ff]/u.test(text) ? 'utf8' : 'latin1');
        const { proved, rspauth } = judge(response, narrow(`u${user}`), narrow(password));
        expect(proved).toBe(true);
        expect(exchange.answer(bytesOf(rspauth))).toBeUndefined();
      }),
    );
  });

  it('never sends the password', () => {
    const exchange = new SaslDigest(bytesOf('ann:hunter2'), () => 0.3);
    expect(textOf(exchange.answer(bytesOf(CHALLENGE)) as Uint8Array)).not.toContain('hunter2');
  });

  it('takes another nonce each time', () => {
    const responses = [0.1, 0.2].map((chance) =>
      textOf(new SaslDigest(bytesOf('ann:a'), () => chance).answer(bytesOf(CHALLENGE)) as Uint8Array),
    );
    expect(responses[0]).not.toBe(responses[1]);
  });

  it('is refused, typed, by whatever a server says that is no challenge or no proof', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constant(CHALLENGE)), { maxLength: 3 }), (tokens) => {
        const exchange = new SaslDigest(bytesOf('ann:a'), () => 0.3);
        try {
          for (const token of tokens) expect(exchange.answer(bytesOf(token))).toBeInstanceOf(Uint8Array);
        } catch (error) {
          expect(error).toMatchObject({ code: 'AuthFailed' });
        }
      }),
    );
  });

  it.each([
    ['', 'no SASL'],
    ['nonce="n",algorithm=md5', 'another kind'],
    ['nonce="n",algorithm=md5-sess,qop="auth-conf"', 'another kind'],
    ['algorithm=md5-sess', 'another kind'],
  ])('is refused when the server says %j, with the reason', (challenge, words) => {
    const exchange = new SaslDigest(bytesOf('ann:a'), () => 0.3);
    expect(() => exchange.answer(bytesOf(challenge))).toThrow(words);
  });

  it('needs a user', () => {
    expect(saslFault(bytesOf('hunter2'))).toBe('is not "user:password", with a user');
    expect(saslFault(bytesOf(':hunter2'))).toBeDefined();
    expect(saslFault(bytesOf('ann:'))).toBeUndefined();
  });
});

describe('a client with an identity', () => {
  it('asks nothing, and counts as connected, only when both sides have proved themselves', async () => {
    const stage = new Stage({ auth: sasl('ann:hunter2') });
    const connecting = stage.connect();
    stage.pipe.accept();
    expect(lastToken(stage.pipe)).toBe('');
    expect(stage.client.state.kind).toBe('connecting');
    await expect(stage.client.exists('/a')).rejects.toMatchObject({ code: 'NotSent' });
    prove(stage.pipe, 'ann', 'hunter2');
    await connecting;
    expect(stage.pipe.requests.map(({ type }) => type)).toEqual([opcode.sasl, opcode.sasl]);
    await stage.clock.until(stage.client.close());
  });

  it('proves all identities, in their order, and waits for all', async () => {
    const stage = new Stage({ auth: [...sasl('ann:a'), { scheme: 'digest', auth: bytesOf('bob:b') }] });
    const connecting = stage.connect();
    stage.pipe.accept();
    expect(stage.pipe.requests.map(({ type }) => type)).toEqual([opcode.sasl, opcode.auth]);
    sayToken(stage.pipe, CHALLENGE);
    const { rspauth } = judge(lastToken(stage.pipe), Buffer.from('ann'), Buffer.from('a'));
    stage.pipe.reply(reservedXid.auth);
    await stage.settle();
    expect(stage.client.state.kind).toBe('connecting');
    sayToken(stage.pipe, rspauth);
    await connecting;
    await stage.clock.until(stage.client.close());
  });

  it('proves it anew on every connection, before the watches and everything else', async () => {
    const stage = new Stage({ auth: sasl('ann:a') });
    const connecting = stage.connect();
    stage.pipe.accept();
    prove(stage.pipe, 'ann', 'a');
    await connecting;
    const reading = stage.client.exists('/a', () => undefined);
    stage.pipe.reply(1, { error: -101 });
    await reading;
    stage.pipe.hangUp();
    await stage.settle();
    await stage.clock.advance(100);
    stage.pipe.accept();
    expect(stage.pipe.requests.map(({ type }) => type)).toEqual([opcode.sasl]);
    expect(stage.client.state.kind).toBe('suspended');
    prove(stage.pipe, 'ann', 'a');
    expect(stage.pipe.requests.map(({ type }) => type)).toEqual([
      opcode.sasl,
      opcode.sasl,
      opcode.setWatches,
    ]);
    stage.pipe.hangUp();
    void stage.client.close();
    await stage.settle();
  });

  it.each([
    [
      'AuthFailed',
      (pipe: Pipe) => {
        pipe.reply(reservedXid.auth, { error: -115 });
      },
    ],
    [
      'SessionClosedRequireAuth',
      (pipe: Pipe) => {
        pipe.reply(reservedXid.auth, { error: -124 });
      },
    ],
    [
      'AuthFailed',
      (pipe: Pipe) => {
        pipe.reply(reservedXid.auth, { error: -6 });
      },
    ],
    [
      'AuthFailed',
      (pipe: Pipe) => {
        sayToken(pipe, '');
      },
    ],
    [
      'AuthFailed',
      (pipe: Pipe) => {
        sayToken(pipe, CHALLENGE);
        sayToken(pipe, 'rspauth=00');
      },
    ],
  ])('is lost with %s when it is refused, and does not try again (%#)', async (code, refuse) => {
    const stage = new Stage({ auth: sasl('ann:hunter2') });
    const connecting = stage.connect();
    stage.pipe.accept();
    refuse(stage.pipe);
    await expect(connecting).rejects.toMatchObject({ code });
    expect(stage.states.at(-1)).toMatchObject({ kind: 'lost', reason: 'authFailed', cause: { code } });
    expect(JSON.stringify(stage.states)).not.toContain('hunter2');
    expect(stage.pipes).toHaveLength(1);
    expect(stage.clock.pendingCount).toBe(0);
  });

  it('takes an answer that is no token for a broken connection, not for a refusal', async () => {
    const stage = new Stage({ auth: sasl('ann:a') });
    void stage.connect();
    stage.pipe.accept();
    stage.pipe.reply(reservedXid.auth, {
      body: (writer) => {
        writer.int32(1_000);
      },
    });
    await stage.clock.advance(100);
    expect(stage.client.state.kind).toBe('connecting');
    expect(stage.pipes.length).toBe(2);
    await stage.clock.until(stage.client.close());
  });

  it('may add one later; it counts for the next connections too', async () => {
    const stage = await new Stage().connected();
    const adding = stage.client.addAuth('sasl', bytesOf('ann:a'));
    prove(stage.pipe, 'ann', 'a');
    await adding;
    await expect(stage.client.addAuth('sasl', bytesOf('bob:b'))).rejects.toThrow('a connection proves one');
    stage.pipe.hangUp();
    await stage.clock.advance(100);
    stage.pipe.accept();
    expect(lastToken(stage.pipe)).toBe('');
    void stage.client.close();
    stage.pipe.hangUp();
    await stage.settle();
  });

  it('notices that the answer to an identity was lost', async () => {
    const stage = await new Stage().connected();
    const adding = stage.client.addAuth('digest', bytesOf('ann:a'));
    adding.catch(() => undefined);
    const { pipe } = stage;
    let answered = 0;
    for (let quarter = 0; quarter < 8; quarter += 1) {
      await stage.clock.advance(3_000);
      const pinged = pipe.requests.filter(({ type }) => type === opcode.ping).length;
      for (; answered < pinged; answered += 1) pipe.reply(reservedXid.ping);
    }
    expect(pipe.destroyed).toBe(true);
    await expect(adding).rejects.toMatchObject({ code: 'ConnectionLoss' });
    void stage.client.close();
    await stage.settle();
  });
});
