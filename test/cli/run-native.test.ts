/** `holdfast run --client native`: what the npm package `zookeeper` does to its process must not reach the command. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, inject, it, onTestFinished } from 'vitest';
import { findNativePackages } from '../setup/native-installation.mjs';
import { holder, inLine, observer } from './observer.js';
import { stage } from './stage.js';

const zookeeper = inject('zookeeper');
const NATIVE = ['--client', 'native', '--connect', zookeeper, '--session-timeout', '4000'];
/** Where the command finds the package: not among its own. */
const env = { NODE_PATH: findNativePackages() ?? '' };

it('lets commands take turns, in line with those of the other client', async () => {
  const on = await stage();
  const session = observer(zookeeper);
  const path = '/cli/native/turns';
  const first = on.holdfast(['run', path, ...NATIVE, '--', ...on.watched()], env);
  const alice = await on.witness();
  expect(BigInt(alice.token)).toBe((await holder(session, path)).czxid << 10n);
  const lease = session.lock(path).acquire();
  await inLine(session, path, 2);
  const second = on.holdfast(['run', path, ...NATIVE, '--', ...on.watched()], env);
  await inLine(session, path, 3);
  const order: string[] = [];
  void alice.gone.then(() => order.push('alice gone'));
  alice.finish();
  const between = await lease;
  expect(order).toEqual(['alice gone']);
  expect(between.fencingToken).toBeGreaterThan(BigInt(alice.token));
  await between.release();
  const bob = await on.witness();
  expect(BigInt(bob.token)).toBeGreaterThan(between.fencingToken);
  bob.finish();
  expect([(await first.ended).code, (await second.ended).code]).toEqual([0, 0]);
  await inLine(session, path, 0);
});

it('ends the command when run is killed, before the next one holds', async () => {
  const on = await stage();
  const session = observer(zookeeper);
  const path = '/cli/native/killed';
  const running = on.holdfast(['run', path, ...NATIVE, '--', ...on.watched('ignore', 'child')], env);
  const [command, grandchild] = await on.witnesses('command', 'grandchild');
  const order: string[] = [];
  for (const { role, gone } of [command, grandchild]) void gone.then(() => order.push(`${role} gone`));
  const next = session.lock(path).acquire();
  await inLine(session, path, 2);
  running.child.kill('SIGKILL');
  await next;
  expect(order.sort()).toEqual(['command gone', 'grandchild gone']);
  await running.ended;
});

it('says what to install when the package is not there, and 64', async () => {
  const on = await stage();
  const ended = await on.holdfast(['run', '/cli/native/none', ...NATIVE, '--', 'true'], { NODE_PATH: '' })
    .ended;
  expect(ended).toMatchObject({ code: 64, stdout: '' });
  expect(ended.stderr).toMatch(/^holdfast: --client is "native": [^\n]*npm install zookeeper[^\n]*\n$/);
});

it('says what to do when the package was installed without being built, and 64', async () => {
  const packages = findNativePackages() ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-unbuilt-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  // What `npm install --ignore-scripts` leaves.
  cpSync(join(packages, 'zookeeper'), join(folder, 'zookeeper'), {
    recursive: true,
    filter: (path) => !['build', 'deps'].includes(basename(path)),
  });
  const on = await stage();
  const unbuilt = { NODE_PATH: `${folder}:${packages}` };
  const ended = await on.holdfast(['run', '/cli/native/none', ...NATIVE, '--', 'true'], unbuilt).ended;
  expect(ended).toMatchObject({ code: 64, stdout: '' });
  expect(ended.stderr).toMatch(/^holdfast: --client is "native": [^\n]*not built[^\n]*npm rebuild[^\n]*\n$/);
});
