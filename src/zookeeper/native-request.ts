/** One request of the native client: how it is called, what its answer means, and what became of it. */
import type { Instant } from '../clock.js';
import type { Stat, Watcher } from './client.js';
import { codeOfNumber, ZooKeeperError, type ZooKeeperErrorCode } from './errors.js';
import type { NativeHandle } from './native-binding.js';
import type { WatchKind } from './watch-table.js';

/** What an answer is made of: the value, and the newest stat that it shows. */
export interface NativeAnswer {
  readonly value: unknown;
  readonly stat?: Stat;
}

/** Called with 0 and the answer, or with the protocol's number of an error. */
export type Answered = (code: number, answer?: NativeAnswer) => void;

/** What is asked. */
export interface NativeOperation {
  /** As it stands in errors. */
  readonly name: string;
  /** Calls the native method; returns what it returns. `answered` is called on the native stack. */
  call(handle: NativeHandle, answered: Answered): number;
  /** The watch that a good answer leaves at the server. */
  readonly watch?: WatchKind;
  /** `NoNode` is an answer, `null`; and this is the watch it leaves. */
  readonly absentWatch?: WatchKind;
}

/** What is asked for whom. */
export interface NativeRequestParts {
  readonly operation: NativeOperation;
  /** As the user wrote it, for errors. */
  readonly path: string | undefined;
  /** With the chroot: the key of the watch. */
  readonly serverPath: string;
  readonly watcher?: Watcher | undefined;
  /** One of our own: it is not failed with the users' when nobody waits for those any more. */
  readonly internal?: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: Error) => void;
}

export class NativeRequest {
  readonly operation: NativeOperation;
  readonly path: string | undefined;
  readonly serverPath: string;
  readonly internal: boolean;
  /** Taken away again by `removeWatch` while the answer is outstanding. */
  watcher: Watcher | undefined;
  /** When it was handed over; it may have waited for the connection after that. */
  sent: Instant = { monotonicMs: 0, wallMs: 0 };
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: Error) => void;

  constructor({ operation, path, serverPath, watcher, internal, resolve, reject }: NativeRequestParts) {
    this.operation = operation;
    this.path = path;
    this.serverPath = serverPath;
    this.internal = internal ?? false;
    this.watcher = watcher;
    this.resolve = resolve;
    this.reject = reject;
  }

  fail(code: ZooKeeperErrorCode, cause?: unknown): void {
    this.reject(
      new ZooKeeperError(code, this.operation.name, this.path, cause === undefined ? {} : { cause }),
    );
  }

  failNumbered(number: number): void {
    this.fail(codeOfNumber(number));
  }
}
