/** The path of a lock and what is above it: made when somebody needs it, never deleted by us. */
import { type Acl, OPEN_ACL, type ZooKeeperClient } from './zookeeper/client.js';
import { isZooKeeperError, ZooKeeperError } from './zookeeper/errors.js';

const nothing = new Uint8Array(0);

/**
 * Makes the lock path and what is above it, all in one flight; what is there already is left alone. Resolves with why the
 * deepest that could not be made could not.
 */
export async function makeParents(
  client: ZooKeeperClient,
  lockPath: string,
  acl: readonly Acl[] | undefined,
): Promise<unknown> {
  const mode = client.capabilities.container ? 'container' : 'persistent';
  const segments = lockPath.split('/').slice(1);
  const results = await Promise.allSettled(
    segments.map((_, index) =>
      client.create(`/${segments.slice(0, index + 1).join('/')}`, nothing, { mode, acl: acl ?? OPEN_ACL }),
    ),
  );
  const [top] = results;
  if (top?.status === 'rejected' && isZooKeeperError(top.reason, 'NoNode')) {
    throw new ZooKeeperError('NoNode', 'create', `/${segments[0] ?? ''}`, {
      detail: 'the chroot of the connect string does not exist; create it, or leave it out',
      cause: top.reason,
    });
  }
  const failures = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as Error] : [],
  );
  const fatal = failures.find((reason) => !isZooKeeperError(reason, 'NodeExists', 'NoAuth', 'NoNode'));
  if (fatal !== undefined) throw fatal;
  return failures.findLast((reason) => !isZooKeeperError(reason, 'NodeExists'));
}
