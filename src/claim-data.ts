/**
 * The JSON stored in a claim. The first three fields are the Go package's, so each side reads the other's claims; what
 * another client put there is kept when we rewrite, and what cannot be parsed is tolerated.
 */

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
  /** Fields that this package does not know. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** A deadline that the Go code, which purges whoever is past his, never reaches (K01, K11). */
const NEVER = '9999-12-31T23:59:59Z';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const known = new Set([
  'timestamp',
  'ttl_deadline',
  'owner_id',
  'v',
  'ttl_ms',
  'host',
  'pid',
  'session_timeout_ms',
  'place',
]);

const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const time = (value: unknown): number | undefined => {
  if (typeof value !== 'string' || value === NEVER) return undefined;
  return number(Date.parse(value));
};

const transaction = (value: unknown): bigint | undefined =>
  typeof value === 'string' && /^\d{1,19}$/.test(value) ? BigInt(value) : undefined;

/** Drops what is undefined, so that `exactOptionalPropertyTypes` and JSON agree on "absent". */
function present<T extends Record<string, unknown>>(
  fields: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** Reads a claim. Whatever the bytes are, there is an answer: at worst one that says nothing. */
export function decodeClaim(bytes: Uint8Array): ClaimData {
  let parsed: unknown;
  try {
    parsed = JSON.parse(decoder.decode(bytes));
  } catch {
    return { rest: {} };
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return { rest: {} };
  const fields = parsed as Record<string, unknown>;
  const owner = text(fields['owner_id']);
  return {
    ...present({
      madeMs: time(fields['timestamp']),
      ttlDeadlineMs: time(fields['ttl_deadline']),
      // The Go package stores "no owner" as the text `<nil>` (K29).
      owner: owner === '' || owner === '<nil>' ? undefined : owner,
      version: number(fields['v']),
      ttlMs: number(fields['ttl_ms']),
      host: text(fields['host']),
      pid: number(fields['pid']),
      sessionTimeoutMs: number(fields['session_timeout_ms']),
      place: transaction(fields['place']),
    }),
    rest: Object.fromEntries(Object.entries(fields).filter(([name]) => !known.has(name))),
  };
}

/** Writes a claim. */
export function encodeClaim(data: ClaimData): Uint8Array {
  return encoder.encode(
    JSON.stringify({
      ...data.rest,
      timestamp: new Date(data.madeMs ?? 0).toISOString(),
      ttl_deadline: data.ttlDeadlineMs === undefined ? NEVER : new Date(data.ttlDeadlineMs).toISOString(),
      owner_id: data.owner ?? '',
      v: data.version ?? 1,
      ttl_ms: data.ttlMs,
      host: data.host,
      pid: data.pid,
      session_timeout_ms: data.sessionTimeoutMs,
      place: data.place?.toString(),
    }),
  );
}
