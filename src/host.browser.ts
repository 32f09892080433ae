/** `host.ts` for a page: it has chance, but no host name and no process id. */
import type { ProcessIdentity } from './host.js';

export const identity: ProcessIdentity = {};

export const newGuid = (): string => crypto.randomUUID();

export const random = (): number => Math.random();
