/** How little is asked of the server: by a release, and by many locks of one session. In virtual time on the embedded ZooKeeper. */
import { expect, it } from 'vitest';
import type { IncomingRequest } from '../../src/embedded/server-connection.js';
import { opcode } from '../../src/zookeeper/records.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/locks/orders';

it('a release wakes the next in line and nobody else: of twenty who wait, each in a session of its own, one asks anything', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const locks = Array.from({ length: 21 }, () => ensemble.lock(PATH));
  const turns = [];
  for (const lock of locks) {
    turns.push(lock.acquire());
    await ensemble.clock.settle();
  }
  const lines = ensemble.zookeeper.nodes().filter(({ path }) => path.startsWith(`${PATH}/`));
  const inLine = lines.map(({ ephemeralOwner }) => ephemeralOwner);
  expect(new Set(inLine).size).toBe(21);
  // Meanwhile each has read, once, whom it waits for.
  await ensemble.clock.advance(10_000);
  let asked: IncomingRequest[] = [];
  ensemble.zookeeper.faults.loseNextRequest((request) => {
    if (request.type !== opcode.ping) asked.push(request);
    return false;
  });
  for (const [place, turn] of turns.entries()) {
    const lease = await ensemble.until(turn);
    await ensemble.clock.advance(1_000);
    asked = [];
    await ensemble.until(lease.release());
    await ensemble.clock.advance(1_000);
    const [holder, next] = inLine.slice(place);
    expect(asked.filter(({ sessionId }) => sessionId !== holder && sessionId !== next)).toEqual([]);
    expect(asked.length).toBeLessThanOrEqual(2);
  }
});

it('locks of one session, held at once on as many paths, are one session at the server', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const session = ensemble.session();
  const paths = Array.from({ length: 20 }, (_, index) => `/locks/${index}`);
  const leases = await ensemble.until(Promise.all(paths.map((path) => session.lock(path).acquire())));
  expect(leases.map((lease) => lease.isHeld())).not.toContain(false);
  const [only, ...others] = ensemble.zookeeper.sessions();
  expect(others).toEqual([]);
  const nodes = ensemble.zookeeper.nodes();
  const owners = leases.map(({ claimPath }) => nodes.find(({ path }) => path === claimPath)?.ephemeralOwner);
  expect(new Set(owners)).toEqual(new Set([only?.id]));
});
