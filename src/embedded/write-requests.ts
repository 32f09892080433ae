/**
 * Requests that change the tree: checked in the order the real server checks (PrepRequestProcessor), so that of two
 * faults the same one is answered.
 */
import type { Acl, Stat } from '../zookeeper/client.js';
import type { ZooKeeperErrorCode } from '../zookeeper/errors.js';
import type { JuteReader } from '../zookeeper/jute.js';
import { ANY_VERSION, createFlag, DeleteRequest, opcode, SetAclRequest } from '../zookeeper/records.js';
import { pathFault } from '../zookeeper/znode-path.js';
import { type Identity, isAllowed, permission, storedAcl } from './permissions.js';
import { AnyCreateRequest, AnyCreateTtlRequest, AnySetDataRequest } from './server-records.js';
import {
  CONTAINER_OWNER,
  isEphemeralOwner,
  LONGEST_TTL_MS,
  NO_OWNER,
  parentOf,
  statOf,
  ttlOwner,
} from './znode.js';
import type { ZnodeTree } from './znode-tree.js';

/** Who asks. */
export interface Requester {
  readonly sessionId: string;
  readonly identities: readonly Identity[];
}

interface CreateRequest {
  readonly type:
    | typeof opcode.create
    | typeof opcode.create2
    | typeof opcode.createContainer
    | typeof opcode.createTtl;
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[];
  readonly flags: number;
  /** −1 for none. */
  readonly ttlMs: number;
}

interface VersionedRequest {
  readonly type: typeof opcode.delete | typeof opcode.check;
  readonly path: string;
  readonly version: number;
}

interface SetDataRequest {
  readonly type: typeof opcode.setData;
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly version: number;
}

interface SetAclRequest {
  readonly type: typeof opcode.setAcl;
  readonly path: string;
  readonly acl: readonly Acl[];
  readonly version: number;
}

export type WriteRequest = CreateRequest | VersionedRequest | SetDataRequest | SetAclRequest;

/** What a write came to: `stat` as it was right after it, for those that answer with one. */
export interface Written {
  readonly type: number;
  readonly path: string;
  readonly stat: Stat | null;
}

/** Reads the body of a write; `undefined` when `type` is none. */
export function readWriteRequest(type: number, reader: JuteReader): WriteRequest | undefined {
  switch (type) {
    case opcode.create:
    case opcode.create2:
    case opcode.createContainer:
      return { type, ttlMs: -1, ...AnyCreateRequest.read(reader) };
    case opcode.createTtl:
      return { type, ...AnyCreateTtlRequest.read(reader) };
    case opcode.delete:
    case opcode.check:
      return { type, ...DeleteRequest.read(reader) };
    case opcode.setData:
      return { type, ...AnySetDataRequest.read(reader) };
    case opcode.setAcl:
      return { type, ...SetAclRequest.read(reader) };
    default:
      return undefined;
  }
}

/** Nodes that are always there. */
const permanent: ReadonlySet<string> = new Set(['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']);

/** Applies `request` within the tree's open transaction, or says why not; what fails has changed nothing. */
export function perform(
  request: WriteRequest,
  { sessionId, identities }: Requester,
  tree: ZnodeTree,
  ttlAllowed: boolean,
): Written | ZooKeeperErrorCode {
  switch (request.type) {
    case opcode.delete:
      return performDelete(request, identities, tree);
    case opcode.check:
      return performCheck(request, identities, tree);
    case opcode.setData:
      return performSetData(request, identities, tree);
    case opcode.setAcl:
      return performSetAcl(request, identities, tree);
    default:
      return performCreate(request, { sessionId, identities }, tree, ttlAllowed);
  }
}

function performCreate(
  request: CreateRequest,
  { sessionId, identities }: Requester,
  tree: ZnodeTree,
  ttlAllowed: boolean,
): Written | ZooKeeperErrorCode {
  const { type, data, flags, ttlMs } = request;
  if (flags < createFlag.persistent || flags > createFlag.persistentSequentialWithTtl) return 'BadArguments';
  const hasTtl = isTtlFlag(flags);
  if (hasTtl && !ttlAllowed) return 'Unimplemented';
  if (hasTtl ? ttlMs < 1 || ttlMs > LONGEST_TTL_MS : ttlMs >= 0) return 'BadArguments';
  // A real 3.8.0 accepts this one, and its process ends while applying it; there is no answer to imitate.
  if (type === opcode.createTtl && !hasTtl) return 'BadArguments';
  if (!request.path.includes('/') || request.path.includes('\0')) return 'BadArguments';
  const acl = storedAcl(request.acl, identities);
  if (acl === undefined) return 'InvalidACL';
  const parent = tree.get(parentOf(request.path));
  if (parent === undefined) return 'NoNode';
  if (!isAllowed(parent.acl, permission.create, identities)) return 'NoAuth';
  const sequence = tree.nextSequence(parent);
  const path = isSequential(flags) ? request.path + sequenceSuffix(sequence) : request.path;
  if (pathFault(path) !== undefined) return 'BadArguments';
  if (tree.get(path) !== undefined) return 'NodeExists';
  if (isEphemeralOwner(parent.owner)) return 'NoChildrenForEphemerals';
  const owner = ownerOf(type, flags, ttlMs, sessionId);
  const node = tree.apply({ type: 'create', path, data, acl, owner, createCount: (sequence + 1) | 0 });
  return { type, path, stat: statOf(node) };
}

/** Which request makes the node counts, not the flags: a container asked for by plain `create` is a plain node. */
function ownerOf(type: CreateRequest['type'], flags: number, ttlMs: number, sessionId: string): string {
  if (type === opcode.createContainer) return CONTAINER_OWNER;
  if (type === opcode.createTtl) return ttlOwner(ttlMs);
  const ephemeral = flags === createFlag.ephemeral || flags === createFlag.ephemeralSequential;
  return ephemeral ? sessionId : NO_OWNER;
}

function isTtlFlag(flags: number): boolean {
  return flags === createFlag.persistentWithTtl || flags === createFlag.persistentSequentialWithTtl;
}

function isSequential(flags: number): boolean {
  return (
    flags === createFlag.persistentSequential ||
    flags === createFlag.ephemeralSequential ||
    flags === createFlag.persistentSequentialWithTtl
  );
}

/** Java's `%010d`: ten characters at least, the sign among them. */
function sequenceSuffix(sequence: number): string {
  return sequence < 0 ? `-${String(-sequence).padStart(9, '0')}` : String(sequence).padStart(10, '0');
}

function performDelete(
  { type, path, version }: VersionedRequest,
  identities: readonly Identity[],
  tree: ZnodeTree,
): Written | ZooKeeperErrorCode {
  if (!path.includes('/') || path.includes('\0') || permanent.has(path)) return 'BadArguments';
  const parent = tree.get(parentOf(path));
  if (parent === undefined) return 'NoNode';
  if (!isAllowed(parent.acl, permission.delete, identities)) return 'NoAuth';
  const node = tree.get(path);
  if (node === undefined) return 'NoNode';
  if (!matches(node.version, version)) return 'BadVersion';
  if (node.children.size > 0) return 'NotEmpty';
  tree.apply({ type: 'delete', path });
  return { type, path, stat: null };
}

function performCheck(
  { type, path, version }: VersionedRequest,
  identities: readonly Identity[],
  tree: ZnodeTree,
): Written | ZooKeeperErrorCode {
  if (pathFault(path) !== undefined) return 'BadArguments';
  const node = tree.get(path);
  if (node === undefined) return 'NoNode';
  if (!isAllowed(node.acl, permission.read, identities)) return 'NoAuth';
  return matches(node.version, version) ? { type, path, stat: null } : 'BadVersion';
}

function performSetData(
  { type, path, data, version }: SetDataRequest,
  identities: readonly Identity[],
  tree: ZnodeTree,
): Written | ZooKeeperErrorCode {
  if (pathFault(path) !== undefined) return 'BadArguments';
  const node = tree.get(path);
  if (node === undefined) return 'NoNode';
  if (!isAllowed(node.acl, permission.write, identities)) return 'NoAuth';
  if (!matches(node.version, version)) return 'BadVersion';
  tree.apply({ type: 'setData', path, data, version: next(node.version) });
  return { type, path, stat: statOf(node) };
}

function performSetAcl(
  { type, path, acl, version }: SetAclRequest,
  identities: readonly Identity[],
  tree: ZnodeTree,
): Written | ZooKeeperErrorCode {
  if (pathFault(path) !== undefined) return 'BadArguments';
  const stored = storedAcl(acl, identities);
  if (stored === undefined) return 'InvalidACL';
  const node = tree.get(path);
  if (node === undefined) return 'NoNode';
  if (!isAllowed(node.acl, permission.admin, identities)) return 'NoAuth';
  if (!matches(node.aversion, version)) return 'BadVersion';
  tree.apply({ type: 'setAcl', path, acl: stored, version: next(node.aversion) });
  return { type, path, stat: statOf(node) };
}

function matches(version: number, wanted: number): boolean {
  return wanted === ANY_VERSION || wanted === version;
}

/** Never −1, which a client could not ask for (ZOOKEEPER-4743). */
function next(version: number): number {
  const increased = (version + 1) | 0;
  return increased === ANY_VERSION ? 0 : increased;
}
