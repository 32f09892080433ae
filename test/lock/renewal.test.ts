/** A time to live and its renewals, in virtual time on the embedded ZooKeeper. */
import { expect, it } from 'vitest';
import { listen } from '../setup/listening.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/locks/orders';

it('a lock outlives its time to live while it is renewed, whoever waits behind, and ends when it is renewed no more', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const holder = listen(ensemble.lock(PATH, { ttlMs: 5_000 }));
  await ensemble.clock.advance(100);
  const lease = holder.held();
  const next = listen(ensemble.lock(PATH));
  for (let renewals = 0; renewals < 5; renewals += 1) {
    await ensemble.clock.advance(4_000);
    await ensemble.until(lease.renew());
  }
  await ensemble.clock.advance(4_900);
  expect([lease.isHeld(), next.statuses().at(-1)]).toEqual([true, 'waitingOnPredecessor']);
  await ensemble.clock.advance(200);
  expect(holder.heard.at(-1)).toMatchObject({ status: 'expired', reason: 'ttl' });
  expect(next.held().fencingToken).toBeGreaterThan(lease.fencingToken);
});

it('without a time to live a renewal asks the server, and puts off when the holder must believe itself lost', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const lease = await ensemble.held(PATH);
  const before = lease.validUntil;
  await ensemble.clock.advance(1_000);
  await ensemble.until(lease.renew());
  expect(lease.validUntil).toBeGreaterThanOrEqual(before + 1_000);
});
