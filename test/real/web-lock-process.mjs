// @ts-check
/** A process that asks for web locks as it is told to, and tells what becomes of each request. The argument is where ZooKeeper is. */
import process, { argv } from 'node:process';
import { connect } from 'holdfast';

const { locks } = connect(argv[2] ?? '', { sessionTimeoutMs: 4_000, guardMs: 0 });
/** @type {Map<number, () => void>} */
const finish = new Map();
/** @param {object} news */
const tell = (news) => process.send?.(news);

/** @param {{ id: number, finish?: true, query?: true, name: string, options: import('holdfast').WebLockOptions }} order */
async function obey({ id, name, options, ...order }) {
  if (order.finish) return finish.get(id)?.();
  if (order.query) return tell({ id, became: 'answered', snapshot: await locks.query() });
  try {
    await locks.request(name, options, (lock) => {
      lock?.signal.addEventListener('abort', () => tell({ id, became: 'told' }));
      tell({ id, became: 'granted', token: String(lock?.fencingToken), none: lock === null });
      return lock === null ? undefined : new Promise((resolve) => finish.set(id, () => resolve(undefined)));
    });
    return tell({ id, became: 'settled' });
  } catch (error) {
    return tell({ id, became: 'rejected', error: error instanceof Error ? error.name : String(error) });
  }
}

process.on('message', (order) => void obey(/** @type {Parameters<typeof obey>[0]} */ (order)));
process.once('disconnect', () => process.exit());
tell({ id: 0, became: 'ready' });
