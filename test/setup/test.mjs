// @ts-check
/**
 * `npm test`: installs what is missing, a real Apache ZooKeeper included, then checks and tests everything against
 * it. Its last line says how many passed and failed, a check counting as one. Arguments go to vitest.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process, { argv, env, execPath } from 'node:process';
import { ensureBuilt, ensureInstalled, root, run, StepError, say, timed } from '../../src/cli/bootstrap.mjs';
import { ensureStorybook } from '../../stories/storybook.mjs';
import { findNativePackages, installNativePackage, NATIVE_REMEDY } from './native-installation.mjs';
import { checkPeerPackages, missingPeerPackages } from './peers-installation.mjs';
import { findInstallation, installOnDebian, REMEDY } from './zookeeper-installation.mjs';

async function ensureZooKeeper() {
  const given = env['HOLDFAST_TEST_ZOOKEEPER'];
  if (given) return `the one at ${given} (HOLDFAST_TEST_ZOOKEEPER)`;
  if (findInstallation() === undefined) {
    say("installing Debian's package zookeeper, once");
    await timed('ZooKeeper installed', () => Promise.resolve(installOnDebian('zookeeper')));
  }
  const installation = findInstallation();
  if (installation === undefined) throw new StepError(REMEDY);
  return installation.from;
}

/** Programs that single tests run, each named as Debian's package: where one cannot be had, its test says so. */
const PROGRAMS = ['openssl', 'redis-server', 'chromium'];

/** Those, and the other languages' clients, without which nothing is shown of the lines that we share. */
async function ensurePrograms() {
  const missing = [
    ...PROGRAMS.filter((program) => spawnSync(program, ['--version']).error !== undefined),
    ...missingPeerPackages(),
  ];
  if (missing.length > 0) {
    say(`installing ${missing.join(', ')}, once`);
    await timed('installed', () => Promise.resolve(installOnDebian(...missing)));
  }
  try {
    checkPeerPackages();
  } catch (error) {
    throw new StepError(error instanceof Error ? error.message : String(error));
  }
}

async function ensureNativePackage() {
  if (findNativePackages() !== undefined) return;
  say('installing the npm package zookeeper, which is compiled, once');
  const installed = await timed('the native client installed', () => Promise.resolve(installNativePackage()));
  if (!installed) throw new StepError(NATIVE_REMEDY);
}

/** @param {number} code The exit code of a step; one of a signal ends the whole run. */
function stopIfEnded(code) {
  if (code > 128) throw new StepError('stopped by a signal');
}

/**
 * @param {string} what
 * @param {string[]} command A package's program, from `node_modules`, and its arguments.
 */
async function check(what, [program = '', ...args]) {
  const code = await timed(what, () => run(execPath, [join(root, 'node_modules', program), ...args]));
  stopIfEnded(code);
  if (code !== 0) say(`${what}: failed, see above`);
  return code === 0;
}

/**
 * @typedef {object} Told What vitest's report says, as far as it is read here.
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {{ status: string, assertionResults: unknown[] }[]} testResults
 */

/** Runs vitest and counts: a file that does not load, or an error outside any test, is a failure too. */
async function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  const report = join(folder, 'report.json');
  try {
    const code = await run(execPath, [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--config=.config/vitest.config.ts',
      '--project=unit',
      '--project=simulation',
      '--project=real',
      '--project=interop',
      '--project=ensemble',
      '--project=browser',
      '--project=storybook',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...argv.slice(2),
    ]);
    stopIfEnded(code);
    if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
    /** @type {Told} */
    const told = JSON.parse(readFileSync(report, 'utf8'));
    const unloaded = told.testResults.filter(
      (file) => file.status === 'failed' && file.assertionResults.length === 0,
    ).length;
    const failed = told.numFailedTests + unloaded;
    return {
      passed: told.numPassedTests,
      failed: failed === 0 && code !== 0 ? 1 : failed,
      skipped: told.numPendingTests + told.numTodoTests,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await ensureInstalled();
  say(`real ZooKeeper: ${await ensureZooKeeper()}`);
  await ensurePrograms();
  await ensureNativePackage();
  await ensureStorybook();
  // The benchmark is typed against the built files, as its user's process loads them.
  await ensureBuilt();
  const checks = [
    await check('types', ['typescript/bin/tsc', '-p', '.config/tsconfig.check.json']),
    await check('types of the stories', ['typescript/bin/tsc', '-p', 'stories']),
    await check('lint', ['eslint/bin/eslint.js', '--config', '.config/eslint.config.mjs', '.']),
    await check('format', ['@biomejs/biome/bin/biome', 'check', '--config-path=.config', '.']),
  ];
  const tests = await runTests();
  const passed = tests.passed + checks.filter((good) => good).length;
  const failed = tests.failed + checks.filter((good) => !good).length;
  say(`${passed} passed, ${failed} failed${tests.skipped > 0 ? `, ${tests.skipped} skipped` : ''}`);
  if (failed > 0) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof StepError)) throw error;
  say(error.message);
  say('0 passed, 1 failed');
  process.exitCode = 1;
}
