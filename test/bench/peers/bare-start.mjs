// @ts-check
/** The least that a Node process can do to have a ZooKeeper session: start, connect, shake hands, say so. Loads nothing but Node's own. */
import { connect } from 'node:net';
import process from 'node:process';

/** @type {import('./contest.js').Scenario} */
const asked = JSON.parse(process.argv[2] ?? '');
const [host = '', port = ''] = asked.connect.split(':');
const handshake = Buffer.alloc(49);
handshake.writeInt32BE(45, 0);
handshake.writeInt32BE(30_000, 16); // the session's timeout
handshake.writeInt32BE(16, 28); // the password's length
connect({ host, port: Number(port), noDelay: true })
  .once('data', () => {
    process.stdout.write('{"connected":true}\n', () => process.exit(0));
  })
  .write(handshake);
