/** Who may do what: identities, the checks of ACLs, and the schemes that a stock server knows (world, auth, digest, ip). */
import type { Acl } from '../zookeeper/client.js';
import { sha1 } from './sha1.js';

export const permission = { read: 1, write: 2, create: 4, delete: 8, admin: 16 } as const;

/** Somebody, as a connection has proved it. */
export interface Identity {
  readonly scheme: string;
  readonly id: string;
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3);
    const bits = (a << 16) | (b << 8) | c;
    const left = bytes.length - at;
    text += BASE64.charAt(bits >> 18) + BASE64.charAt((bits >> 12) & 63);
    text += left > 1 ? BASE64.charAt((bits >> 6) & 63) : '=';
    text += left > 2 ? BASE64.charAt(bits & 63) : '=';
  }
  return text;
}

/** `user:base64(sha1(user:password))`, as DigestAuthenticationProvider.generateDigest makes it. */
export function digestId(userAndPassword: string): string {
  const [user = ''] = userAndPassword.split(':', 1);
  return `${user}:${base64(sha1(new TextEncoder().encode(userAndPassword)))}`;
}

/** The identity that an auth packet proves, or `undefined` when its scheme is unknown: the connection then ends. */
export function authenticate(scheme: string, auth: Uint8Array, address: string): Identity | undefined {
  if (scheme === 'digest') return { scheme, id: digestId(new TextDecoder().decode(auth)) };
  return scheme === 'ip' ? { scheme, id: address } : undefined;
}

/** ZooKeeperServer.checkACL: an empty list allows everything. */
export function isAllowed(acl: readonly Acl[], wanted: number, identities: readonly Identity[]): boolean {
  if (acl.length === 0) return true;
  for (const { permissions, scheme, id } of acl) {
    if ((permissions & wanted) === 0) continue;
    if (scheme === 'world' && id === 'anyone') return true;
    for (const identity of identities) {
      if (identity.scheme === scheme && matches(scheme, identity.id, id)) return true;
    }
  }
  return false;
}

function matches(scheme: string, id: string, wanted: string): boolean {
  if (scheme === 'digest') return id === wanted;
  if (scheme !== 'ip') return false;
  const [address = '', bits = '32'] = wanted.split('/', 2);
  const [actual, expected] = [ipv4(id), ipv4(address)];
  if (actual === undefined || expected === undefined) return id === wanted;
  const shift = 32n - BigInt(bits);
  return actual >> shift === expected >> shift;
}

function ipv4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255))
    return undefined;
  return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

/**
 * The ACL as it is stored: `auth` becomes the identities that the connection has proved, entries given twice count
 * once. `undefined` where the server answers InvalidACL (PrepRequestProcessor.fixupACL).
 */
export function storedAcl(acl: readonly Acl[], identities: readonly Identity[]): readonly Acl[] | undefined {
  const stored: Acl[] = [];
  const seen = new Set<string>();
  for (const entry of acl) {
    const { permissions, scheme, id } = entry;
    const key = `${permissions} ${scheme} ${id}`;
    if (seen.has(key)) continue;
    seen.add(key);
    if (scheme === 'world' && id === 'anyone') {
      stored.push(entry);
    } else if (scheme === 'auth') {
      const proven = identities.filter((identity) => identity.scheme === 'digest');
      if (proven.length === 0) return undefined;
      for (const identity of proven) stored.push({ permissions, scheme: identity.scheme, id: identity.id });
    } else if (isValidId(scheme, id)) {
      stored.push(entry);
    } else {
      return undefined;
    }
  }
  return stored.length === 0 ? undefined : stored;
}

function isValidId(scheme: string, id: string): boolean {
  // Java's split drops empty parts at the end, so that "user:" is one part and not two.
  if (scheme === 'digest') return id.replace(/:+$/, '').split(':').length === 2;
  if (scheme !== 'ip') return false;
  const [address = '', bits] = id.split('/', 2);
  if (ipv4(address) === undefined) return false;
  return bits === undefined || (/^\d{1,2}$/.test(bits) && Number(bits) <= 32);
}

/** The list as somebody without the right to change it sees it: the digests' secrets are hidden. */
export function maskedAcl(acl: readonly Acl[]): readonly Acl[] {
  return acl.map((entry) =>
    entry.scheme === 'digest' ? { ...entry, id: entry.id.replace(/:.*/s, ':x') } : entry,
  );
}
