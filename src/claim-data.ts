/**
 * The JSON stored in a claim. The first three fields are the Go package's, so each side reads the other's claims; what
 * another client put there is kept when we rewrite, and what cannot be parsed is tolerated.
 */

import type { RevokeRequest } from '../machines/lock-machine.js';

/** What a claim says about who made it. Every field may be missing: another client may have written it. */
export interface ClaimData {
  /** When the claim was made, by its maker's clock, epoch ms. */
  readonly madeMs?: number;
  /** When the Go package may delete it; absent when it never may. */
  readonly ttlDeadlineMs?: number;
  readonly owner?: string;
  /** Written by this package: the format's version. */
  readonly version?: number;
  /** How long the grant lasts from the write that gave it, ms; present from the grant on. */
  readonly ttlMs?: number;
  readonly host?: string;
  readonly pid?: number;
  readonly sessionTimeoutMs?: number;
  /** A reader that took a writer's place (T48): the creation transaction of that writer, which orders the line at the counter's end. */
  readonly place?: bigint;
  /** Somebody asks its holder to give up. */
  readonly revoke?: RevokeRequest;
  /** Fields that this package does not know. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** A deadline that the Go code, which purges whoever is past his, never reaches (K01, K11). */
const NEVER = '9999-12-31T23:59:59Z';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * What Curator writes over a claim, as all of its data, to ask its holder to give up. Where no client of Curator listens we write who
 * asks, and why, behind it.
 */
const CURATOR_REVOKE = '__REVOKE__';

const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const time = (value: unknown): number | undefined => {
  if (typeof value !== 'string' || value === NEVER) return undefined;
  return number(Date.parse(value));
};

// The Go package stores "no owner" as the text `<nil>` (K29).
const named = (value: unknown): string | undefined =>
  value === '' || value === '<nil>' ? undefined : text(value);
const transaction = (value: unknown): bigint | undefined =>
  typeof value === 'string' && /^\d{1,19}$/.test(value) ? BigInt(value) : undefined;

const request = (value: unknown): RevokeRequest | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const { by, why = '', graceMs } = value as Readonly<Record<string, unknown>>;
  if (typeof by !== 'string' || typeof why !== 'string') return undefined;
  const ms = number(graceMs);
  return ms === undefined ? { by, why } : { by, why, graceMs: ms };
};

/** A field of a claim and how it is read: undefined for what says nothing. */
type Field = readonly [keyof ClaimData, (value: unknown) => unknown];
const field = <K extends keyof ClaimData>(name: K, read: (value: unknown) => ClaimData[K]): Field => [
  name,
  read,
];

/** By their names in the JSON. */
const known = new Map<string, Field>([
  ['timestamp', field('madeMs', time)],
  ['ttl_deadline', field('ttlDeadlineMs', time)],
  ['owner_id', field('owner', named)],
  ['v', field('version', number)],
  ['ttl_ms', field('ttlMs', number)],
  ['host', field('host', text)],
  ['pid', field('pid', number)],
  ['session_timeout_ms', field('sessionTimeoutMs', number)],
  ['place', field('place', transaction)],
  ['revoke', field('revoke', request)],
]);

const NOTHING_ELSE = Object.freeze({});

/** Reads a claim. Whatever the bytes are, there is an answer: at worst one that says nothing. */
export function decodeClaim(bytes: Uint8Array): ClaimData {
  const asked = requestInPlace(bytes);
  if (asked !== undefined) return { revoke: asked, rest: {} };
  const fields = fieldsOf(bytes);
  if (fields === null) return { rest: {} };
  const data: Record<string, unknown> = {};
  const others: [string, unknown][] = [];
  for (const [name, value] of Object.entries(fields)) {
    const [goesTo, read] = known.get(name) ?? [];
    const said = read?.(value);
    if (goesTo !== undefined && said !== undefined) data[goesTo] = said;
    // A request that says nothing of who asks is none of ours.
    else if (goesTo === undefined || goesTo === 'revoke') others.push([name, value]);
  }
  return { ...data, rest: others.length === 0 ? NOTHING_ELSE : Object.fromEntries(others) };
}

/** Whether another claim may take this one's place in the moment it goes: its end is then nobody's grant. */
export function mayBeSucceeded({ rest }: ClaimData): boolean {
  return 'durable' in rest;
}

/** Whether `request` says nothing that the `known` one did not. */
export function sameRequest(known: RevokeRequest | null, request: RevokeRequest): boolean {
  return known?.by === request.by && known.why === request.why && known.graceMs === request.graceMs;
}

/** Whether a request stands in place of the claim's own data. */
export function isInPlace(bytes: Uint8Array): boolean {
  return requestInPlace(bytes) !== undefined;
}

function requestInPlace(bytes: Uint8Array): RevokeRequest | undefined {
  if (bytes[0] !== CURATOR_REVOKE.charCodeAt(0)) return undefined;
  const said = decoder.decode(bytes);
  if (said === CURATOR_REVOKE) return { by: 'a client of Curator', why: '' };
  return said.startsWith(CURATOR_REVOKE)
    ? request(fieldsOf(bytes.subarray(CURATOR_REVOKE.length)))
    : undefined;
}

/**
 * A claim's data with a request to give up added. JSON of this package, or of the Go package, keeps all that it says; other
 * data is another client's, or the id of a candidate, and is replaced: its holder has to put back what it needs. `inLine`: it is a
 * lock's, so a client of Curator may listen, to Curator's request and nothing else.
 */
export function withRevoke(bytes: Uint8Array, revoke: RevokeRequest, inLine: boolean): Uint8Array {
  const fields = fieldsOf(bytes);
  const ours = fields !== null && ('v' in fields || 'ttl_deadline' in fields);
  if (ours) return encoder.encode(JSON.stringify({ ...fields, revoke }));
  return encoder.encode(inLine ? CURATOR_REVOKE : CURATOR_REVOKE + JSON.stringify(revoke));
}

function fieldsOf(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(decoder.decode(bytes));
    return typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)
      ? null
      : (parsed as Record<string, unknown>);
  } catch {
    return null;
  }
}

/** What a claim of ours says before it is granted. */
export function newClaim(
  identity: { readonly host?: string; readonly pid?: number },
  owner: string | undefined,
  sessionTimeoutMs: number,
  place: bigint | undefined,
): ClaimData {
  const { host, pid } = identity;
  const data: { -readonly [K in keyof ClaimData]: ClaimData[K] } = {
    version: 1,
    sessionTimeoutMs,
    rest: NOTHING_ELSE,
  };
  if (host !== undefined) data.host = host;
  if (pid !== undefined) data.pid = pid;
  if (owner !== undefined) data.owner = owner;
  if (place !== undefined) data.place = place;
  return data;
}

/** Where a claim's JSON has its timestamp, and where that has its milliseconds in every year of four digits. */
const TIMESTAMP_AT = '{"timestamp":"'.length;
const MILLISECONDS_AT = TIMESTAMP_AT + '1970-01-01T00:00:00.'.length;
const LAST_YEAR_MS = Date.UTC(9999, 11);
const ZERO = 0x30;

/** The last claim without a term, as it was written, and in which second. */
let latest: { readonly data: ClaimData; readonly bytes: Uint8Array; readonly second: number } | null = null;

/**
 * Writes a claim. Those that a process makes one after the other mostly differ in their timestamp alone, and are then
 * copied: to serialise one costs as much as the rest of its request.
 */
export function encodeClaim(data: ClaimData, madeMs = data.madeMs ?? 0): Uint8Array {
  const second = Math.floor(madeMs / 1000);
  if (latest !== null && latest.second === second && sayTheSame(latest.data, data)) {
    const bytes = latest.bytes.slice();
    const milliseconds = Math.floor(madeMs) - second * 1000;
    bytes[MILLISECONDS_AT] = ZERO + Math.floor(milliseconds / 100);
    bytes[MILLISECONDS_AT + 1] = ZERO + (Math.floor(milliseconds / 10) % 10);
    bytes[MILLISECONDS_AT + 2] = ZERO + (milliseconds % 10);
    return bytes;
  }
  const bytes = encoder.encode(
    JSON.stringify({
      timestamp: new Date(madeMs).toISOString(),
      ttl_deadline: data.ttlDeadlineMs === undefined ? NEVER : new Date(data.ttlDeadlineMs).toISOString(),
      owner_id: data.owner ?? '',
      v: data.version ?? 1,
      ttl_ms: data.ttlMs,
      host: data.host,
      pid: data.pid,
      session_timeout_ms: data.sessionTimeoutMs,
      place: data.place?.toString(),
      revoke: data.revoke,
      ...data.rest,
    }),
  );
  if (sayTheSame(data, data) && madeMs >= 0 && madeMs < LAST_YEAR_MS)
    latest = { data, bytes: bytes.slice(), second };
  return bytes;
}

function isEmpty(fields: object): boolean {
  for (const _ in fields) return false;
  return true;
}

/** Whether two claims differ in their timestamp at most; false for claims with a term, a request, or fields of others. */
function sayTheSame(a: ClaimData, b: ClaimData): boolean {
  return (
    a.owner === b.owner &&
    a.host === b.host &&
    a.pid === b.pid &&
    a.sessionTimeoutMs === b.sessionTimeoutMs &&
    a.version === b.version &&
    a.place === b.place &&
    b.ttlMs === undefined &&
    b.ttlDeadlineMs === undefined &&
    a.ttlMs === undefined &&
    a.ttlDeadlineMs === undefined &&
    a.revoke === undefined &&
    b.revoke === undefined &&
    isEmpty(a.rest) &&
    isEmpty(b.rest)
  );
}
