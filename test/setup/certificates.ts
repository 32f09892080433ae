/** Certificates for one test, made with openssl in a folder that is gone when they are. Never kept, never committed. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate and its key, both PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Who vouches, and whom for. */
export interface Authority {
  readonly cert: string;
  /** `names` as in X.509: `DNS:localhost`, `IP:127.0.0.1`. None for a client. */
  issue(commonName: string, ...names: readonly string[]): Promise<Certificate>;
}

const CONFIG = `
[req]
distinguished_name = subject
[subject]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[bearer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
`;

/** Makes an authority, hands it to `use`, and removes every file when that is done. */
export async function withAuthority<T>(
  commonName: string,
  use: (authority: Authority) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-certificates-'));
  const at = (name: string): string => join(folder, name);
  let serial = 0;
  const make = async (name: string, ...args: readonly string[]): Promise<Certificate> => {
    const common = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];
    const out = [
      '-days',
      '2',
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.pem`),
      '-config',
      at('config'),
    ];
    await run('openssl', [...common, ...out, ...args]);
    return {
      cert: await readFile(at(`${name}.pem`), 'utf8'),
      key: await readFile(at(`${name}.key`), 'utf8'),
    };
  };
  try {
    await writeFile(at('config'), CONFIG);
    const { cert } = await make('authority', '-subj', `/CN=${commonName}`, '-extensions', 'authority');
    return await use({
      cert,
      issue: (subject, ...names) => {
        serial += 1;
        const signed = ['-CA', at('authority.pem'), '-CAkey', at('authority.key')];
        const alternatives = names.length === 0 ? [] : ['-addext', `subjectAltName=${names.join(',')}`];
        return make(
          `bearer-${String(serial)}`,
          '-subj',
          `/CN=${subject}`,
          '-extensions',
          'bearer',
          ...signed,
          ...alternatives,
        );
      },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
