// @ts-check
/**
 * A command that is watched: tells a TCP port who and what it is and which signals reach it, as JSON lines. The
 * connection's end is its own end, which nothing else of it could prolong.
 * Arguments: port, what TERM does (`obey` or `ignore`), `child` to bring a second one of the same kind.
 */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import process, { argv, env, execPath, pid, ppid } from 'node:process';

const [, script = '', port, manner = 'obey', child] = argv;
const socket = connect(Number(port), '127.0.0.1');
/** @param {object} news */
const say = (news) => void socket.write(`${JSON.stringify(news)}\n`);

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    say({ signal });
    if (manner === 'obey') socket.end(() => process.exit(3));
  });
}
// The test has gone: so do we.
socket.on('error', () => process.exit(4));
socket.on('connect', () => {
  say({
    pid,
    ppid,
    role: env['WITNESS_ROLE'] ?? 'command',
    claimPath: env['HOLDFAST_CLAIM_PATH'],
    lockPath: env['HOLDFAST_LOCK_PATH'],
    token: env['HOLDFAST_FENCING_TOKEN'],
  });
  if (child === 'child') {
    spawn(execPath, [script, String(port), manner], {
      stdio: 'inherit',
      env: { ...env, WITNESS_ROLE: 'grandchild' },
    });
  }
  if (child === 'leave') {
    spawn(execPath, [script, String(port), manner], {
      stdio: 'inherit',
      env: { ...env, WITNESS_ROLE: 'leftover' },
    });
  }
});
// A line from the test ends it in order.
socket.on('data', () => socket.end(() => process.exit(0)));
