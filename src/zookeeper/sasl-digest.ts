/**
 * The client's side of SASL DIGEST-MD5 (RFC 2831) as ZooKeeper speaks it: an empty token, a challenge, a response,
 * and the server's own proof that it knows the password. No I/O.
 */
import { ZooKeeperError } from './errors.js';
import { md5 } from './md5.js';

/** What ZooKeeper's servers call themselves, whichever host they run on (ZooKeeperSaslServer). */
const DIGEST_URI = 'zookeeper/zk-sasl-md5';
const NONCE_BYTES = 16;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One exchange on one connection. */
export class SaslDigest {
  readonly #user: string;
  readonly #password: string;
  readonly #random: () => number;
  /** What the server must say to have proved itself; undefined until its challenge was answered. */
  #expected: string | undefined;

  /** `credentials` are the bytes of `user:password`; `random`, a number in [0, 1), makes the client's nonce. */
  constructor(credentials: Uint8Array, random: () => number) {
    const text = decoder.decode(credentials);
    const colon = text.indexOf(':');
    this.#user = text.slice(0, colon);
    this.#password = text.slice(colon + 1);
    this.#random = random;
  }

  /**
   * What to answer to the server's token; `undefined` when both have proved themselves.
   * @throws ZooKeeperError `AuthFailed` when the server offers nothing to answer, or does not know the password.
   */
  answer(token: Uint8Array): Uint8Array | undefined {
    if (token.length === 0)
      throw refused('the server offers no SASL; it needs a JAAS section "Server" with a DigestLoginModule');
    const said = directives(decoder.decode(token));
    if (this.#expected === undefined) return encoder.encode(this.#respond(said));
    if (said.get('rspauth') !== this.#expected)
      throw refused('the server did not prove that it knows the password');
    return undefined;
  }

  #respond(challenge: ReadonlyMap<string, string>): string {
    const nonce = challenge.get('nonce') ?? '';
    const qualities = (challenge.get('qop') ?? 'auth').split(',').map((quality) => quality.trim());
    if (nonce === '' || challenge.get('algorithm') !== 'md5-sess' || !qualities.includes('auth')) {
      throw refused(
        'the server offers another kind of SASL; DIGEST-MD5 with qop "auth" is what is spoken here',
      );
    }
    const realm = challenge.get('realm') ?? '';
    const clientNonce = hex(Uint8Array.from({ length: NONCE_BYTES }, () => Math.trunc(this.#random() * 256)));
    const known = md5(joined(narrow(this.#user), colon, narrow(realm), colon, narrow(this.#password)));
    const session = hex(md5(joined(known, encoder.encode(`:${nonce}:${clientNonce}`))));
    const proof = (action: string): string => {
      const target = hex(md5(encoder.encode(`${action}:${DIGEST_URI}`)));
      return hex(md5(encoder.encode(`${session}:${nonce}:00000001:${clientNonce}:auth:${target}`)));
    };
    this.#expected = proof('');
    return [
      'charset=utf-8',
      `username=${quoted(this.#user)}`,
      `realm=${quoted(realm)}`,
      `nonce=${quoted(nonce)}`,
      'nc=00000001',
      `cnonce=${quoted(clientNonce)}`,
      `digest-uri=${quoted(DIGEST_URI)}`,
      `response=${proof('AUTHENTICATE')}`,
      'qop=auth',
    ].join(',');
  }
}

/** Why these bytes are no SASL credentials; they are not repeated. */
export function saslFault(credentials: Uint8Array): string | undefined {
  return credentials.indexOf(0x3a) > 0 ? undefined : 'is not "user:password", with a user';
}

function refused(detail: string): ZooKeeperError {
  return new ZooKeeperError('AuthFailed', 'addAuth', undefined, { detail: `sasl: ${detail}` });
}

/** RFC 2831, 7.1: `name=value` or `name="quoted value"`, separated by commas; the first of a name counts. */
function directives(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', quotedValue, value = ''] of text.matchAll(
    /([a-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^,"\s]*))/gs,
  )) {
    if (!found.has(name)) found.set(name, quotedValue?.replace(/\\(.)/gs, '$1') ?? value);
  }
  return found;
}

function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}

const colon = Uint8Array.of(0x3a);

/** RFC 2831, 2.1.2.1: what fits ISO 8859-1 is hashed as that, the rest as UTF-8. */
function narrow(text: string): Uint8Array {
  const codes = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  return codes.every((code) => code <= 0xff) ? Uint8Array.from(codes) : encoder.encode(text);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
