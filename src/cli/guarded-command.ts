/** A command under its guardian, as `run` sees it. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromGuardian, ToGuardian } from './guardian-messages.js';
import { ProcessGroup } from './process-group.js';

/** How it went. `abandoned`: the guardian died, and the command was ended for that. */
export type Outcome = Exclude<FromGuardian, { readonly kind: 'started' }> | { readonly kind: 'abandoned' };

export class GuardedCommand {
  readonly #guardian: ChildProcess;
  readonly #gone: Promise<void>;
  #settle: (outcome: Outcome) => void = () => undefined;
  #group: ProcessGroup | undefined;
  #killAfterMs = 0;
  #over = false;
  /** How the command went; resolves when its whole group is gone. */
  readonly outcome = new Promise<Outcome>((resolve) => {
    this.#settle = resolve;
  });

  /** Starts the guardian, and nothing else yet. Before connecting, so that it has no part in the connection. */
  constructor() {
    this.#guardian = fork(fileURLToPath(new URL('./guardian.js', import.meta.url)), [], {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      execArgv: [],
      // A session of its own: what the terminal sends to us does not reach it.
      detached: true,
    });
    this.#gone = new Promise((resolve) => {
      const gone = () => {
        resolve();
        void this.#abandoned();
      };
      this.#guardian.once('exit', () => {
        // What it said last may still be on its way.
        if (this.#guardian.connected) this.#guardian.once('disconnect', gone);
        else gone();
      });
      this.#guardian.once('error', gone);
    });
    this.#guardian.on('message', (message: FromGuardian) => {
      if (message.kind === 'started') this.#group = new ProcessGroup(message.pid);
      else this.#finish(message);
    });
  }

  /** Starts the command. */
  start(start: Omit<Extract<ToGuardian, { kind: 'start' }>, 'kind'>): void {
    this.#killAfterMs = start.killAfterMs;
    this.#tell({ kind: 'start', ...start });
  }

  /** The lock is valid until then, as far as is known. `ending`: no later time is in sight. */
  extend(untilMs: number, ending: boolean): void {
    this.#tell({ kind: 'valid', untilMs, ending });
  }

  /** Sends a signal to all of the command. */
  signal(signal: NodeJS.Signals): void {
    this.#tell({ kind: 'signal', signal });
  }

  /** The lock is lost: end the command. */
  lost(): void {
    this.#tell({ kind: 'lost' });
  }

  /** Lets the guardian go; resolves when it has. */
  async dismiss(): Promise<void> {
    this.#over = true;
    if (this.#guardian.connected) this.#guardian.disconnect();
    await this.#gone;
  }

  #tell(message: ToGuardian): void {
    // Its death is heard by its exit.
    if (this.#guardian.connected) this.#guardian.send(message, () => undefined);
  }

  #finish(outcome: Outcome): void {
    this.#over = true;
    this.#settle(outcome);
  }

  async #abandoned(): Promise<void> {
    if (this.#over) return;
    await this.#group?.end(this.#killAfterMs);
    this.#finish({ kind: 'abandoned' });
  }
}
