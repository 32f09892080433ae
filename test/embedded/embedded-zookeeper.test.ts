import { expect, test } from 'vitest';
import { createEmbeddedZooKeeper } from '../../src/embedded/index.js';
import { SteppingClock } from '../setup/stepping-clock.js';
import { bytes, memoryClient, tcpClient, text } from './connected-client.js';

test('an embedded ZooKeeper is reached through TCP and in process alike', async () => {
  await using zooKeeper = await createEmbeddedZooKeeper();
  expect(zooKeeper.connectString).toBe(`127.0.0.1:${zooKeeper.port}`);
  const overTcp = await tcpClient(zooKeeper.connectString);
  const { clock } = { clock: new SteppingClock() };
  const inProcess = await memoryClient(zooKeeper, { clock });
  await overTcp.create('/a', bytes('one'));
  const made = await inProcess.create('/a/b-', bytes('two'), { mode: 'ephemeralSequential' });
  expect(made.path).toBe('/a/b-0000000000');
  expect(made.stat?.ephemeralOwner).toBe(inProcess.sessionId);
  const { children, stat } = await overTcp.getChildren('/a');
  expect(children).toEqual(['b-0000000000']);
  expect(stat).toMatchObject({ numChildren: 1, cversion: 1, pzxid: made.stat?.czxid });
  expect(text((await overTcp.getData(made.path)).data)).toBe('two');
  await inProcess.close();
  expect(zooKeeper.nodes().map((node) => node.path)).toEqual(['/a']);
  await overTcp.close();
});
