/** A real Redis as a child process, on a socket of its own; and as much of its protocol as it takes to ask it something. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Undertaker } from './undertaker.js';

const REMEDY =
  'The tests need a real Redis: put redis-server on the PATH, or, on Debian, run `apt-get install redis-server`.';

export interface RealRedis {
  /** Sends one command. Resolves with its answer as text; rejects with what Redis calls an error. */
  ask(...command: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

export async function startRealRedis(): Promise<RealRedis> {
  if (spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status !== 0) throw new Error(REMEDY);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-redis-'));
  const undertaker = new Undertaker(folder);
  const path = join(folder, 'socket');
  const args = ['--port', '0', '--unixsocket', path, '--dir', folder, '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  undertaker.watch(server.pid);
  const stop = async (): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null) {
      const gone = once(server, 'exit');
      server.kill('SIGKILL');
      await gone;
    }
    undertaker.forget(server.pid);
    await undertaker.dismiss();
  };
  try {
    await ready(server);
    const socket = connect(path);
    await once(socket, 'connect');
    return {
      ask: (...command) => ask(socket, command),
      stop: async () => {
        socket.destroy();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ready({ stdout }: ChildProcess): Promise<void> {
  if (stdout === null) throw new Error('redis-server was started with a pipe');
  const said: string[] = [];
  for await (const line of createInterface({ input: stdout })) {
    said.push(line);
    if (/ready to accept connections/i.test(line)) {
      stdout.resume();
      return;
    }
  }
  throw new Error(`redis-server ended:\n${said.join('\n')}`);
}

/** RESP: an array of strings goes out; an error, a status or a string comes back. One command at a time. */
async function ask(socket: Socket, command: readonly string[]): Promise<string> {
  socket.write(
    [`*${command.length}`, ...command.flatMap((word) => [`$${Buffer.byteLength(word)}`, word]), ''].join(
      '\r\n',
    ),
  );
  let answer = '';
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    answer += chunk.toString('utf8');
    const [, kind, line = '', rest = ''] = /^([-+:$])([^\r]*)\r\n(.*)$/s.exec(answer) ?? [];
    if (kind === '-') throw new Error(line);
    if (kind === '+' || kind === ':') return line;
    if (kind === '$' && (line === '-1' || rest.endsWith('\r\n'))) return rest.slice(0, -2);
  }
}
