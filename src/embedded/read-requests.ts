/** Requests that change no node: reads, and everything about watches (FinalRequestProcessor). */
import type { ZooKeeperErrorCode } from '../zookeeper/errors.js';
import { numberOfCode } from '../zookeeper/errors.js';
import type { JuteReader, JuteWriter } from '../zookeeper/jute.js';
import {
  AclResponse,
  AddWatchRequest,
  addWatchMode,
  ChildrenResponse,
  ChildrenStatResponse,
  ErrorResponse,
  MultiHeader,
  multiEnd,
  opcode,
  PathRequest,
  PathResponse,
  RemoveWatchesRequest,
  SetWatches,
  SetWatches2,
  StatResponse,
  WatchedPathRequest,
  watcherType,
} from '../zookeeper/records.js';
import { type Identity, isAllowed, maskedAcl, permission } from './permissions.js';
import {
  AnyDataResponse,
  CheckWatchesRequest,
  CountResponse,
  EphemeralsRequest,
  EphemeralsResponse,
  rareOpcode,
  WhoAmIResponse,
} from './server-records.js';
import type { RemovableWatch, WatchTable } from './watch-table.js';
import { statOf, type Znode } from './znode.js';
import type { Change, ZnodeTree } from './znode-tree.js';

/** Writes the body of a good answer; a name is the error to answer with. */
export type Answer = ((writer: JuteWriter) => void) | ZooKeeperErrorCode;

/** What a read may look at, and on whose behalf. */
export interface ReadContext<W> {
  readonly tree: ZnodeTree;
  readonly watches: WatchTable<W>;
  /** Whom a watch would tell. */
  readonly watcher: W;
  readonly sessionId: string;
  readonly identities: readonly Identity[];
  /** Tells the watcher at once, before the answer. */
  readonly notify: (change: Change) => void;
}

const noBody = (): void => undefined;

/** Answers a request of `type`; `undefined` when it is not one of these. */
export function answerRead<W>(type: number, reader: JuteReader, context: ReadContext<W>): Answer | undefined {
  const { tree, watches, watcher, sessionId, identities } = context;
  switch (type) {
    case opcode.exists: {
      const { path, watch } = WatchedPathRequest.read(reader);
      if (path.includes('\0')) return 'BadArguments';
      if (watch) watches.add('data', path, watcher);
      const node = tree.get(path);
      if (node === undefined) return 'NoNode';
      const stat = statOf(node);
      return (writer) => {
        StatResponse.write(writer, { stat });
      };
    }
    case opcode.getData:
      return answerGetData(reader, context);
    case opcode.getChildren:
    case opcode.getChildren2:
      return answerGetChildren(type, reader, context);
    case opcode.getAcl:
      return answerGetAcl(reader, context);
    case opcode.sync: {
      const { path } = PathRequest.read(reader);
      return (writer) => {
        PathResponse.write(writer, { path });
      };
    }
    case opcode.setWatches:
      replay({ persistentWatches: [], persistentRecursiveWatches: [], ...SetWatches.read(reader) }, context);
      return noBody;
    case opcode.setWatches2:
      replay(SetWatches2.read(reader), context);
      return noBody;
    case opcode.addWatch:
      return answerAddWatch(reader, context);
    case opcode.removeWatches: {
      const { path, type: number } = RemoveWatchesRequest.read(reader);
      const kind = removableKind(number);
      if (kind === undefined) return 'MarshallingError';
      return watches.remove(path, kind, watcher) ? noBody : 'NoWatcher';
    }
    case rareOpcode.checkWatches: {
      const { path, type: number } = CheckWatchesRequest.read(reader);
      const kind = removableKind(number);
      if (kind === undefined) return 'MarshallingError';
      return watches.has(path, kind, watcher) ? noBody : 'NoWatcher';
    }
    case rareOpcode.multiRead:
      return answerMultiRead(reader, context);
    case rareOpcode.getEphemerals: {
      const { prefix } = EphemeralsRequest.read(reader);
      const all = tree.ephemeralsOf(sessionId);
      const wanted = prefix.trim() === '' || prefix.trim() === '/' ? '' : prefix;
      const ephemerals = all.filter((path) => path.startsWith(wanted));
      return (writer) => {
        EphemeralsResponse.write(writer, { ephemerals });
      };
    }
    case rareOpcode.getAllChildrenNumber: {
      const { path } = PathRequest.read(reader);
      const node = tree.get(path);
      if (node === undefined) return 'NoNode';
      if (!isAllowed(node.acl, permission.read, identities)) return 'NoAuth';
      const count = descendantCount(tree, node);
      return (writer) => {
        CountResponse.write(writer, { count });
      };
    }
    case rareOpcode.whoAmI: {
      const clients = identities.map(({ scheme, id }) => ({
        scheme,
        user: scheme === 'digest' ? id.replace(/:.*/s, '') : id,
      }));
      return (writer) => {
        WhoAmIResponse.write(writer, { clients });
      };
    }
    default:
      return undefined;
  }
}

function answerGetData<W>(reader: JuteReader, context: ReadContext<W>): Answer {
  const { path, watch } = WatchedPathRequest.read(reader);
  const node = readable(path, context);
  if (typeof node === 'string') return node;
  if (watch) context.watches.add('data', path, context.watcher);
  const { data } = node;
  const stat = statOf(node);
  return (writer) => {
    AnyDataResponse.write(writer, { data, stat });
  };
}

function answerGetChildren<W>(type: number, reader: JuteReader, context: ReadContext<W>): Answer {
  const { path, watch } = WatchedPathRequest.read(reader);
  const node = readable(path, context);
  if (typeof node === 'string') return node;
  if (watch) context.watches.add('child', path, context.watcher);
  const children = [...node.children];
  const stat = statOf(node);
  return (writer) => {
    if (type === opcode.getChildren) ChildrenResponse.write(writer, { children });
    else ChildrenStatResponse.write(writer, { children, stat });
  };
}

function answerGetAcl<W>(reader: JuteReader, { tree, identities }: ReadContext<W>): Answer {
  const { path } = PathRequest.read(reader);
  const node = tree.get(path);
  if (node === undefined) return 'NoNode';
  if (!isAllowed(node.acl, permission.read | permission.admin, identities)) return 'NoAuth';
  const acl = isAllowed(node.acl, permission.admin, identities) ? node.acl : maskedAcl(node.acl);
  const stat = statOf(node);
  return (writer) => {
    AclResponse.write(writer, { acl, stat });
  };
}

function answerAddWatch<W>(reader: JuteReader, { watches, watcher }: ReadContext<W>): Answer {
  const { path, mode } = AddWatchRequest.read(reader);
  if (mode === addWatchMode.persistent) watches.addPersistent(path, watcher);
  else if (mode === addWatchMode.persistentRecursive) watches.addRecursive(path, watcher);
  else return 'MarshallingError';
  return (writer) => {
    ErrorResponse.write(writer, { error: 0 });
  };
}

function answerMultiRead<W>(reader: JuteReader, context: ReadContext<W>): Answer {
  const answers: { readonly type: number; readonly answer: Answer }[] = [];
  for (;;) {
    const { type, done } = MultiHeader.read(reader);
    if (done) break;
    if (type === opcode.getData) answers.push({ type, answer: answerGetData(reader, context) });
    else if (type === opcode.getChildren)
      answers.push({ type, answer: answerGetChildren(type, reader, context) });
    else return 'MarshallingError';
  }
  return (writer) => {
    for (const { type, answer } of answers) {
      const error = typeof answer === 'string' ? numberOfCode(answer) : 0;
      MultiHeader.write(writer, {
        type: typeof answer === 'string' ? opcode.error : type,
        done: false,
        error,
      });
      if (typeof answer === 'string') ErrorResponse.write(writer, { error });
      else answer(writer);
    }
    MultiHeader.write(writer, multiEnd);
  };
}

function readable<W>(path: string, { tree, identities }: ReadContext<W>): Znode | ZooKeeperErrorCode {
  const node = tree.get(path);
  if (node === undefined) return 'NoNode';
  return isAllowed(node.acl, permission.read, identities) ? node : 'NoAuth';
}

interface LostWatches {
  readonly relativeZxid: bigint;
  readonly dataWatches: readonly string[];
  readonly existsWatches: readonly string[];
  readonly childWatches: readonly string[];
  readonly persistentWatches: readonly string[];
  readonly persistentRecursiveWatches: readonly string[];
}

/** What a client missed while away it is told now; what it did not miss it watches again (DataTree.setWatches). */
function replay<W>(lost: LostWatches, { tree, watches, watcher, notify }: ReadContext<W>): void {
  const gone = (path: string): void => {
    notify({ type: 'deleted', path, acl: [] });
  };
  for (const path of lost.dataWatches) {
    const node = tree.get(path);
    if (node === undefined) gone(path);
    else if (node.mzxid > lost.relativeZxid) notify({ type: 'dataChanged', path, acl: node.acl });
    else watches.add('data', path, watcher);
  }
  for (const path of lost.existsWatches) {
    const node = tree.get(path);
    if (node === undefined) watches.add('data', path, watcher);
    else notify({ type: 'created', path, acl: node.acl });
  }
  for (const path of lost.childWatches) {
    const node = tree.get(path);
    if (node === undefined) gone(path);
    else if (node.pzxid > lost.relativeZxid) notify({ type: 'childrenChanged', path, acl: node.acl });
    else watches.add('child', path, watcher);
  }
  for (const path of lost.persistentWatches) watches.addPersistent(path, watcher);
  for (const path of lost.persistentRecursiveWatches) watches.addRecursive(path, watcher);
}

const removableKinds: Readonly<Record<number, RemovableWatch>> = {
  [watcherType.children]: 'child',
  [watcherType.data]: 'data',
  [watcherType.any]: 'any',
  [watcherType.persistent]: 'persistent',
  [watcherType.persistentRecursive]: 'persistentRecursive',
};

function removableKind(number: number): RemovableWatch | undefined {
  return removableKinds[number];
}

function descendantCount(tree: ZnodeTree, node: Znode): number {
  let count = 0;
  const prefix = node.path === '/' ? '/' : `${node.path}/`;
  for (const name of node.children) {
    const child = tree.get(prefix + name);
    if (child !== undefined) count += 1 + descendantCount(tree, child);
  }
  return count;
}
