/** How an identity is proved on one connection: what is sent first, and what answers each answer. No I/O. */
import type { ClientOptions } from './client.js';
import { isBytes, JuteWriter } from './jute.js';
import { AuthRequest, opcode, reservedXid, SaslToken } from './records.js';
import type { Operation } from './request.js';
import { SaslDigest, saslFault } from './sasl-digest.js';

export type ClientIdentity = ClientOptions['auth'][number];

/**
 * The scheme that stands for SASL DIGEST-MD5, and for whom it proves in an ACL. Every other scheme is sent to the
 * server as it is, credentials included.
 */
const SASL = 'sasl';

/** An authentication about to begin. Its operation decodes every answer to the next frame, or to nothing when it is done. */
export interface Proof {
  readonly operation: Operation;
  readonly frame: Uint8Array;
}

/** Begins anew: a proof is good for one connection. */
export function beginProof({ scheme, auth }: ClientIdentity, random: () => number): Proof {
  if (scheme !== SASL) {
    const operation = { name: 'addAuth', type: opcode.auth, decode: () => undefined };
    return {
      operation,
      frame: frameOf(opcode.auth, (writer) => {
        AuthRequest.write(writer, { type: 0, scheme, auth });
      }),
    };
  }
  const exchange = new SaslDigest(auth, random);
  const frame = (token: Uint8Array): Uint8Array =>
    frameOf(opcode.sasl, (writer) => {
      SaslToken.write(writer, { token });
    });
  const operation: Operation = {
    name: 'addAuth',
    type: opcode.sasl,
    decode: (reader) => {
      const answer = exchange.answer(SaslToken.read(reader).token);
      return answer === undefined ? undefined : frame(answer);
    },
  };
  return { operation, frame: frame(new Uint8Array(0)) };
}

/** Why these identities cannot be proved together; secrets are not repeated. */
export function identitiesFault(identities: readonly ClientIdentity[]): string | undefined {
  for (const [index, { scheme, auth }] of identities.entries()) {
    if (typeof scheme !== 'string' || !isBytes(auth))
      return `auth ${index} is not like { scheme: "digest", auth: <Uint8Array of "user:password"> }`;
    const fault = scheme === SASL ? saslFault(auth) : undefined;
    if (fault !== undefined) return `auth ${index} (sasl) ${fault}`;
  }
  return identities.filter(({ scheme }) => scheme === SASL).length > 1
    ? 'auth has more than one identity for "sasl"; a connection proves one'
    : undefined;
}

/** A server answers SASL under whichever id it was asked: under that of authentication it keeps their order. */
function frameOf(type: number, body: (writer: JuteWriter) => void): Uint8Array {
  const writer = new JuteWriter();
  writer.int32(reservedXid.auth);
  writer.int32(type);
  body(writer);
  return writer.toFrame();
}
