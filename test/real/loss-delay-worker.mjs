// @ts-check
/** A process of its own that holds until it is killed: `node loss-delay-worker.mjs host:port path`. */
import { argv, stdout } from 'node:process';
import { connect } from '../../dist/src/index.js';

const [, , connectString = '', path = ''] = argv;
const session = connect(connectString, { sessionTimeoutMs: 2_000 });
await session.lock(path, { owner: 'alice', lossDelayMs: 1_500 }).acquire();
stdout.write('held\n');
