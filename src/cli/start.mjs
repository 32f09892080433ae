// @ts-check
/** `npm start`: installs and builds what is missing, then runs `holdfast demo` with the arguments given. */
import { join } from 'node:path';
import process, { argv, execPath } from 'node:process';
import { ensureBuilt, ensureInstalled, root, run, StepError, say } from './bootstrap.mjs';

try {
  await ensureInstalled();
  await ensureBuilt();
  process.exitCode = await run(execPath, [join(root, 'dist/src/cli/main.js'), 'demo', ...argv.slice(2)]);
} catch (error) {
  if (!(error instanceof StepError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
