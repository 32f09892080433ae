/** Who this process is, and its chance: what only Node knows. A page has `host.browser.ts` instead. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** What claims say about the process that made them. */
export interface ProcessIdentity {
  readonly host?: string;
  readonly pid?: number;
}

/** This process. */
export const identity: ProcessIdentity = { host: hostname(), pid: process.pid };

/** A fresh GUID for a claim's name. */
export const newGuid = (): string => randomUUID();

/** A number in [0, 1) that nobody can foretell: it also makes the nonces of authentication. */
export const random = (): number => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;
