/**
 * What a claim that outlives its session says, besides what every claim says. Its identity is its name and who holds it now; no
 * session vouches for it.
 */
import { type ClaimData, decodeClaim, encodeClaim } from '../claim-data.js';
import type { Acl, Stat, ZooKeeperClient } from '../zookeeper/client.js';
import { isZooKeeperError } from '../zookeeper/errors.js';

/** In the JSON: `durable`. */
export interface Tenure {
  /** The creation transaction of the claim that won the lock: orders this holder before all later ones (DESIGN §3.7). */
  readonly won: bigint;
  /** How often it was resumed: the token's low bits. */
  readonly resumed: number;
  /** Who holds it: made anew by every grant and every resumption. */
  readonly holder: string;
}

/** What the token's low bits hold. */
export const MOST_RESUMPTIONS = 1_023;

/** While it waits there is no tenure yet, but whoever waits behind is to know that the claim's end is no grant. */
export function waitingClaim(data: ClaimData, madeMs: number): Uint8Array {
  return encodeClaim({ ...data, rest: { ...data.rest, durable: {} } }, madeMs);
}

/** The same claim with a tenure. */
export function withTenure(data: ClaimData, { won, resumed, holder }: Tenure): ClaimData {
  return { ...data, rest: { ...data.rest, durable: { won: String(won), resumed, holder } } };
}

/** The tenure that a claim tells of; null when it is none of ours, or still waits. */
export function tenureOf({ rest }: ClaimData): Tenure | null {
  const { durable } = rest;
  if (typeof durable !== 'object' || durable === null) return null;
  const { won, resumed, holder } = durable as Record<string, unknown>;
  if (typeof won !== 'string' || !/^\d{1,19}$/.test(won)) return null;
  if (typeof resumed !== 'number' || !Number.isInteger(resumed) || resumed < 0) return null;
  return typeof holder === 'string' ? { won: BigInt(won), resumed, holder } : null;
}

/** Deletes it if `holder` holds it still: what somebody else resumed is his. Saying it twice says the same. */
export async function withdraw(client: ZooKeeperClient, path: string, holder: string): Promise<void> {
  for (;;) {
    try {
      // Absence is believed only after a sync: the server we talk to may be behind the one that made it.
      const [, { data, stat }] = await Promise.all([syncedWith(client, path), client.getData(path)]);
      if (tenureOf(decodeClaim(data))?.holder === holder) await client.delete(path, stat.version);
      return;
    } catch (error) {
      if (isZooKeeperError(error, 'NoNode')) return;
      if (!isZooKeeperError(error, 'BadVersion')) throw error;
    }
  }
}

/** Whether the claim is there, after everything that was committed before. */
export async function lookFor(client: ZooKeeperClient, path: string): Promise<Stat | null> {
  const [, stat] = await Promise.all([syncedWith(client, path), client.exists(path)]);
  return stat;
}

async function syncedWith(client: ZooKeeperClient, path: string): Promise<void> {
  await client.sync(path).catch((error: unknown) => {
    if (!isZooKeeperError(error, 'NoNode')) throw error;
  });
}

/** Permissions as an option of a create. */
export const aclOption = (acl: readonly Acl[] | undefined) => (acl === undefined ? {} : { acl });
