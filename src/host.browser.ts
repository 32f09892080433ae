/** `host.ts` for a page: it has chance, but no host name and no process id. */
import type { ProcessIdentity } from './host.js';

export const identity: ProcessIdentity = {};

export const newGuid = (): string => crypto.randomUUID();

export const random = (): number => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;
