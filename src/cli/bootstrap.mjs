// @ts-check
/**
 * What `npm start` and `npm test` need before any package exists: install and build, each only when missing or
 * stale. Node alone runs it. It never asks anything. `node src/cli/bootstrap.mjs` is `npm run build`.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import process, { argv, execPath, hrtime, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';

/** The package's folder, with a slash at its end. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

const ENDING_SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/** A step failed; the message says which, and the step itself has said why. */
export class StepError extends Error {}

/** @param {string} line */
export const say = (line) => void stdout.write(`${line}\n`);

/**
 * Runs `step` and says in one line what it did and how long that took.
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} step
 * @returns {Promise<T>}
 */
export async function timed(what, step) {
  const began = hrtime.bigint();
  const result = await step();
  say(`${what}: ${(Number(hrtime.bigint() - began) / 1e9).toFixed(1)} s`);
  return result;
}

/**
 * Runs a command with this terminal's input and output, passes on the signals that end processes, and returns its
 * exit code: 128 + n when signal n ended it.
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>}
 */
export function run(command, args, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env });
    const passOn = ENDING_SIGNALS.map((signal) => {
      const listener = () => void child.kill(signal);
      process.on(signal, listener);
      return () => process.off(signal, listener);
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      for (const stop of passOn) stop();
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  });
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean, peer?: boolean }>}
 */
function lockedPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? {};
  } catch {
    return {};
  }
}

/**
 * Whether `node_modules` holds what the lockfile asks for; npm itself writes down what it installed.
 * @param {string} folder
 */
function installed(folder) {
  const here = lockedPackages(join(folder, 'node_modules/.package-lock.json'));
  return Object.entries(lockedPackages(join(folder, 'package-lock.json'))).every(
    ([path, wanted]) =>
      path === '' ||
      (wanted.optional === true && !(path in here)) ||
      here[path]?.integrity === wanted.integrity,
  );
}

/**
 * Installs the locked packages of the package in `folder` if they are missing or others.
 * @param {string} what
 */
export async function ensureInstalled(folder = root, what = 'packages') {
  if (installed(folder)) return;
  say(`installing ${what} (npm ci), once`);
  await timed(`${what} installed`, async () => {
    if ((await run('npm', ['ci', '--loglevel=error', `--prefix=${folder}`])) !== 0) {
      throw new StepError('npm ci failed: see its message above; is a package registry reachable?');
    }
  });
}

const STAMP = join(root, 'dist/.built-from');

/** One hash over everything that the build reads. */
function sourcesHash() {
  const hash = createHash('sha256');
  const sources = ['src', 'machines'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(tsx?|css|html)$/.test(file))
      .map((file) => join(folder, file)),
  );
  const settings = [
    'tsconfig.json',
    '.config/bundle-for-node.mjs',
    '.config/vite.page.config.mjs',
    'package-lock.json',
  ];
  for (const file of [...sources.sort(), ...settings]) {
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** @returns {string | undefined} */
function builtFrom() {
  try {
    return readFileSync(STAMP, 'utf8');
  } catch {
    return undefined;
  }
}

/** Compiles into `dist` if it is missing or made from other sources. */
export async function ensureBuilt() {
  const hash = sourcesHash();
  if (builtFrom() === hash) return;
  say('building (tsc, rolldown for Node, and vite for the dashboard)');
  await timed('built', async () => {
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    if ((await run(execPath, [join(root, 'node_modules/typescript/bin/tsc')])) !== 0) {
      throw new StepError('the build failed: the compiler says above what is wrong');
    }
    if ((await run(execPath, [join(root, '.config/bundle-for-node.mjs')])) !== 0) {
      throw new StepError('the bundles for Node were not made: the bundler says above what is wrong');
    }
    const vite = [
      join(root, 'node_modules/vite/bin/vite.js'),
      'build',
      '--config=.config/vite.page.config.mjs',
    ];
    // A test run's own NODE_ENV would make it React's development build, half as large again.
    if ((await run(execPath, vite, { ...process.env, NODE_ENV: 'production' })) !== 0) {
      throw new StepError("the dashboard's build failed: the bundler says above what is wrong");
    }
    copyFileSync(join(root, 'src/dashboard/dashboard.css'), join(root, 'dist/src/dashboard/dashboard.css'));
    writeFileSync(STAMP, hash);
  });
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await ensureInstalled();
    await ensureBuilt();
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
