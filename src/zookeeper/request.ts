/** One request from its issue to its answer: what the connection keeps while the answer is outstanding. */
import type { Watcher } from './client.js';
import { ZooKeeperError, type ZooKeeperErrorCode } from './errors.js';
import type { JuteReader } from './jute.js';
import type { WatchKind } from './watch-table.js';

/** What is asked, apart from its arguments. One object per operation, not per request. */
export interface Operation {
  /** As it stands in errors: `create`, `getData`, … */
  readonly name: string;
  /** The protocol's number (`opcode`). */
  readonly type: number;
  /** Reads the answer's body. May throw: a ZooKeeperError other than `ProtocolViolation` rejects the request, anything else ends the connection. */
  decode(reader: JuteReader): unknown;
  /** `NoNode` is an answer, and this is it. */
  readonly absent?: null;
  /** The watch that a good answer leaves at the server. */
  readonly watch?: WatchKind;
  /** The watch that `NoNode` leaves at the server. */
  readonly absentWatch?: WatchKind;
}

export class Request {
  readonly operation: Operation;
  /** As the user wrote it, for errors. */
  readonly path: string | undefined;
  /** With the chroot: the key of the watch. */
  readonly serverPath: string;
  /** Taken away again by `removeWatch` while the answer is outstanding. */
  watcher: Watcher | undefined;
  xid = 0;
  /** When it was handed to the transport, on both clocks. */
  sentMonotonicMs = 0;
  sentWallMs = 0;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (reason: Error) => void;

  constructor(
    operation: Operation,
    path: string | undefined,
    serverPath: string,
    watcher: Watcher | undefined,
    resolve: (value: unknown) => void,
    reject: (reason: Error) => void,
  ) {
    this.operation = operation;
    this.path = path;
    this.serverPath = serverPath;
    this.watcher = watcher;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  resolve(value: unknown): void {
    this.#resolve(value);
  }

  reject(reason: Error): void {
    this.#reject(reason);
  }

  fail(code: ZooKeeperErrorCode, cause?: unknown, detail?: string): void {
    this.#reject(
      new ZooKeeperError(code, this.operation.name, this.path, {
        ...(cause === undefined ? {} : { cause }),
        ...(detail === undefined ? {} : { detail }),
      }),
    );
  }
}

/** First in, first out, in constant time per request. */
export class RequestQueue {
  #requests: (Request | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#requests.length - this.#head;
  }

  get first(): Request | undefined {
    return this.#requests[this.#head];
  }

  push(request: Request): void {
    this.#requests.push(request);
  }

  shift(): Request | undefined {
    const request = this.#requests[this.#head];
    if (request === undefined) return undefined;
    this.#requests[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#requests.length) {
      this.#requests.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#requests.length) {
      this.#requests = this.#requests.slice(this.#head);
      this.#head = 0;
    }
    return request;
  }

  *[Symbol.iterator](): Iterator<Request> {
    for (let at = this.#head; at < this.#requests.length; at += 1) {
      const request = this.#requests[at];
      if (request !== undefined) yield request;
    }
  }
}
