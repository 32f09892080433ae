// @ts-check
/**
 * Storybook over our stories, with what it needs: its packages are this folder's own, so that nobody else installs them.
 * `node stories/storybook.mjs dev`, `build` (into `storybook-static/`) or `check` (types).
 */
import { join } from 'node:path';
import process, { argv, execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { ensureInstalled, root, run, StepError, say } from '../src/cli/bootstrap.mjs';

/** Where the built stories are. */
export const builtStories = join(root, 'storybook-static');

const folder = join(root, 'stories');

/** Installs the packages of Storybook if they are missing or others. */
export async function ensureStorybook() {
  await ensureInstalled(folder, "Storybook's packages");
}

/** @param {string[]} args */
const storybook = (...args) =>
  run(execPath, [
    join(folder, 'node_modules/storybook/dist/bin/dispatcher.js'),
    ...args,
    `--config-dir=${join(folder, '.storybook')}`,
  ]);

/** Builds the pages that show all stories. */
export async function buildStories() {
  await ensureStorybook();
  const code = await storybook('build', `--output-dir=${builtStories}`, '--quiet');
  if (code !== 0) throw new StepError('the stories were not built: Storybook says above why');
}

/**
 * @param {string} command
 * @param {string[]} args
 */
async function main(command, args) {
  await ensureInstalled();
  if (command === 'build') return buildStories();
  await ensureStorybook();
  process.exitCode =
    command === 'check'
      ? await run(execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder])
      : await storybook(command, '--no-open', ...args);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main(argv[2] ?? 'dev', argv.slice(3));
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
