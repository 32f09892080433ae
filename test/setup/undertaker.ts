/** What we leave behind goes when we do, however we end. */
import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';

const SCRIPT =
  'pids=; while read -r line; do pids=$line; done; [ -z "$pids" ] || kill -9 $pids 2>/dev/null; rm -rf "$0"';

/**
 * A shell that outlives us by a moment: when our end of its pipe closes, it kills the processes it was last told of,
 * stopped ones too, and removes the folder. Ctrl-C in the terminal does not reach it.
 */
export class Undertaker {
  readonly #folder: string;
  readonly #shell;
  readonly #pids = new Set<number>();

  constructor(folder: string) {
    this.#folder = folder;
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT, folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    // It may be gone before its pipe is: no news for anybody.
    this.#shell.stdin.on('error', () => undefined);
  }

  /** A process that lives. */
  watch(pid: number | undefined): void {
    if (pid === undefined) return;
    this.#pids.add(pid);
    this.#tell();
  }

  /** It is gone: its number may soon be somebody else's. */
  forget(pid: number | undefined): void {
    if (pid === undefined) return;
    this.#pids.delete(pid);
    this.#tell();
  }

  /** Nothing is left to do but to remove the folder. */
  async dismiss(): Promise<void> {
    this.#shell.stdin.end();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #tell(): void {
    this.#shell.stdin.write(`${[...this.#pids].join(' ')}\n`);
  }
}
