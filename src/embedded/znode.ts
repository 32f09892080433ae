/** What a znode is: its fields, who owns it, and what the protocol tells of it. */
import type { Acl, Stat } from '../zookeeper/client.js';

/** Owner of a container (EphemeralType.CONTAINER_EPHEMERAL_OWNER). */
export const CONTAINER_OWNER = '8000000000000000';
/** Owner of a node that is nobody's. */
export const NO_OWNER = '0';
const TTL_OWNER_PREFIX = 'ff';
/** A TTL stands in the lower 40 bits of the owner (EphemeralType.TTL). */
export const LONGEST_TTL_MS = 0xff_ffff_ffff;

/** The owner that says "goes when unchanged and childless for `ttlMs`". */
export function ttlOwner(ttlMs: number): string {
  return TTL_OWNER_PREFIX + ttlMs.toString(16).padStart(14, '0');
}

/** The TTL that an owner stands for, if it stands for one. */
export function ttlOfOwner(owner: string): number | undefined {
  return owner.length === 16 && owner.startsWith(TTL_OWNER_PREFIX)
    ? Number.parseInt(owner.slice(2), 16)
    : undefined;
}

/** Whether a node with this owner goes with a session, and so can have no children. */
export function isEphemeralOwner(owner: string): boolean {
  return owner !== NO_OWNER && owner !== CONTAINER_OWNER && ttlOfOwner(owner) === undefined;
}

export interface Znode {
  readonly path: string;
  readonly owner: string;
  readonly czxid: bigint;
  readonly ctimeMs: number;
  /** `null` as long as nobody wrote bytes: the protocol tells it from empty. */
  data: Uint8Array | null;
  acl: readonly Acl[];
  mzxid: bigint;
  mtimeMs: number;
  pzxid: bigint;
  version: number;
  aversion: number;
  /** Creates under this node, ever. What a stat shows as `cversion` counts the deletes too. */
  createCount: number;
  /** The counter as uncommitted creates see it, when that differs: only past its end (see `nextSequence`). */
  uncommittedCount: number | undefined;
  readonly children: Set<string>;
}

/** `/a` for `/a/b`, and `/` for `/a`. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** What the protocol tells of a node (DataNode.copyStat): its `cversion` counts creates and deletes. */
export function statOf(node: Znode): Stat {
  const numChildren = node.children.size;
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    ctimeMs: node.ctimeMs,
    mtimeMs: node.mtimeMs,
    version: node.version,
    cversion: (node.createCount * 2 - numChildren) | 0,
    aversion: node.aversion,
    // What a container or a TTL node keeps there is not shown.
    ephemeralOwner: isEphemeralOwner(node.owner) ? node.owner : NO_OWNER,
    dataLength: node.data?.length ?? 0,
    numChildren,
    pzxid: node.pzxid,
  };
}

/** As a new server has them: nobody created it, nobody wrote it. */
export function emptyNode(path: string, acl: readonly Acl[]): Znode {
  return {
    path,
    owner: NO_OWNER,
    czxid: 0n,
    ctimeMs: 0,
    data: new Uint8Array(0),
    acl,
    mzxid: 0n,
    mtimeMs: 0,
    pzxid: 0n,
    version: 0,
    aversion: 0,
    createCount: 0,
    uncommittedCount: undefined,
    children: new Set(),
  };
}
