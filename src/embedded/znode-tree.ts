/**
 * The znodes and nothing else: no sessions, no watches, no permissions, no time of its own. It changes only
 * between {@link ZnodeTree.begin} and {@link ZnodeTree.commit}; {@link ZnodeTree.rollback} takes everything back.
 */
import type { Acl } from '../zookeeper/client.js';
import { OPEN_ACL } from '../zookeeper/client.js';
import { emptyNode, isEphemeralOwner, NO_OWNER, parentOf, type Znode } from './znode.js';

/** One change, with everything decided: a replica that applies the same mutations has the same tree. */
export type Mutation =
  | {
      readonly type: 'create';
      readonly path: string;
      readonly data: Uint8Array | null;
      readonly acl: readonly Acl[];
      readonly owner: string;
      /** The parent's create counter after this. */
      readonly createCount: number;
    }
  | { readonly type: 'delete'; readonly path: string }
  | {
      readonly type: 'setData';
      readonly path: string;
      readonly data: Uint8Array | null;
      readonly version: number;
    }
  | {
      readonly type: 'setAcl';
      readonly path: string;
      readonly acl: readonly Acl[];
      readonly version: number;
    };

/** What a watch may tell, and the ACL of the node it happened to: who may not read it is not told. */
export interface Change {
  readonly type: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged';
  readonly path: string;
  readonly acl: readonly Acl[];
}

/** What was committed under one zxid. */
export interface Transaction {
  readonly zxid: bigint;
  readonly timeMs: number;
  readonly mutations: readonly Mutation[];
  readonly changes: readonly Change[];
}

const READ_ONLY_ACL: readonly Acl[] = [{ permissions: 1, scheme: 'world', id: 'anyone' }];

interface OpenTransaction {
  readonly zxid: bigint;
  readonly timeMs: number;
  readonly mutations: Mutation[];
  readonly changes: Change[];
  readonly undo: (() => void)[];
}

export class ZnodeTree {
  readonly #nodes = new Map<string, Znode>();
  readonly #ephemerals = new Map<string, Set<string>>();
  readonly #reapable = new Set<string>();
  readonly #uncommitted = new Set<Znode>();
  #open: OpenTransaction | undefined;
  #lastZxid = 0n;
  #dataBytes = 0;
  readonly #firstSequence: number;

  /** @param firstSequence where the counter of every node made later begins: 0, unless a test wants its end near. */
  constructor(firstSequence = 0) {
    this.#firstSequence = firstSequence | 0;
    // A new real server has these: with zxid 0, time 0 and, as they were not "created", cversion −1 and −2.
    for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
      this.#nodes.set(path, emptyNode(path, path === '/zookeeper/config' ? READ_ONLY_ACL : OPEN_ACL));
      if (path !== '/') this.#existing(parentOf(path)).children.add(path.slice(path.lastIndexOf('/') + 1));
      this.#dataBytes += path.length;
    }
  }

  /** The zxid of the newest transaction, failed ones included. */
  get lastZxid(): bigint {
    return this.#lastZxid;
  }

  get nodeCount(): number {
    return this.#nodes.size;
  }

  get ephemeralCount(): number {
    let count = 0;
    for (const paths of this.#ephemerals.values()) count += paths.size;
    return count;
  }

  /** Bytes of paths and data, as `mntr` counts them. */
  get approximateBytes(): number {
    return this.#dataBytes;
  }

  paths(): IterableIterator<string> {
    return this.#nodes.keys();
  }

  /** As the real server's table has it, the empty path is the root too. */
  get(path: string): Znode | undefined {
    return this.#nodes.get(path === '' ? '/' : path);
  }

  ephemeralsOf(sessionId: string): readonly string[] {
    return [...(this.#ephemerals.get(sessionId) ?? [])];
  }

  /** Containers and nodes with a TTL: what a periodic check looks at. */
  get reapable(): ReadonlySet<string> {
    return this.#reapable;
  }

  /**
   * The number that a sequential create under `parent` gets. At the counter's end the real server formats the
   * counter of its newest *uncommitted* change, which wraps to negative, while the committed counter only moves
   * when larger and so stays at 2147483647 (PrepRequestProcessor.pRequest2TxnCreate, DataTree.createNode).
   */
  nextSequence(parent: Znode): number {
    return parent.uncommittedCount ?? parent.createCount;
  }

  /** Some counter is past its end, with creates in flight. */
  get hasUncommitted(): boolean {
    return this.#uncommitted.size > 0;
  }

  /** From here on, nothing is in flight any more: counters past their end fall back. */
  settleCounters(): void {
    for (const node of this.#uncommitted) node.uncommittedCount = undefined;
    this.#uncommitted.clear();
  }

  /** Whether anything was ever created under `node`. */
  wasUsed(node: Znode): boolean {
    return node.createCount !== this.#firstSequence;
  }

  /** Test and fault plans only: puts a parent's counter where a long life would have brought it. */
  setCounter(path: string, count: number): void {
    this.#existing(path).createCount = count | 0;
  }

  begin(zxid: bigint, timeMs: number): void {
    if (this.#open !== undefined) throw new Error('a transaction is open already');
    this.#open = { zxid, timeMs, mutations: [], changes: [], undo: [] };
  }

  /** Applies one mutation, whose preconditions the caller has checked. */
  apply(mutation: Mutation): Znode {
    const open = this.#transaction();
    open.mutations.push(mutation);
    switch (mutation.type) {
      case 'create':
        return this.#create(mutation, open);
      case 'delete':
        return this.#delete(mutation.path, open);
      case 'setData':
        return this.#setData(mutation, open);
      case 'setAcl':
        return this.#setAcl(mutation, open);
    }
  }

  commit(): Transaction {
    const { zxid, timeMs, mutations, changes } = this.#transaction();
    this.#open = undefined;
    this.#lastZxid = zxid;
    return { zxid, timeMs, mutations, changes };
  }

  /** Takes back what was applied since {@link ZnodeTree.begin}; the zxid is used up all the same. */
  rollback(): void {
    const { undo, zxid } = this.#transaction();
    for (const step of undo.reverse()) step();
    this.#open = undefined;
    this.#lastZxid = zxid;
  }

  /** Applies what another tree committed. */
  replay({ zxid, timeMs, mutations }: Transaction): Transaction {
    this.begin(zxid, timeMs);
    for (const mutation of mutations) this.apply(mutation);
    return this.commit();
  }

  #transaction(): OpenTransaction {
    if (this.#open === undefined) throw new Error('no transaction is open');
    return this.#open;
  }

  #existing(path: string): Znode {
    const node = this.get(path);
    if (node === undefined) throw new Error(`no node at ${path}`);
    return node;
  }

  #create(mutation: Extract<Mutation, { type: 'create' }>, open: OpenTransaction): Znode {
    const { path, data, acl, owner, createCount } = mutation;
    const parent = this.#existing(parentOf(path));
    const before = {
      createCount: parent.createCount,
      pzxid: parent.pzxid,
      uncommitted: parent.uncommittedCount,
    };
    if (createCount > parent.createCount) {
      parent.createCount = createCount;
      parent.pzxid = open.zxid;
    } else {
      parent.uncommittedCount = createCount;
      this.#uncommitted.add(parent);
    }
    const { zxid, timeMs } = open;
    const node: Znode = {
      ...emptyNode(path, acl),
      createCount: this.#firstSequence,
      owner,
      data,
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctimeMs: timeMs,
      mtimeMs: timeMs,
    };
    this.#attach(node, parent);
    open.undo.push(() => {
      this.#detach(node, parent);
      parent.createCount = before.createCount;
      parent.pzxid = before.pzxid;
      parent.uncommittedCount = before.uncommitted;
    });
    open.changes.push(
      { type: 'created', path, acl },
      { type: 'childrenChanged', path: parent.path, acl: parent.acl },
    );
    return node;
  }

  #delete(path: string, open: OpenTransaction): Znode {
    const node = this.#existing(path);
    const parent = this.#existing(parentOf(path));
    const before = parent.pzxid;
    parent.pzxid = open.zxid;
    this.#detach(node, parent);
    open.undo.push(() => {
      this.#attach(node, parent);
      parent.pzxid = before;
    });
    open.changes.push(
      { type: 'deleted', path, acl: node.acl },
      { type: 'childrenChanged', path: parent.path, acl: parent.acl },
    );
    return node;
  }

  #setData({ path, data, version }: Extract<Mutation, { type: 'setData' }>, open: OpenTransaction): Znode {
    const node = this.#existing(path);
    const { data: oldData, version: oldVersion, mzxid, mtimeMs } = node;
    this.#dataBytes += (data?.length ?? 0) - (oldData?.length ?? 0);
    node.data = data;
    node.version = version;
    node.mzxid = open.zxid;
    node.mtimeMs = open.timeMs;
    open.undo.push(() => {
      this.#dataBytes -= (data?.length ?? 0) - (oldData?.length ?? 0);
      node.data = oldData;
      node.version = oldVersion;
      node.mzxid = mzxid;
      node.mtimeMs = mtimeMs;
    });
    open.changes.push({ type: 'dataChanged', path: node.path, acl: node.acl });
    return node;
  }

  #setAcl({ path, acl, version }: Extract<Mutation, { type: 'setAcl' }>, open: OpenTransaction): Znode {
    const node = this.#existing(path);
    const { acl: oldAcl, aversion } = node;
    node.acl = acl;
    node.aversion = version;
    open.undo.push(() => {
      node.acl = oldAcl;
      node.aversion = aversion;
    });
    return node;
  }

  #attach(node: Znode, parent: Znode): void {
    const { path, owner } = node;
    this.#nodes.set(path, node);
    parent.children.add(path.slice(path.lastIndexOf('/') + 1));
    this.#dataBytes += path.length + (node.data?.length ?? 0);
    if (isEphemeralOwner(owner)) {
      const paths = this.#ephemerals.get(owner);
      if (paths === undefined) this.#ephemerals.set(owner, new Set([path]));
      else paths.add(path);
    } else if (owner !== NO_OWNER) {
      this.#reapable.add(path);
    }
  }

  #detach(node: Znode, parent: Znode): void {
    const { path, owner } = node;
    this.#nodes.delete(path);
    parent.children.delete(path.slice(path.lastIndexOf('/') + 1));
    this.#dataBytes -= path.length + (node.data?.length ?? 0);
    this.#reapable.delete(path);
    const paths = this.#ephemerals.get(owner);
    if (paths?.delete(path) === true && paths.size === 0) this.#ephemerals.delete(owner);
  }
}
