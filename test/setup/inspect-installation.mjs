// @ts-check
/**
 * Finds the receiver of `@xstate/inspect` with its own XState 4, or installs it in a folder of its own: it is tied to that version,
 * which must not come near ours.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGES = ['@xstate/inspect@0.8.0', 'xstate@4.38.3', 'ws@8.18.3'];

const FOLDER = fileURLToPath(
  new URL('../../node_modules/.cache/xstate-inspect-0.8.0-receiver/', import.meta.url),
);

/** Written when everything is there: an installation that was cut short is made anew. */
const COMPLETE = join(FOLDER, 'complete');

/**
 * The folder to require from. Throws when the packages cannot be had.
 * @returns {string}
 */
export function inspectFolder() {
  if (existsSync(COMPLETE)) return FOLDER;
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'package.json'), '{ "private": true }\n');
  const { status, stderr } = spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error', ...PACKAGES],
    { cwd: FOLDER, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`${PACKAGES.join(', ')} could not be installed: ${stderr}`);
  writeFileSync(COMPLETE, '');
  return FOLDER;
}
