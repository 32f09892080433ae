/** The protocol's records and numbers, as in ZooKeeper's `zookeeper.jute` and `ZooDefs`; no behaviour. */
import type { CreateMode, Stat } from './client.js';
import {
  boolean,
  bytes,
  int32,
  int64,
  type JuteReader,
  type JuteType,
  type JuteWriter,
  sessionId,
  string,
  strings,
  struct,
  timestamp,
  vector,
} from './jute.js';

/** Request types (ZooDefs.OpCode). */
export const opcode = {
  notification: 0,
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  removeWatches: 18,
  createContainer: 19,
  createTtl: 21,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  setWatches2: 105,
  addWatch: 106,
  closeSession: -11,
  error: -1,
} as const;

/** Transaction ids that no ordinary request uses. */
export const reservedXid = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const;

/** The numbers of {@link CreateMode} (CreateMode.java). */
export const createFlag = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
  container: 4,
  persistentWithTtl: 5,
  persistentSequentialWithTtl: 6,
} as const satisfies Record<CreateMode, number>;

/** Watch event types (Watcher.Event.EventType). */
export const eventType = {
  none: -1,
  created: 1,
  deleted: 2,
  dataChanged: 3,
  childrenChanged: 4,
  dataWatchRemoved: 5,
  childWatchRemoved: 6,
  persistentWatchRemoved: 7,
} as const;

/** The connection state that a watch event carries (Watcher.Event.KeeperState). */
export const keeperState = {
  disconnected: 0,
  syncConnected: 3,
  authFailed: 4,
  expired: -112,
  closed: 7,
} as const;

/** What `removeWatches` removes (Watcher.WatcherType). */
export const watcherType = { children: 1, data: 2, any: 3, persistent: 4, persistentRecursive: 5 } as const;

/** What `addWatch` adds (AddWatchMode). */
export const addWatchMode = { persistent: 0, persistentRecursive: 1 } as const;

/** `version` that matches any. */
export const ANY_VERSION = -1;

export const ConnectRequest = struct({
  protocolVersion: int32,
  lastZxidSeen: int64,
  timeoutMs: int32,
  sessionId,
  password: bytes,
});
// A trailing read-only flag follows in every server since 3.4; it is optional to read and always written.

export const ConnectResponse = struct({
  protocolVersion: int32,
  timeoutMs: int32,
  sessionId,
  password: bytes,
});

export const RequestHeader = struct({ xid: int32, type: int32 });
export const ReplyHeader = struct({ xid: int32, zxid: int64, error: int32 });

const statFields = struct({
  czxid: int64,
  mzxid: int64,
  ctimeMs: timestamp,
  mtimeMs: timestamp,
  version: int32,
  cversion: int32,
  aversion: int32,
  ephemeralOwner: sessionId,
  dataLength: int32,
  numChildren: int32,
  pzxid: int64,
});

/** Fields in wire order, not in the port's. Read field by field: nearly every answer has one. */
export const StatRecord: JuteType<Stat> = {
  ...statFields,
  read: (reader) => ({
    czxid: reader.int64(),
    mzxid: reader.int64(),
    ctimeMs: reader.timestamp(),
    mtimeMs: reader.timestamp(),
    version: reader.int32(),
    cversion: reader.int32(),
    aversion: reader.int32(),
    ephemeralOwner: reader.sessionId(),
    dataLength: reader.int32(),
    numChildren: reader.int32(),
    pzxid: reader.int64(),
  }),
};

export const AclRecord = struct({ permissions: int32, scheme: string, id: string });
const AclList = vector(AclRecord);

export const PathRequest = struct({ path: string });
export const WatchedPathRequest = struct({ path: string, watch: boolean });
export const CreateRequest = struct({ path: string, data: bytes, acl: AclList, flags: int32 });
export const CreateTtlRequest = struct({
  path: string,
  data: bytes,
  acl: AclList,
  flags: int32,
  ttlMs: timestamp,
});
export const DeleteRequest = struct({ path: string, version: int32 });
export const SetDataRequest = struct({ path: string, data: bytes, version: int32 });
export const SetAclRequest = struct({ path: string, acl: AclList, version: int32 });
export const CheckRequest = DeleteRequest;
export const AuthRequest = struct({ type: int32, scheme: string, auth: bytes });
export const AddWatchRequest = struct({ path: string, mode: int32 });
export const RemoveWatchesRequest = struct({ path: string, type: int32 });
export const SaslToken = struct({ token: bytes });

export const SetWatches = struct({
  relativeZxid: int64,
  dataWatches: strings,
  existsWatches: strings,
  childWatches: strings,
});
export const SetWatches2 = struct({
  relativeZxid: int64,
  dataWatches: strings,
  existsWatches: strings,
  childWatches: strings,
  persistentWatches: strings,
  persistentRecursiveWatches: strings,
});

export const PathResponse = struct({ path: string });
export const StatResponse = struct({ stat: StatRecord });
export const CreateStatResponse = struct({ path: string, stat: StatRecord });
export const DataResponse = struct({ data: bytes, stat: StatRecord });
export const ChildrenResponse = struct({ children: strings });
export const ChildrenStatResponse = struct({ children: strings, stat: StatRecord });
export const AclResponse = struct({ acl: AclList, stat: StatRecord });
export const ErrorResponse = struct({ error: int32 });
export const WatcherEvent = struct({ type: int32, state: int32, path: string });

/** Stands in front of every part of a transaction and of its answer; `done` ends the list. */
export const MultiHeader = struct({ type: int32, done: boolean, error: int32 });
export const multiEnd = { type: -1, done: true, error: -1 } as const;

/** The record that a value is of. */
export type Of<T> = T extends JuteType<infer R> ? R : never;

export type { JuteReader, JuteWriter };
