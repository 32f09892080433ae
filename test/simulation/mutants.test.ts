/**
 * The checkers bite: every rule of the product that is switched off is found, by the checker that is meant to find it, within a few
 * hundred histories.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MUTANTS } from './mutants.mjs';

interface Told {
  readonly mutant: string;
  readonly seed?: number;
  readonly runs: number;
  readonly error?: string;
}

interface Resolvable {
  readonly promise: Promise<Told>;
  readonly resolve: (told: Told) => void;
  readonly reject: (reason: Error) => void;
}

/** As Promise.withResolvers, which node 20 does not have. */
function resolvable(): Resolvable {
  let resolve: Resolvable['resolve'] = () => undefined;
  let reject: Resolvable['reject'] = () => undefined;
  const promise = new Promise<Told>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Each test hears of it in its turn.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

const names = Object.keys(MUTANTS);
const told = new Map<string, Resolvable>();
let child: ChildProcess | undefined;

beforeAll(() => {
  for (const name of names) told.set(name, resolvable());
  child = spawn(process.execPath, [fileURLToPath(new URL('try-mutants.mjs', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('the child has no output');
  createInterface(child.stdout).on('line', (line) => {
    const one = JSON.parse(line) as Told;
    told.get(one.mutant)?.resolve(one);
  });
  child.once('exit', (code) => {
    for (const { reject } of told.values())
      reject(new Error(`the process that tries mutants ended with ${code}`));
  });
});

afterAll(() => {
  child?.kill('SIGKILL');
});

it.each(names)('%s: that is found', { timeout: 240_000 }, async (name) => {
  const { error, seed, runs } = await (told.get(name) as Resolvable).promise;
  expect(error).toBeUndefined();
  expect(seed, `nothing broke in ${runs} histories`).toBeDefined();
});

it('there are enough of them', () => {
  expect(names.length).toBeGreaterThanOrEqual(12);
});
