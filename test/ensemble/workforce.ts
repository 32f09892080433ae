/** Worker processes that share locks, the counters and registers that these guard, and everything they said. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Undertaker } from '../setup/undertaker.js';
import { History, type HistoryRecord, type WorkerTask } from './history.js';

const WORKER = fileURLToPath(new URL('./worker.mjs', import.meta.url));
const COUNTER_BYTES = 12;

/** What all workers of a workforce have in common. */
export type WorkforceOptions = Omit<WorkerTask, 'worker' | 'counterFiles' | 'seed'> & {
  readonly seed: number;
};

/** One process. */
interface Hand {
  readonly name: string;
  readonly child: ChildProcessWithoutNullStreams;
  /** How it ended: its exit code, or null when it was killed. */
  readonly ended: Promise<number | null>;
  /** The address that its session is connected to. */
  server: string | undefined;
  last: HistoryRecord | undefined;
}

export class Workforce implements AsyncDisposable {
  readonly history = new History();
  /** Every record, as it is heard, by its kind. */
  readonly heard = new EventEmitter();
  readonly #options: WorkforceOptions;
  readonly #folder: string;
  readonly #undertaker: Undertaker;
  readonly #hands = new Map<string, Hand>();
  #hired = 0;
  /** What workers said on standard error: nothing is expected. */
  complaints = '';

  private constructor(options: WorkforceOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#undertaker = new Undertaker(folder);
    this.heard.setMaxListeners(0);
  }

  static async open(options: WorkforceOptions): Promise<Workforce> {
    const workforce = new Workforce(options, await mkdtemp(join(tmpdir(), 'holdfast-workforce-')));
    for (const file of workforce.#counterFiles) await writeFile(file, '0'.padStart(COUNTER_BYTES));
    return workforce;
  }

  get #counterFiles(): string[] {
    return this.#options.paths.map((_, index) => join(this.#folder, `counter-${index}`));
  }

  /** Starts one more. */
  hire(differences: Partial<WorkerTask> = {}): string {
    this.#hired += 1;
    const name = `w${this.#hired}`;
    const task: WorkerTask = {
      ...this.#options,
      counterFiles: this.#counterFiles,
      worker: name,
      seed: this.#options.seed * 1_000 + this.#hired,
      ...differences,
    };
    const child = spawn(process.execPath, [WORKER, JSON.stringify(task)]);
    this.#undertaker.watch(child.pid);
    const ended = once(child, 'close').then(([code]) => {
      this.#undertaker.forget(child.pid);
      this.#hands.delete(name);
      return code as number | null;
    });
    const hand: Hand = { name, child, ended, server: undefined, last: undefined };
    this.#hands.set(name, hand);
    child.stdin.on('error', () => undefined);
    child.stderr.on('data', (text: Buffer) => (this.complaints += `${name}: ${text.toString()}`));
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#hear(hand, JSON.parse(line) as HistoryRecord);
    });
    return name;
  }

  get names(): string[] {
    return [...this.#hands.keys()];
  }

  /** What everybody said last, and how long ago. */
  get standing(): string {
    const agoMs = (atNs: string) => Number(process.hrtime.bigint() - BigInt(atNs)) / 1e6;
    return [...this.#hands.values()]
      .map(({ name, server, last }) =>
        last === undefined
          ? `${name}: nothing yet`
          : `${name} on ${server ?? 'no server'}, ${Math.round(agoMs(last.atNs))} ms ago: ${JSON.stringify(last)}`,
      )
      .join('\n');
  }

  /** Where a worker is connected. */
  serverOf(name: string): string | undefined {
    return this.#hands.get(name)?.server;
  }

  /** Resolves with the next record of this kind for which `which` holds. */
  next<K extends HistoryRecord['kind']>(
    kind: K,
    which: (record: Extract<HistoryRecord, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<HistoryRecord, { kind: K }>> {
    return new Promise((resolve) => {
      const look = (record: Extract<HistoryRecord, { kind: K }>) => {
        if (!which(record)) return;
        this.heard.off(kind, look);
        resolve(record);
      };
      this.heard.on(kind, look);
    });
  }

  /** Kills one without a word; resolves when it is gone. */
  async kill(name: string): Promise<void> {
    const hand = this.#hands.get(name);
    hand?.child.kill('SIGKILL');
    await hand?.ended;
  }

  /** Has one stop in its tracks at its next step with a lock; resolves when it did. */
  async stop(name: string): Promise<void> {
    const stopped = this.next('stopped', ({ worker }) => worker === name);
    this.#hands.get(name)?.child.stdin.write('stop\n');
    await stopped;
  }

  resume(name: string): void {
    this.#hands.get(name)?.child.kill('SIGCONT');
  }

  /** Everybody is served once more on every path, and goes. Rejects when one ends otherwise. */
  async finish(): Promise<void> {
    const hands = [...this.#hands.values()];
    for (const { child } of hands) child.stdin.write('finish\n');
    const codes = await Promise.all(hands.map(({ ended }) => ended));
    const failed = hands.filter((_, index) => codes[index] !== 0).map(({ name }) => name);
    if (failed.length > 0) throw new Error(`${failed.join(', ')} ended badly:\n${this.complaints}`);
  }

  /** What a path's counter says. */
  async counter(path: string): Promise<number> {
    return Number(await readFile(this.#counterFiles[this.#options.paths.indexOf(path)]!, 'utf8'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const hands = [...this.#hands.values()];
    for (const { child } of hands) child.kill('SIGKILL');
    await Promise.all(hands.map(({ ended }) => ended));
    await this.#undertaker.dismiss();
  }

  #hear(hand: Hand, record: HistoryRecord): void {
    this.history.add(record);
    hand.last = record;
    if (record.kind === 'connected') hand.server = record.server;
    if (record.kind === 'session') hand.server = undefined;
    if (record.kind === 'write') {
      const accepted = this.history.write(record.path, BigInt(record.token));
      hand.child.stdin.write(accepted ? 'accepted\n' : 'refused\n');
    }
    this.heard.emit(record.kind, record);
  }
}
