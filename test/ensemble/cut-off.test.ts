/**
 * T37: a follower that is cut off from the leader goes on answering pings, while the leader ends the sessions on it. Measured
 * for both heartbeats; `npm run test:chaos` repeats it and prints by how much a holder was wrong.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Ensemble } from './ensemble.js';
import type { Stay } from './history.js';
import { Workforce } from './workforce.js';

const long = Number(process.env['HOLDFAST_CHAOS_MINUTES'] ?? 0) > 0;
const RUNS = long ? 10 : 1;

const TICK_MS = 400;
/** Six seconds until the follower notices: two sessions. */
const SYNC_LIMIT = 15;
const SESSION_MS = 3_000;
const RUN_DEADLINE_MS = 120_000;

/** What came of one run. */
interface Outcome {
  readonly holder: Stay;
  readonly next: Stay;
  /** For so long the holder still believed after the next had entered; negative: so long before, it did not any more. */
  readonly excessMs: number;
  readonly refusedWrites: number;
}

describe('a holder on a follower that is cut off from the leader', () => {
  let ensemble: Ensemble;
  let runs = 0;

  beforeAll(async () => {
    ensemble = await Ensemble.start({ tickTimeMs: TICK_MS, syncLimit: SYNC_LIMIT });
  }, 120_000);

  afterAll(async () => {
    await ensemble.stop();
  });

  async function cutOffUnderHolder(heartbeat: 'ping' | 'quorum'): Promise<Outcome> {
    const [follower] = await ensemble.followers();
    const path = `/cut-off/${(runs += 1)}`;
    await using workforce = await Workforce.open({
      seed: runs,
      connectString: ensemble.connectString([await ensemble.leader()]),
      connect: { sessionTimeoutMs: SESSION_MS, heartbeat, tickMs: TICK_MS, guardMs: 0 },
      paths: [path],
      impatience: 0,
      shortStayMs: 1_000,
      longStays: 0,
      longStayMs: Number.MAX_SAFE_INTEGER,
      pauseMs: 0,
    });
    const entered = workforce.next('enter');
    const holder = workforce.hire({ connectString: ensemble.connectString([follower!]), longStays: 1 });
    const { stay: held } = await entered;
    const connected = workforce.next('connected');
    const next = workforce.hire();
    await connected;
    const nextEntered = workforce.next('enter', ({ worker }) => worker === next);
    const left = workforce.next('left', ({ worker }) => worker === holder);
    ensemble.cutOff(follower!);
    const [{ stay: granted }] = await Promise.all([nextEntered, left]);
    const { history } = workforce;
    const outcome = { holder: history.stays.get(held)!, next: history.stays.get(granted)! };
    const excessMs = Number(outcome.holder.lastNs - outcome.next.firstNs) / 1e6;
    await ensemble.heal();
    return { ...outcome, excessMs, refusedWrites: history.refusedWrites };
  }

  function report(heartbeat: string, outcomes: readonly Outcome[]): void {
    const excess = outcomes.map(({ excessMs }) => Math.round(excessMs)).sort((a, b) => a - b);
    const refused = outcomes.reduce((sum, { refusedWrites }) => sum + refusedWrites, 0);
    process.stdout.write(
      `heartbeat ${heartbeat}: believed after the next grant, ms: ${excess.join(' ')}; late writes refused: ${refused}\n`,
    );
  }

  it(
    'does not believe any more when the next one enters, with a quorum heartbeat',
    async () => {
      const outcomes: Outcome[] = [];
      while (outcomes.length < RUNS) outcomes.push(await cutOffUnderHolder('quorum'));
      report('quorum', outcomes);
      expect(outcomes.filter(({ excessMs }) => excessMs >= 0)).toEqual([]);
      expect(outcomes.filter(({ refusedWrites }) => refusedWrites > 0)).toEqual([]);
    },
    RUNS * RUN_DEADLINE_MS,
  );

  it(
    'may still believe, with a ping, but its token is smaller, so its late writes are refused',
    async () => {
      const outcomes: Outcome[] = [];
      while (outcomes.length < RUNS) outcomes.push(await cutOffUnderHolder('ping'));
      report('ping', outcomes);
      for (const { holder, next, excessMs, refusedWrites } of outcomes) {
        expect(next.token).toBeGreaterThan(holder.token);
        // Long enough for a write to come between two looks.
        if (excessMs > 200) expect(refusedWrites).toBeGreaterThan(0);
      }
    },
    RUNS * RUN_DEADLINE_MS,
  );
});
