/**
 * Three real servers broken on purpose, under processes that share two locks. `npm run test:chaos` goes on for
 * HOLDFAST_CHAOS_MINUTES; HOLDFAST_CHAOS_SEED chooses what happens.
 */
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/embedded/seeded-random.js';
import { connect } from '../../src/index.js';
import { Ensemble } from './ensemble.js';
import { FAULTS, type Stage } from './faults.js';
import { Workforce } from './workforce.js';

const minutes = Number(process.env['HOLDFAST_CHAOS_MINUTES'] ?? 0);
const seed = Number(process.env['HOLDFAST_CHAOS_SEED'] ?? (Math.random() * 2 ** 31) | 0);

const TICK_MS = 300;
const SESSION_MS = 3_000;
const WORKERS = 5;
const PATHS = ['/chaos/a', '/chaos/b'];
const FAULT_DEADLINE_MS = 150_000;

describe(`locks on three servers that break (HOLDFAST_CHAOS_SEED=${seed})`, () => {
  let stage: Stage;
  const struck = new Map<string, number>();

  beforeAll(async () => {
    const ensemble = await Ensemble.start({ tickTimeMs: TICK_MS });
    const workforce = await Workforce.open({
      seed,
      connectString: ensemble.connectString(),
      connect: {
        sessionTimeoutMs: SESSION_MS,
        connectTimeoutMs: 120_000,
        heartbeat: 'quorum',
        tickMs: TICK_MS,
        guardMs: 0,
      },
      paths: PATHS,
      impatience: 0.1,
      shortStayMs: 40,
      longStays: 0.2,
      longStayMs: SESSION_MS * 1.2,
      pauseMs: 20,
    });
    stage = { ensemble, workforce, sessionMs: SESSION_MS, random: seededRandom(seed) };
    const entered = PATHS.map((path) => workforce.next('enter', (record) => record.path === path));
    for (let count = 0; count < WORKERS; count += 1) workforce.hire();
    await Promise.all(entered);
  }, 120_000);

  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    await using session = connect(stage.ensemble.connectString(), { connectTimeoutMs: 5_000 });
    const lines = await session.linesUnder('/chaos').catch((error: unknown) => String(error));
    const trouble = { standing: stage.workforce.standing.split('\n'), lines };
    process.stdout.write(`${task.name}: ${inspect(trouble, { depth: 6 })}\n`);
  });

  afterAll(async () => {
    await stage.workforce[Symbol.asyncDispose]();
    await stage.ensemble.stop();
  });

  /** Breaks something, heals it, and sees that locks are granted again. */
  async function strike(name: string): Promise<void> {
    const { workforce } = stage;
    struck.set(name, (struck.get(name) ?? 0) + 1);
    await FAULTS[name]!(stage);
    await Promise.all(PATHS.map((path) => workforce.next('enter', (record) => record.path === path)));
    expect(workforce.history.overlaps()).toEqual([]);
    expect(workforce.history.tokensOutOfOrder()).toEqual([]);
    expect(workforce.complaints).toBe('');
  }

  it.each(Object.keys(FAULTS))(
    'have one holder at a time, and go on, after %s',
    async (name) => {
      await strike(name);
    },
    FAULT_DEADLINE_MS,
  );

  it(
    `and after faults in any order, for ${minutes} minutes`,
    async () => {
      const until = performance.now() + minutes * 60_000;
      const names = Object.keys(FAULTS);
      while (performance.now() < until) await strike(names[Math.floor(stage.random() * names.length)]!);
    },
    minutes * 60_000 + FAULT_DEADLINE_MS,
  );

  it('have served everybody in the end, counted right and left nothing behind', async () => {
    const { ensemble, workforce } = stage;
    const { history } = workforce;
    const workers = workforce.names;
    await workforce.finish();
    for (const path of PATHS) {
      expect(history.miscounted(path, await workforce.counter(path))).toEqual([]);
      for (const worker of workers) expect(history.served).toContain(`${worker} ${path}`);
    }
    expect(history.overlaps()).toEqual([]);
    expect(history.tokensOutOfOrder()).toEqual([]);
    // Too late, or lost in the moment it was won.
    const expected = ['LOCK_TIMEOUT', 'LOCK_LOST'];
    expect([...history.refusals.keys()].filter((code) => !expected.includes(code))).toEqual([]);
    await using session = connect(ensemble.connectString());
    for (const path of PATHS) await emptied(session, path);
    report();
  }, 120_000);

  function report(): void {
    const { history } = stage.workforce;
    const lines = [
      `seed ${seed}: ${[...struck.values()].reduce((sum, each) => sum + each, 0)} faults`,
      ...[...struck].map(([name, count]) => `  ${count} × ${name}`),
      `  stays ${history.stays.size}, hand-overs ${history.handOvers}, sessions lost ${history.sessionsLost}, ` +
        `acquires that timed out ${history.refusals.get('LOCK_TIMEOUT') ?? 0}, lost as they were won ${history.refusals.get('LOCK_LOST') ?? 0}, late writes refused ${history.refusedWrites}`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  }
});

/** Resolves when nobody stands in line: claims of the dead go with their sessions. */
function emptied(session: ReturnType<typeof connect>, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const subscription = session.contention(path).subscribe({
      next: ({ contenders }) => {
        if (contenders.length > 0) return;
        queueMicrotask(() => subscription.unsubscribe());
        resolve();
      },
      error: reject,
    });
  });
}
