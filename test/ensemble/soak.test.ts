/**
 * Nothing is left behind by thousands of acquires, or by hundreds of thousands: `npm run soak` runs HOLDFAST_SOAK_CYCLES of
 * them, and writes docs/soak.md.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { startRealZooKeeper } from '../setup/real-zookeeper.js';

const SHORT = 3_000;
const cycles = Number(process.env['HOLDFAST_SOAK_CYCLES'] ?? SHORT);
const SOAK = fileURLToPath(new URL('./soak.mjs', import.meta.url));
const REPORT = fileURLToPath(new URL('../../docs/soak.md', import.meta.url));

/** What one line of soak.mjs says. */
interface Sample {
  readonly cycles: number;
  readonly handOvers: number;
  readonly timedOut: number;
  readonly aborted: number;
  readonly busy: number;
  readonly znodes: number;
  readonly ephemerals: number;
  readonly watches: number;
  readonly connections: number;
  readonly heapBytes: number;
  readonly fds: number;
  readonly timers: number;
}

const MEGABYTE = 2 ** 20;

it(
  `leaves no znode, watch, timer, descriptor or memory behind, in ${cycles} cycles`,
  async () => {
    // Lock paths stay, so that every sample counts the same nodes.
    const server = await startRealZooKeeper({ containerCheckIntervalMs: 3_600_000 });
    onTestFinished(() => server.stop());
    const child = spawn(process.execPath, ['--expose-gc', SOAK, server.connectString, String(cycles)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const samples: Sample[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => samples.push(JSON.parse(line) as Sample));
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(0);
    if (cycles > SHORT) writeFileSync(REPORT, report(samples));

    expect(samples).toHaveLength(10);
    const first = samples[0]!;
    for (const sample of samples) {
      const { znodes, ephemerals, watches, connections, fds, timers } = sample;
      expect({ znodes, ephemerals, watches, connections, fds, timers }).toEqual({
        znodes: first.znodes,
        ephemerals: 0,
        watches: 0,
        connections: first.connections,
        fds: first.fds,
        timers: first.timers,
      });
    }
    expect(samples.at(-1)!.cycles).toBeGreaterThanOrEqual(cycles);
    // The first half also compiled the code.
    expect(samples.at(-1)!.heapBytes - samples[4]!.heapBytes).toBeLessThan(MEGABYTE);
  },
  // What does not go on ends by itself, long before.
  300_000 + cycles * 20,
);

function report(samples: readonly Sample[]): string {
  const { timedOut, aborted, busy, handOvers, cycles: done } = samples.at(-1)!;
  const row = (sample: Sample) =>
    `| ${sample.cycles} | ${sample.znodes} | ${sample.ephemerals} | ${sample.watches} | ${(sample.heapBytes / MEGABYTE).toFixed(2)} MB | ${sample.fds} | ${sample.timers} |`;
  return `# Soak

Written by \`npm run soak\`; do not edit. Six sessions in one process, with two lock paths: twelve contenders that acquire and release as fast as
they can, on one real Apache ZooKeeper. Sixteen of twenty turns are \`acquire()\` and \`release()\`; the others subscribe and unsubscribe,
\`tryAcquire()\`, have a deadline of a millisecond, or are aborted. Each row was read when nobody held or waited, after a garbage collection.

In all ${done} cycles with ${handOvers} hand-overs to another session; ${timedOut} acquires timed out, ${aborted} were aborted, ${busy} found the lock taken.

| cycles | znodes | ephemerals | watches at the server | heap | file descriptors | timers |
| --- | --- | --- | --- | --- | --- | --- |
${samples.map(row).join('\n')}
`;
}
