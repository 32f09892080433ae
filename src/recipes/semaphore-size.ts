/**
 * How many permits a semaphore has, as its users agreed: four bytes, most significant first, in the path's own data. That is
 * what Curator's SharedCount writes, and its semaphore, which leaves that data alone, can be given one on the same path.
 */
import type { LockSettings } from '../acquisition.js';
import { SemaphoreSizeError } from '../errors.js';
import type { SharedLease } from '../lease.js';
import { makeParents } from '../parents.js';
import type { ZooKeeperClient } from '../zookeeper/client.js';
import { isZooKeeperError } from '../zookeeper/errors.js';

/** The path may vanish between its making and our reading (containers are reaped); after so many times something else is wrong. */
const ATTEMPTS = 16;

/** What four bytes hold, signed as in Java. */
export const LARGEST_SIZE = 2_147_483_647;

/**
 * Reads the size, or writes it where nobody did. Saying it twice says the same. Rejects with {@link SemaphoreSizeError} when
 * there is another one, with the {@link ZooKeeperError} of a refusal.
 */
export async function agreeOnSize(
  client: ZooKeeperClient,
  { path, acl, logger }: Pick<LockSettings<SharedLease>, 'path' | 'acl' | 'logger'>,
  size: number,
): Promise<void> {
  let refused: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      const { data, stat } = await client.getData(path);
      if (data.length === 0) {
        await client.setData(path, encodeSize(size), stat.version);
        return;
      }
      const found = decodeSize(data);
      if (found === null) {
        logger.warn(
          `${path}: its data is no semaphore's size, so other processes may use another one; give the semaphore a path of its own`,
        );
      } else if (found !== size) throw new SemaphoreSizeError(path, size, found);
      return;
    } catch (error) {
      // Written by somebody else in between, or not there yet.
      refused = error;
      if (isZooKeeperError(error, 'BadVersion')) continue;
      if (!isZooKeeperError(error, 'NoNode')) throw error;
      refused = (await makeParents(client, path, acl)) ?? error;
    }
  }
  throw refused as Error;
}

function encodeSize(size: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, size);
  return bytes;
}

function decodeSize(data: Uint8Array): number | null {
  if (data.length !== 4) return null;
  const size = new DataView(data.buffer, data.byteOffset, 4).getInt32(0);
  return size > 0 ? size : null;
}
