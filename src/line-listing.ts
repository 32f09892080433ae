/** WHO, asked of the server: a path's line, in the order it will hold. */
import { decodeClaim } from './claim-data.js';
import { type ContenderKind, type Line, lockRule, orderByCreation, type QueueRule } from './queue.js';
import type { ZooKeeperClient } from './zookeeper/client.js';
import { isZooKeeperError } from './zookeeper/errors.js';

/** The line in the order it will hold. */
export async function listInOrder(
  client: ZooKeeperClient,
  lockPath: string,
  rule: QueueRule = lockRule,
): Promise<Line> {
  return lineFrom(client, lockPath, await listOrNothing(client, lockPath), rule);
}

/** As {@link listInOrder}, of a listing that is there already; at once, unless it takes further requests. */
export function lineFrom(
  client: ZooKeeperClient,
  lockPath: string,
  names: readonly string[],
  rule: QueueRule,
): Line | Promise<Line> {
  const line = rule.lineOf(names);
  return line.pastCounterEnd ? ordered(client, lockPath, line) : line;
}

/** Past the counter's end the order takes every contender's creation, one request each (T45). */
async function ordered(client: ZooKeeperClient, lockPath: string, line: Line): Promise<Line> {
  const places = new Map<string, bigint>();
  await Promise.all(
    line.contenders.map(async ({ name, kind }) => {
      const place = await placeOf(client, `${lockPath}/${name}`, kind);
      if (place !== undefined) places.set(name, place);
    }),
  );
  return orderByCreation(line, places);
}

/** Which creation orders a contender: its own, or that of the one whose place it took. Undefined when it has left. */
export async function placeOf(
  client: ZooKeeperClient,
  path: string,
  kind: ContenderKind,
): Promise<bigint | undefined> {
  if (kind !== 'exclusive') {
    try {
      const { data, stat } = await client.getData(path);
      return decodeClaim(data).place ?? stat.czxid;
    } catch (error) {
      if (!isZooKeeperError(error, 'NoNode', 'NoAuth')) throw error;
    }
  }
  return (await client.exists(path))?.czxid;
}

/** A znode's children; none when it is not there. */
export async function listOrNothing(client: ZooKeeperClient, lockPath: string): Promise<readonly string[]> {
  try {
    return (await client.getChildren(lockPath)).children;
  } catch (error) {
    if (isZooKeeperError(error, 'NoNode')) return [];
    throw error;
  }
}
