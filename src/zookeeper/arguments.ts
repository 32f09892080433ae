/** What the port's methods check of their arguments; where a path is meant, the answer follows "the path". No I/O. */
import { identitiesFault } from './authentication.js';
import { type ClientOptions, OPEN_ACL } from './client.js';
import { ZooKeeperError } from './errors.js';
import { HEAD_BYTES } from './frames.js';
import { isBytes } from './jute.js';
import { createFlag } from './records.js';

/** The longest time to live that a server takes: five bytes of milliseconds, about 34 years. */
const LONGEST_TTL_MS = 2 ** 40 - 1;
const LARGEST_VERSION = 2_147_483_647;
const ALL_PERMISSIONS = 31;

/** −1 is any; else what a stat can say. */
export function versionFault(version: number): string | undefined {
  return Number.isInteger(version) && version >= -LARGEST_VERSION - 1 && version <= LARGEST_VERSION
    ? undefined
    : `was given the version ${String(version)}; versions are 32-bit integers, -1 for any`;
}

/** Whether the server appends a number to the name. */
export function isSequential(mode: string): boolean {
  return (
    mode === 'ephemeralSequential' ||
    mode === 'persistentSequential' ||
    mode === 'persistentSequentialWithTtl'
  );
}

/** Rejects with `BadArguments`: nothing was sent. */
export function refuse(
  operation: string,
  path: string | undefined,
  fault: string,
  failedIndex?: number,
): Promise<never> {
  const detail = `the path ${fault}`;
  return Promise.reject(
    new ZooKeeperError('BadArguments', operation, typeof path === 'string' ? path : undefined, {
      detail,
      ...(failedIndex === undefined ? {} : { failedIndex }),
    }),
  );
}

/** Why these options make no node; `undefined` when they do. */
export function createFault(mode: string, ttlMs: number | undefined): string | undefined {
  if (!Object.hasOwn(createFlag, mode)) {
    return `cannot be created as ${JSON.stringify(mode)}; the modes are ${Object.keys(createFlag).join(', ')}`;
  }
  if (!mode.endsWith('WithTtl')) {
    return ttlMs === undefined
      ? undefined
      : `was given ttlMs, which only the modes ending in "WithTtl" have, not ${mode}`;
  }
  if (ttlMs !== undefined && Number.isInteger(ttlMs) && ttlMs >= 1 && ttlMs <= LONGEST_TTL_MS)
    return undefined;
  return `was given ttlMs ${String(ttlMs)}; a time to live is a whole number of milliseconds from 1 to ${LONGEST_TTL_MS}`;
}

export function dataFault(data: Uint8Array): string | undefined {
  return isBytes(data) ? undefined : `was given data that is a ${typeof data}, not a Uint8Array`;
}

export function aclFault(acl: readonly unknown[]): string | undefined {
  if (acl === OPEN_ACL) return undefined;
  if (!Array.isArray(acl) || acl.length === 0)
    return 'was given no permissions; an ACL has at least one entry';
  const at = acl.findIndex((entry) => !isAcl(entry));
  if (at === -1) return undefined;
  return `was given something else as permission ${at} (not repeated here); one is like { permissions: 31, scheme: "world", id: "anyone" }`;
}

function isAcl(entry: unknown): boolean {
  if (typeof entry !== 'object' || entry === null) return false;
  const { permissions, scheme, id } = entry as Record<string, unknown>;
  return (
    Number.isInteger(permissions) &&
    (permissions as number) >= 0 &&
    (permissions as number) <= ALL_PERMISSIONS &&
    typeof scheme === 'string' &&
    typeof id === 'string'
  );
}

export function deadlineFault(deadlineMs: number): string | undefined {
  return deadlineMs >= 0
    ? undefined
    : `deadlineMs is ${String(deadlineMs)}; it is a number of milliseconds, 0 or more`;
}

/** The connect string is looked at where it is taken apart. */
export function optionsFault({ sessionTimeoutMs, maxReplyBytes, auth }: ClientOptions): string | undefined {
  if (!Number.isInteger(sessionTimeoutMs) || sessionTimeoutMs < 1 || sessionTimeoutMs > LARGEST_VERSION) {
    return `sessionTimeoutMs is ${String(sessionTimeoutMs)}; it is a whole number of milliseconds from 1 to ${LARGEST_VERSION}`;
  }
  if (!(maxReplyBytes >= HEAD_BYTES))
    return `maxReplyBytes is ${String(maxReplyBytes)}; it is ${HEAD_BYTES} or more`;
  return identitiesFault(auth);
}
