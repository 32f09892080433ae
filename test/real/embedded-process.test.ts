/** The embedded ZooKeeper in a process of its own: what it keeps alive, only that process's end can show. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { root } from '../setup/source-files.js';

const url = (file: string) => JSON.stringify(pathToFileURL(join(root, 'dist/src', file)).href);

const PROGRAM = `
  import { connect as dial } from 'node:net';
  import { connect } from ${url('index.js')};
  import { createEmbeddedZooKeeper } from ${url('embedded/index.js')};
  const zookeeper = await createEmbeddedZooKeeper();
  const session = connect(zookeeper.connectString);
  await (await session.lock('/locks/a').acquire()).release();
  await session.close();
  // A lock that nobody released, and a connection that has said nothing.
  const left = connect(zookeeper.connectString);
  await left.lock('/locks/a').acquire();
  const mute = dial(Number(zookeeper.connectString.split(':')[1]), '127.0.0.1');
  await new Promise((resolve) => mute.once('connect', resolve));
  mute.unref();
  await left.close();
  await zookeeper.close();
  console.log('closed');
`;

it('leaves nothing, when it is closed, that would keep its process alive', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', PROGRAM]);
  expect(stdout).toBe('closed\n');
});
