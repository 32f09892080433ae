/** What the tests of `holdfast run` need: the bin as a child process, and a gallery where its commands are watched. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
const WITNESS = fileURLToPath(new URL('./witness.mjs', import.meta.url));

/** How a call of the bin ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `holdfast …`, running. */
export interface Running {
  readonly child: ChildProcess;
  /** Resolves when it has ended and nobody it started holds its output any more: guardian, command, grandchildren. */
  readonly ended: Promise<Ended>;
}

/** Something that a witness said first of all. */
export interface Introduction {
  readonly pid: number;
  readonly ppid: number;
  readonly role: string;
  readonly claimPath: string;
  readonly lockPath: string;
  readonly token: string;
}

/** A watched command. */
export interface Witness extends Introduction {
  readonly signals: NodeJS.Signals[];
  /** Resolves at its first signal. */
  readonly signalled: Promise<NodeJS.Signals>;
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
  /** Asks it to end with 0. */
  finish(): void;
}

/** Everything of one test, and its end. */
export class Stage implements AsyncDisposable {
  /** The built bin. */
  readonly main = MAIN;
  readonly #children = new Set<ChildProcess>();
  readonly #pids = new Set<number>();
  readonly #sockets = new Set<Socket>();
  readonly #arrived: Witness[] = [];
  readonly #awaited: ((witness: Witness) => void)[] = [];
  #gallery: Server | undefined;
  #port = 0;
  #failed: (ended: Ended) => void = () => undefined;

  static async open(): Promise<Stage> {
    const stage = new Stage();
    stage.#gallery = createServer((socket) => {
      stage.#seat(socket);
    }).listen(0, '127.0.0.1');
    await once(stage.#gallery, 'listening');
    stage.#port = (stage.#gallery.address() as { port: number }).port;
    return stage;
  }

  /** Starts `holdfast` with these arguments. */
  holdfast(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    return this.start(process.execPath, [MAIN, ...args], env);
  }

  /** Starts anything. */
  start(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    const child = spawn(file, args, { env: { ...process.env, ...env } });
    this.#children.add(child);
    const texts = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text));
    child.stdin.on('error', () => undefined);
    const ended = once(child, 'close').then(([code, signal]) => ({
      ...texts,
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }));
    void ended.then((how) => {
      if (how.code !== 0) this.#failed(how);
    });
    return { child, ended };
  }

  /** A command line for `run` that will be {@link Stage.witness}. */
  watched(manner: 'obey' | 'ignore' = 'obey', company: 'alone' | 'child' | 'leave' = 'alone'): string[] {
    return [process.execPath, WITNESS, String(this.#port), manner, company];
  }

  /** The next witness to arrive. Rejects when a program that could bring it fails instead. */
  witness(): Promise<Witness> {
    const present = this.#arrived.shift();
    if (present !== undefined) return Promise.resolve(present);
    return new Promise((resolve, reject) => {
      this.#awaited.push(resolve);
      this.#failed = ({ code, signal, stderr }) => {
        reject(new Error(`nobody came, but a program ended (${String(code ?? signal)}): ${stderr}`));
      };
    });
  }

  /** Two of them, by what they are. */
  async witnesses(role: string, other: string): Promise<[Witness, Witness]> {
    const both = [await this.witness(), await this.witness()];
    return [both.find((each) => each.role === role)!, both.find((each) => each.role === other)!];
  }

  #seat(socket: Socket): void {
    this.#sockets.add(socket);
    const signals: NodeJS.Signals[] = [];
    let hear: (signal: NodeJS.Signals) => void = () => undefined;
    const signalled = new Promise<NodeJS.Signals>((resolve) => (hear = resolve));
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined);
    createInterface({ input: socket }).on('line', (line) => {
      const news = JSON.parse(line) as Introduction & { signal?: NodeJS.Signals };
      if (news.signal !== undefined) {
        signals.push(news.signal);
        hear(news.signal);
        return;
      }
      this.#pids.add(news.pid);
      void gone.then(() => this.#pids.delete(news.pid));
      const witness: Witness = { ...news, signals, signalled, gone, finish: () => void socket.write('\n') };
      const next = this.#awaited.shift();
      if (next === undefined) this.#arrived.push(witness);
      else next(witness);
    });
  }

  /** Whatever a failed test left. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) if (child.exitCode === null) child.kill('SIGKILL');
    for (const pid of this.#pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It went by itself in this moment.
      }
    }
    for (const socket of this.#sockets) socket.destroy();
    this.#gallery?.close();
    for (const child of this.#children) {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  }
}

/** A stage for the test that asks, cleared after it. */
export async function stage(): Promise<Stage> {
  const opened = await Stage.open();
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}
