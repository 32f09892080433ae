/** Where a command connects, how, and as whom: the same options for every command. */
import { readFileSync } from 'node:fs';
import { connect, type Session } from '../session.js';
import type { ConnectOptions } from '../session-options.js';
import type { ClientFactory } from '../zookeeper/client.js';
import { isZooKeeperError } from '../zookeeper/errors.js';
import { nativeClient } from '../zookeeper/native-client.js';
import type { Logger } from '../zookeeper/session-port.js';
import {
  asUsage,
  flag,
  type Io,
  milliseconds,
  type OptionSpec,
  type ParsedCommand,
  text,
  UsageError,
} from './command.js';

/** For every command that connects. */
export const CONNECTION_OPTIONS = {
  connect: {
    type: 'string',
    placeholder: 'host:port,…',
    help: 'the ensemble; default: HOLDFAST_CONNECT, else 127.0.0.1:2181',
  },
  'session-timeout': {
    type: 'string',
    placeholder: 'ms',
    help: 'the session asked for; default: 15000',
  },
  client: {
    type: 'string',
    placeholder: 'wire|native',
    help: 'native: over the npm package zookeeper, which must be installed; default: wire',
  },
  tls: { type: 'boolean', help: 'encrypt, and check the servers; every --tls-… says so as well' },
  'tls-ca': {
    type: 'string',
    placeholder: 'file',
    help: "PEM: who vouches for the servers; default: Node's own authorities",
  },
  'tls-cert': {
    type: 'string',
    placeholder: 'file',
    help: 'PEM: our certificate, where the servers ask for one',
  },
  'tls-key': {
    type: 'string',
    placeholder: 'file',
    help: 'PEM: its key, not encrypted; default: in the file of --tls-cert',
  },
  'auth-file': {
    type: 'string',
    placeholder: 'file',
    help: 'who we are, one a line: sasl:user:password or digest:user:password (digest is sent as it is: use TLS)',
  },
} as const satisfies Record<string, OptionSpec>;

/** Where `--connect`, else `HOLDFAST_CONNECT`, else the default leads. */
export function connectString(parsed: ParsedCommand, io: Io): string {
  return text(parsed, 'connect') ?? (io.env['HOLDFAST_CONNECT'] || '127.0.0.1:2181');
}

/** Tells trouble with the connection on stderr; the rest is silent. */
export function stderrLogger(io: Io): Logger {
  const tell = (message: string) => {
    io.stderr.write(`holdfast: ${message}\n`);
  };
  return { debug() {}, info() {}, warn: tell, error: tell };
}

/** A session as the options ask for. What they cannot mean is a {@link UsageError}. */
export function openSession(parsed: ParsedCommand, io: Io, options: ConnectOptions = {}): Session {
  const sessionTimeoutMs = milliseconds(parsed, 'session-timeout', 1);
  const client = chosenClient(parsed);
  const identity = { ...tlsFrom(parsed), ...authFrom(parsed) };
  return asUsage(() =>
    connect(connectString(parsed, io), {
      logger: stderrLogger(io),
      ...identity,
      ...(client === undefined ? {} : { client }),
      ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
      ...options,
    }),
  );
}

/** Rejects when the session ends because nobody answers or the server refuses who we are. */
export function unreachable(session: Session): Promise<never> {
  const rejecting = new Promise<never>((_, reject) => {
    session.state.subscribe((state) => {
      if (state.kind === 'lost' && (state.reason === 'unreachable' || state.reason === 'authFailed')) {
        reject(state.cause instanceof Error ? state.cause : new Error(state.reason));
      }
    });
  });
  rejecting.catch(() => undefined);
  return rejecting;
}

/** `--client`; undefined for the default. */
function chosenClient(parsed: ParsedCommand): ClientFactory | undefined {
  const name = text(parsed, 'client') ?? 'wire';
  if (name === 'wire') return undefined;
  if (name !== 'native') throw new UsageError(`--client is ${JSON.stringify(name)}: give wire or native`);
  try {
    return nativeClient();
  } catch (error) {
    if (!isZooKeeperError(error, 'NotSupported')) throw error;
    const why = error.message.replace('nativeClient: NotSupported: ', '');
    throw new UsageError(`--client is "native": ${why}`, { cause: error });
  }
}

/** What the `--tls` options ask for; nothing where none was given. What the files hold is never repeated. */
function tlsFrom(parsed: ParsedCommand): Pick<ConnectOptions, 'tls'> {
  const [ca, cert, key] = ['tls-ca', 'tls-cert', 'tls-key'].map((name) => text(parsed, name));
  if (key !== undefined && cert === undefined)
    throw new UsageError('--tls-key was given without --tls-cert: give the certificate too');
  if (!flag(parsed, 'tls') && ca === undefined && cert === undefined) return {};
  return {
    tls: {
      ...(ca === undefined ? {} : { ca: contentOf('tls-ca', ca) }),
      ...(cert === undefined
        ? {}
        : {
            cert: contentOf('tls-cert', cert),
            key: key === undefined ? contentOf('tls-cert', cert) : contentOf('tls-key', key),
          }),
    },
  };
}

/** The identities in `--auth-file`. */
function authFrom(parsed: ParsedCommand): Pick<ConnectOptions, 'auth'> {
  const file = text(parsed, 'auth-file');
  if (file === undefined) return {};
  const auth = contentOf('auth-file', file)
    .split(/\r?\n/)
    .flatMap((line, index) => {
      if (line === '') return [];
      const [, scheme, proof] = /^(sasl|digest):([^:]+:.+)$/.exec(line) ?? [];
      if (scheme !== undefined && proof !== undefined) return [{ scheme, auth: proof }];
      throw new UsageError(
        `--auth-file ${JSON.stringify(file)}, line ${index + 1}: write sasl:user:password or digest:user:password`,
      );
    });
  if (auth.length === 0)
    throw new UsageError(`--auth-file ${JSON.stringify(file)} is empty: write sasl:user:password into it`);
  return { auth };
}

function contentOf(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `--${option} is ${JSON.stringify(file)}, which cannot be read (${code}): name a file`,
      {
        cause: error,
      },
    );
  }
}
