/** Reads `host:port,host:port/chroot`, and refuses what cannot be meant with a sentence that says what to write. */
import { ZooKeeperError } from './errors.js';
import type { Address } from './transport.js';
import { pathFault } from './znode-path.js';

/** ZooKeeper's client port when none is written. */
const DEFAULT_PORT = 2181;

/** Where an ensemble is, and under which node everything happens there. */
export interface ConnectTarget {
  readonly hosts: readonly Address[];
  /** `''` for none, else an absolute path without a trailing slash. */
  readonly chroot: string;
}

function refuse(text: string, fault: string): never {
  throw new ZooKeeperError('BadArguments', 'connect', undefined, {
    detail: `${JSON.stringify(text)} ${fault}; ${REMEDY}`,
  });
}

const REMEDY = 'write it like "a:2181,b:2181" or "a:2181,b:2181/chroot"';

/**
 * Why `text` seems to hold a password, which then stands in no message: an "@", or behind the first colon of an
 * entry something that is neither a port nor an IPv6 address. `undefined` when it does not; it may be wrong all the same.
 */
export function credentialsFault(text: string): string | undefined {
  const [list = ''] = text.replace(/^\s*\w+:\/\//, '').split('/', 1);
  const addresses = list.split(',').map((entry) => entry.trim());
  if (addresses.every((entry) => ADDRESS.test(entry))) return undefined;
  return text.includes('@') || addresses.some((entry) => entry.split(':').length > 2)
    ? `holds something like credentials (not repeated here), which have no place in it: give them as auth, for example [{ scheme: "digest", auth: "user:password" }], and ${REMEDY}`
    : `has an entry with a port that is not 1 to 65535 (not repeated here: it may be a password); ${REMEDY}`;
}

/** Anything that is a host or like one, a bare IPv6 address included, and a port or like one. */
const ADDRESS = /^([^:@]*(:[\d-]*)?|\[[^\]@]*\](:[\d-]*)?|[\da-f:.]*::[\da-f:.]*)$/i;

/**
 * The hosts and the chroot of a connect string. The port may be left out (2181), an IPv6 address stands in
 * brackets, blanks around commas are ignored.
 * @throws ZooKeeperError `BadArguments`; its message names the fault and the remedy, and the string unless it seems
 * to hold a password.
 */
export function parseConnectString(text: string): ConnectTarget {
  if (typeof text !== 'string') refuse(`a ${typeof text}`, 'is not a string');
  const secret = credentialsFault(text);
  if (secret !== undefined)
    throw new ZooKeeperError('BadArguments', 'connect', undefined, {
      detail: `the connect string ${secret}`,
    });
  const slash = text.indexOf('/');
  const list = slash === -1 ? text : text.slice(0, slash);
  const chroot = slash === -1 ? '' : text.slice(slash).trim();
  if (list.trim() === '') refuse(text, 'names no host');
  if (chroot.startsWith('//')) refuse(text, 'looks like a URL, and its scheme must go');
  const fault = chroot === '' || chroot === '/' ? undefined : pathFault(chroot);
  if (fault !== undefined) refuse(text, `has the chroot ${JSON.stringify(chroot)}, which ${fault}`);
  return {
    hosts: list.split(',').map((entry) => parseAddress(entry.trim(), text)),
    chroot: chroot === '/' ? '' : chroot,
  };
}

function parseAddress(entry: string, text: string): Address {
  if (entry === '') refuse(text, 'has an empty entry between commas');
  const bracketed = /^\[([0-9a-fA-F:.%a-zA-Z0-9_-]+)\](?::(.*))?$/.exec(entry);
  if (bracketed !== null) return { host: bracketed[1] ?? '', port: parsePort(bracketed[2], entry, text) };
  const parts = entry.split(':');
  if (parts.length > 2)
    refuse(
      text,
      `has the entry "${entry}" with more than one colon (an IPv6 address goes in brackets, "[::1]:2181")`,
    );
  const host = parts[0] ?? '';
  if (host === '') refuse(text, `has the entry "${entry}" without a host name`);
  if (/[\s@?#[\]\\"'<>|^`{}]|[\p{Cc}]/u.test(host))
    refuse(text, `has the host "${host}", which no host can be called`);
  return { host, port: parsePort(parts[1], entry, text) };
}

function parsePort(digits: string | undefined, entry: string, text: string): number {
  if (digits === undefined) return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  if (port < 1 || port > 65_535)
    refuse(text, `has the port "${digits}" in "${entry}", which is not 1 to 65535`);
  return port;
}
