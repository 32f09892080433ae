// @ts-check
/** A process of its own: `node local-handover-worker.mjs host:port path log`. Some contenders share claims, one does not; each writes its token under the lock's guard. */
import process, { argv } from 'node:process';
import { connect } from '../../dist/src/index.js';

const [, , connectString = '', path = '', log = ''] = argv;
const session = connect(connectString);
const sharing = session.lock(path, { localHandover: { max: 4 } });
const plain = session.lock(path);
await Promise.all(
  [sharing, sharing, sharing, plain].map(async (lock) => {
    for (let left = 25; left > 0; left -= 1) {
      const lease = await lock.acquire();
      const data = new TextEncoder().encode(String(lease.fencingToken));
      await lease.commit([{ type: 'create', path: `${log}/t-`, data, mode: 'persistentSequential' }]);
      await lease.release();
    }
  }),
);
await session.close();
process.exit(0);
