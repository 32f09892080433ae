// @ts-check
/**
 * Finds the receivers of the two inspection protocols, each with the XState it is tied to, or installs them: each in a folder of
 * its own, which must not come near ours.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** By the folder's name. */
const RECEIVERS = {
  'xstate-inspect-0.8.0-receiver': ['@xstate/inspect@0.8.0', 'xstate@4.38.3', 'ws@8.18.3'],
  'statelyai-inspect-0.7.2-receiver': ['@statelyai/inspect@0.7.2', 'xstate@5.33.3', 'ws@8.20.0'],
};

/**
 * The folder to require from. Throws when the packages cannot be had.
 * @param {keyof typeof RECEIVERS} name
 * @returns {string}
 */
export function inspectFolder(name) {
  const folder = fileURLToPath(new URL(`../../node_modules/.cache/${name}/`, import.meta.url));
  // Written when everything is there: an installation that was cut short is made anew.
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return folder;
  const packages = RECEIVERS[name];
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const { status, stderr } = spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error', ...packages],
    { cwd: folder, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`${packages.join(', ')} could not be installed: ${stderr}`);
  writeFileSync(complete, '');
  return folder;
}
