/** Who this process is, and its chance: what only Node knows. A page has `host.browser.ts` instead. */
import { hostname } from 'node:os';

/** What claims say about the process that made them. */
export interface ProcessIdentity {
  readonly host?: string;
  readonly pid?: number;
}

/** This process. */
export const identity: ProcessIdentity = { host: hostname(), pid: process.pid };

/** A fresh GUID for a claim's name. Node joins it from twenty pieces, and all of them are kept until somebody reads a letter of it. */
export const newGuid = (): string => {
  const guid = crypto.randomUUID();
  guid.charCodeAt(0);
  return guid;
};

/** A number in [0, 1) that nobody can foretell: it also makes the nonces of authentication. */
export const random = (): number => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;

/** Whether two secrets are the same, without telling by the time it takes how much of them is. */
export function sameSecret(given: string, secret: string): boolean {
  const [a, b] = [new TextEncoder().encode(given), new TextEncoder().encode(secret)];
  // Asked for where it is needed: to load it costs more than all else here, and a lock does without.
  return a.length === b.length && process.getBuiltinModule('node:crypto').timingSafeEqual(a, b);
}
