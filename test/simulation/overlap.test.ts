/**
 * What ZooKeeper itself allows is said, not hidden: a follower that is cut off from its leader answers pings for a session that the
 * leader has ended (T37), and whoever believes until the session is known to be over believes too long. Then two believe at once,
 * and the fencing token is what refuses the stale one.
 */
import { describe, expect, it } from 'vitest';
import { runHistory } from './history.js';

const SEEDS = Array.from({ length: 100 }, (_, index) => index + 1);

describe.each([
  ['a ping heartbeat, and a follower that is cut off from its leader (T37)', 'isolated-ping'],
  ["onSuspend: 'session'", 'session-policy'],
] as const)('with %s', (_, profile) => {
  it('two believe at once, and the token refuses the stale one', async () => {
    let overlaps = 0;
    let refused = 0;
    let letThrough = 0;
    for (const seed of SEEDS) {
      const report = await runHistory(seed, { profile });
      expect(report.broken?.message).toBeUndefined();
      overlaps += report.overlaps;
      refused += report.refusedInGoodFaith;
      letThrough += report.staleAccepted;
      if (overlaps > 0 && refused > 0) break;
    }
    expect(overlaps).toBeGreaterThan(0);
    expect(refused).toBeGreaterThan(0);
    expect(letThrough).toBe(0);
  });
});

it('asked of the quorum, the same followers never let two believe at once', async () => {
  for (const seed of SEEDS.slice(0, 60)) {
    const { broken, overlaps } = await runHistory(seed, { profile: 'isolated-alike' });
    expect(broken?.message).toBeUndefined();
    expect(overlaps).toBe(0);
  }
});
