/**
 * What is used of the npm package `zookeeper` 7.3.0, as it really is: its own declarations say otherwise in places. Types
 * and conversions only; the package itself is named in `native-client.ts`.
 */
import type { Acl, Stat } from './client.js';

/** A stat as the package gives it. */
export interface NativeStat {
  readonly czxid: number;
  readonly mzxid: number;
  readonly pzxid: number;
  readonly ctime: Date;
  readonly mtime: Date;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  readonly ephemeralOwner: string;
  readonly dataLength: number;
  readonly numChildren: number;
}

/** An ACL entry as the package gives it. */
export interface NativeAcl {
  readonly perms: number;
  readonly scheme: string;
  readonly auth: string;
}

/** Called exactly once, on the native stack: 0 or the protocol's number first, its text, then the answer. */
export type Completion<Answer extends unknown[] = []> = (
  code: number,
  text: string,
  ...answer: Answer
) => void;

/**
 * The native object under the package's wrapper, which would print every argument of every call. Every method returns
 * 0 when the request was queued; with anything else its completion is never called. What is no function where one
 * is expected aborts the process.
 */
export interface NativeHandle {
  readonly state: number;
  readonly client_id: string;
  readonly client_password: string;
  readonly timeout: number;
  /** Connected, it ends the session and blocks this thread until the server has answered, 1.5 s at most. Else it only lets go. */
  close(): void;
  add_auth(scheme: string, auth: string, done: Completion): number;
  a_create(path: string, data: Uint8Array, flags: number, done: Completion<[path: string]>): number;
  a_create_ttl(
    path: string,
    data: Uint8Array,
    flags: number,
    ttlMs: number,
    done: Completion<[path: string]>,
  ): number;
  a_delete_(path: string, version: number, done: Completion): number;
  a_exists(path: string, watch: boolean, done: Completion<[stat: NativeStat]>): number;
  a_get(path: string, watch: boolean, done: Completion<[stat: NativeStat, data: Uint8Array | null]>): number;
  a_set(path: string, data: Uint8Array, version: number, done: Completion<[stat: NativeStat]>): number;
  a_get_children2(
    path: string,
    watch: boolean,
    done: Completion<[children: string[], stat: NativeStat]>,
  ): number;
  a_get_acl(path: string, done: Completion<[acl: NativeAcl[], stat: NativeStat]>): number;
  a_set_acl(
    path: string,
    version: number,
    acl: readonly { readonly perm: number; readonly scheme: string; readonly auth: string }[],
    done: Completion,
  ): number;
  a_sync(path: string, done: Completion<[path: string]>): number;
}

/** How one native object is made. */
export interface NativeConfiguration {
  /** One `address:port`, never a name: the package looks it up on this thread, for every packet. */
  readonly connect: string;
  readonly timeout: number;
  readonly debug_level: number;
  /** After so many reads without a whole answer it gives the session up; 10 unless told otherwise. */
  readonly response_counter_limit: number;
  readonly client_id?: string;
  readonly client_password?: string;
}

/** The package's wrapper: connects, and tells what happens to the session and to watched nodes. */
export interface NativeZooKeeper {
  readonly native: NativeHandle;
  init(configuration: NativeConfiguration): unknown;
  on(event: 'connect' | 'connecting', listener: () => void): unknown;
  on(event: 'close', listener: (client: unknown, code: number) => void): unknown;
  on(event: NativeChange, listener: (client: unknown, path: string) => void): unknown;
}

/** What happened to a watched node. */
export type NativeChange = 'created' | 'deleted' | 'changed' | 'child';

/** The package's export. */
export type NativeModule = new () => NativeZooKeeper;

/** {@link NativeHandle.state}, where a decision hangs on it. */
export const nativeState = {
  /** No connection, and no attempt: a native object that begins so never will. */
  none: 0,
  connected: 3,
  /** A send failed: the socket is closed already, and libuv does not know it. */
  sendFailed: 999,
} as const;

/** The last argument of the event `close`. */
export const closeCode = { expired: -112, authFailed: -113 } as const;

export function statOf(stat: NativeStat): Stat {
  return {
    czxid: BigInt(stat.czxid),
    mzxid: BigInt(stat.mzxid),
    pzxid: BigInt(stat.pzxid),
    ctimeMs: stat.ctime.getTime(),
    mtimeMs: stat.mtime.getTime(),
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: stat.ephemeralOwner,
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
  };
}

export function aclOf({ perms, scheme, auth }: NativeAcl): Acl {
  return { permissions: perms, scheme, id: auth };
}
