/** The bound of `heartbeat: 'quorum'`: the rule against a model of the relay, and the heartbeat against a server. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Instant } from '../../src/clock.js';
import type { ClientFactory } from '../../src/zookeeper/client.js';
import { QuorumHeartbeat, RelayRule } from '../../src/zookeeper/quorum-heartbeat.js';
import { opcode } from '../../src/zookeeper/records.js';
import { memoryClient } from '../embedded/connected-client.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';
import { SESSION_MS, Stage } from './scripted-peer.js';

/** What a server says that could not carry a transaction out. */
const systemError = -1;

const at = (monotonicMs: number): Instant => ({ monotonicMs, wallMs: monotonicMs });

/**
 * Leader, follower and client, with first-in-first-out links of any delay. The follower notes a heartbeat as it passes; the
 * leader pings it every half tick, and the answer carries what was noted. `acknowledged` is called as the client hears
 * of each heartbeat, with the newest one that the leader has been told of by then.
 */
function relay(
  delays: readonly number[],
  { relayMs, everyMs, heartbeats }: { relayMs: number; everyMs: number; heartbeats: number },
  acknowledged: (sentMs: number, nowMs: number, toldMs: number) => void,
): void {
  const agenda: { atMs: number; run: () => void }[] = [];
  let nowMs = 0;
  let drawn = 0;
  const after = (delayMs: number, run: () => void) => {
    const atMs = nowMs + delayMs;
    const behind = agenda.findIndex((each) => each.atMs > atMs);
    agenda.splice(behind === -1 ? agenda.length : behind, 0, { atMs, run });
  };
  const link = () => {
    let lastMs = 0;
    return (run: () => void) => {
      lastMs = Math.max(lastMs, nowMs + (delays[drawn++ % delays.length] ?? 0));
      after(lastMs - nowMs, run);
    };
  };
  const [toFollower, toLeader, fromLeader, toClient] = [link(), link(), link(), link()];
  let noted = Number.NEGATIVE_INFINITY;
  let told = Number.NEGATIVE_INFINITY;
  let left = heartbeats;
  const ping = () => {
    fromLeader(() => {
      const answer = noted;
      toLeader(() => (told = Math.max(told, answer)));
    });
    after(relayMs, ping);
  };
  const beat = () => {
    const sentMs = nowMs;
    left -= 1;
    const heard = () => {
      acknowledged(sentMs, nowMs, told);
      after(Math.max(0, sentMs + everyMs - nowMs), beat);
    };
    toFollower(() => {
      noted = sentMs;
      toLeader(() => {
        fromLeader(() => {
          toClient(heard);
        });
      });
    });
  };
  ping();
  beat();
  while (left > 0) {
    const next = agenda.shift();
    if (next === undefined) return;
    nowMs = next.atMs;
    next.run();
  }
}

describe('the rule of the quorum heartbeat', () => {
  it('never trusts a heartbeat that the leader may not have been told of', () => {
    const delays = fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 0, max: 50 }) },
        { weight: 2, arbitrary: fc.integer({ min: 0, max: 2_000 }) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
      ),
      { minLength: 1, maxLength: 120 },
    );
    fc.assert(
      fc.property(delays, fc.integer({ min: 50, max: 3_000 }), (drawn, everyMs) => {
        const relayMs = 1_000;
        const rule = new RelayRule(at(-1), relayMs);
        relay(drawn, { relayMs, everyMs, heartbeats: 30 }, (sentMs, nowMs, toldMs) => {
          rule.acknowledged(at(sentMs), nowMs);
          if (rule.anchor.monotonicMs >= 0) expect(toldMs).toBeGreaterThanOrEqual(rule.anchor.monotonicMs);
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it('lags behind by half a tick and two heartbeats when all is well', () => {
    const rule = new RelayRule(at(0), 1_000);
    for (let sentMs = 1_500; sentMs <= 30_000; sentMs += 1_500) rule.acknowledged(at(sentMs), sentMs + 5);
    expect(30_000 - rule.anchor.monotonicMs).toBe(3_000);
  });
});

describe('a session with a quorum heartbeat', () => {
  const quorum = { heartbeat: 'quorum' as const, sessionTimeoutMs: 10_000, guardMs: 0 };

  it('keeps a holder confirmed for as long as the server answers', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const lease = await ensemble.until(ensemble.lock('/l', {}, quorum).acquire());
    for (let step = 0; step < 60; step += 1) {
      await ensemble.clock.advance(1_000);
      expect(lease.isHeld()).toBe(true);
    }
    // Half a tick and two heartbeats are the price.
    expect(lease.validUntil - ensemble.clock.wallNow()).toBeGreaterThanOrEqual(9_900 - 4_000);
  });

  it('notices that its claim is gone though the watch was lost', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const deaf: ClientFactory = (options) => {
      const client = ensemble.zookeeper.client()(options);
      const getData = client.getData.bind(client);
      return Object.assign(client, { getData: (path: string) => getData(path) });
    };
    const lock = ensemble.lock('/l', {}, { ...quorum, client: deaf });
    const lease = await ensemble.until(lock.acquire());
    await ensemble.clock.advance(100);
    const { signal } = lease;
    const admin = await memoryClient(ensemble.zookeeper, { clock: ensemble.clock });
    await admin.delete(ensemble.claims('/l')[0] ?? '', -1);
    await ensemble.clock.advance(1_000);
    expect(String(signal.reason)).toContain('node-deleted');
    await admin.close();
  });

  it('counts on nothing said after the connection was cut, and is exact again after the next handshake', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const lease = await ensemble.until(ensemble.lock('/l', {}, quorum).acquire());
    await ensemble.clock.advance(20_000);
    const before = lease.validUntil;
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(3_000);
    expect(lease.isHeld()).toBe(true);
    expect(lease.validUntil).toBeGreaterThan(before);
  });

  it('asks again after an answer that proves nothing, and counts on none of it', async () => {
    const stage = await new Stage().connected();
    const heartbeat = new QuorumHeartbeat(stage.clock, 2_000);
    heartbeat.begin(stage.client);
    const handshake = heartbeat.anchor;
    for (let beat = 1; beat <= 5; beat += 1) {
      await stage.clock.settle();
      expect(stage.pipe.requests.filter(({ type }) => type === opcode.multi)).toHaveLength(beat);
      stage.pipe.reply(beat, { error: systemError });
      await stage.clock.advance(SESSION_MS / 10);
    }
    expect(heartbeat.anchor).toEqual(handshake);
    heartbeat.pause();
  });
});
