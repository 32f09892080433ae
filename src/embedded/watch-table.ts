/** Who is told of which change. As the real server: two tables (data and child), one entry per path and watcher. */
import type { Change } from './znode-tree.js';

/** A watch's modes are bits, so that one watcher can have several on one path (ZOOKEEPER-4466). */
const mode = { oneShot: 1, persistent: 2, recursive: 4 } as const;
const ANY_MODE = 7;

/** What `removeWatches` can name (Watcher.WatcherType). */
export type RemovableWatch = 'child' | 'data' | 'any' | 'persistent' | 'persistentRecursive';

class Table<W> {
  readonly #byPath = new Map<string, Map<W, number>>();
  readonly #paths = new Map<W, Set<string>>();
  #recursiveCount = 0;

  get count(): number {
    let count = 0;
    for (const watchers of this.#byPath.values()) count += watchers.size;
    return count;
  }

  get pathCount(): number {
    return this.#byPath.size;
  }

  pathsOf(watcher: W): Iterable<string> {
    return this.#paths.get(watcher) ?? [];
  }

  add(path: string, watcher: W, bit: number): void {
    let watchers = this.#byPath.get(path);
    if (watchers === undefined) {
      watchers = new Map();
      this.#byPath.set(path, watchers);
    }
    let paths = this.#paths.get(watcher);
    if (paths === undefined) {
      paths = new Set();
      this.#paths.set(watcher, paths);
    }
    paths.add(path);
    this.#change(path, watchers, watcher, (watchers.get(watcher) ?? 0) | bit);
  }

  has(path: string, watcher: W, bits: number): boolean {
    return ((this.#byPath.get(path)?.get(watcher) ?? 0) & bits) !== 0;
  }

  remove(path: string, watcher: W, bits: number): boolean {
    const watchers = this.#byPath.get(path);
    const modes = watchers?.get(watcher) ?? 0;
    if (watchers === undefined || (modes & bits) === 0) return false;
    this.#change(path, watchers, watcher, modes & ~bits);
    return true;
  }

  removeAll(watcher: W): void {
    for (const path of [...this.pathsOf(watcher)]) this.remove(path, watcher, ANY_MODE);
  }

  /** Whom to tell; one-shot watches at the path itself are used up by it. */
  trigger(path: string): Set<W> {
    const told = new Set<W>();
    const watchers = this.#byPath.get(path);
    if (watchers !== undefined) {
      for (const [watcher, modes] of [...watchers]) {
        told.add(watcher);
        this.#change(path, watchers, watcher, modes & ~mode.oneShot);
      }
    }
    if (this.#recursiveCount > 0) {
      for (let above = path; above !== '/'; ) {
        above = above.slice(0, above.lastIndexOf('/')) || '/';
        for (const [watcher, modes] of this.#byPath.get(above) ?? []) {
          if ((modes & mode.recursive) !== 0) told.add(watcher);
        }
      }
    }
    return told;
  }

  #change(path: string, watchers: Map<W, number>, watcher: W, modes: number): void {
    const before = watchers.get(watcher) ?? 0;
    this.#recursiveCount += ((modes & mode.recursive) - (before & mode.recursive)) / mode.recursive;
    if (modes !== 0) {
      watchers.set(watcher, modes);
      return;
    }
    watchers.delete(watcher);
    if (watchers.size === 0) this.#byPath.delete(path);
    const paths = this.#paths.get(watcher);
    if (paths?.delete(path) === true && paths.size === 0) this.#paths.delete(watcher);
  }
}

export class WatchTable<W> {
  readonly #data = new Table<W>();
  readonly #child = new Table<W>();

  /** As `mntr` counts: one per path, table and watcher, so a persistent watch counts twice. */
  get count(): number {
    return this.#data.count + this.#child.count;
  }

  get pathCount(): number {
    return this.#data.pathCount + this.#child.pathCount;
  }

  /** The paths that `watcher` has a watch on, for tests. */
  pathsOf(watcher: W): string[] {
    return [...new Set([...this.#data.pathsOf(watcher), ...this.#child.pathsOf(watcher)])];
  }

  /** A one-shot watch as `getData`, `exists` (`data`) and `getChildren` (`child`) leave it. */
  add(kind: 'data' | 'child', path: string, watcher: W): void {
    (kind === 'data' ? this.#data : this.#child).add(path, watcher, mode.oneShot);
  }

  addPersistent(path: string, watcher: W): void {
    this.#data.add(path, watcher, mode.persistent);
    this.#child.add(path, watcher, mode.persistent);
  }

  /** Told of everything at and below `path`, but never `childrenChanged`: the child's own event says it. */
  addRecursive(path: string, watcher: W): void {
    this.#data.add(path, watcher, mode.recursive);
  }

  has(path: string, kind: RemovableWatch, watcher: W): boolean {
    return this.#tables(kind).some(([table, bits]) => table.has(path, watcher, bits));
  }

  /** Whether there was one. */
  remove(path: string, kind: RemovableWatch, watcher: W): boolean {
    const removed = this.#tables(kind).map(([table, bits]) => table.remove(path, watcher, bits));
    return removed.includes(true);
  }

  /** The connection is gone, and its watches with it. */
  removeAll(watcher: W): void {
    this.#data.removeAll(watcher);
    this.#child.removeAll(watcher);
  }

  /** Whom to tell of `change`, each once. */
  trigger({ type, path }: Change): Set<W> {
    switch (type) {
      case 'created':
      case 'dataChanged':
        return this.#data.trigger(path);
      case 'childrenChanged':
        return this.#child.trigger(path);
      case 'deleted': {
        const told = this.#data.trigger(path);
        for (const watcher of this.#child.trigger(path)) told.add(watcher);
        return told;
      }
    }
  }

  #tables(kind: RemovableWatch): [Table<W>, number][] {
    switch (kind) {
      case 'data':
        return [[this.#data, mode.oneShot]];
      case 'child':
        return [[this.#child, mode.oneShot]];
      case 'persistent':
        return [
          [this.#child, mode.persistent],
          [this.#data, mode.persistent],
        ];
      case 'persistentRecursive':
        return [[this.#data, mode.recursive]];
      case 'any':
        return [
          [this.#child, ANY_MODE],
          [this.#data, ANY_MODE],
        ];
    }
  }
}
