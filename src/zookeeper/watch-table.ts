/** Who waits for what: the watchers of one session by the server's path, one-shot ones until they fire. No I/O. */
import type { WatchEvent, Watcher } from './client.js';
import { eventType, opcode, watcherType } from './records.js';

/** `exists` is a watch on a missing node: it waits for the creation. To the server it is a `data` watch like the other. */
export type WatchKind = 'data' | 'exists' | 'child' | 'persistent' | 'persistentRecursive';

/** What a watcher hears of a notification's number; the other numbers (session news, removals) are no changes. */
export const changeOfEvent: Readonly<Record<number, WatchEvent['type'] | undefined>> = {
  [eventType.created]: 'created',
  [eventType.deleted]: 'deleted',
  [eventType.dataChanged]: 'dataChanged',
  [eventType.childrenChanged]: 'childrenChanged',
};

/** The one-shot watches that a change uses up, as the server does (WatchManager.triggerWatch). */
const consumedBy: Readonly<Record<WatchEvent['type'], readonly WatchKind[]>> = {
  created: ['data', 'exists'],
  deleted: ['data', 'exists', 'child'],
  dataChanged: ['data', 'exists'],
  childrenChanged: ['child'],
};

/** One setWatches request: the paths of each kind. */
export interface WatchBatch {
  /** `setWatches`, which every server knows, unless there are persistent watches. */
  readonly type: typeof opcode.setWatches | typeof opcode.setWatches2;
  readonly dataWatches: string[];
  readonly existsWatches: string[];
  readonly childWatches: string[];
  readonly persistentWatches: string[];
  readonly persistentRecursiveWatches: string[];
}

const kinds: readonly WatchKind[] = ['data', 'exists', 'child', 'persistent', 'persistentRecursive'];

const listOfKind = {
  data: 'dataWatches',
  exists: 'existsWatches',
  child: 'childWatches',
  persistent: 'persistentWatches',
  persistentRecursive: 'persistentRecursiveWatches',
} as const satisfies Record<WatchKind, keyof WatchBatch>;

/** Most paths have one watcher, and a set of its own for each costs more than the watch. */
type Watchers = Watcher | Set<Watcher>;

const oneByOne = (watchers: Watchers | undefined): Iterable<Watcher> =>
  watchers === undefined ? [] : typeof watchers === 'function' ? [watchers] : watchers;

export class WatchTable {
  readonly #watchers: Readonly<Record<WatchKind, Map<string, Watchers>>> = {
    data: new Map(),
    exists: new Map(),
    child: new Map(),
    persistent: new Map(),
    persistentRecursive: new Map(),
  };

  /** The same watcher twice on one path and kind is one watcher. */
  add(kind: WatchKind, path: string, watcher: Watcher): void {
    const watchers = this.#watchers[kind].get(path);
    if (watchers === undefined) this.#watchers[kind].set(path, watcher);
    else if (typeof watchers !== 'function') watchers.add(watcher);
    else if (watchers !== watcher) this.#watchers[kind].set(path, new Set([watchers, watcher]));
  }

  /** Who hears of a change at `path`; the one-shot ones among them are forgotten. Nobody hears of it twice. */
  take(change: WatchEvent['type'], path: string): ReadonlySet<Watcher> {
    const hearers = new Set<Watcher>();
    for (const kind of consumedBy[change]) {
      const watchers = this.#watchers[kind].get(path);
      if (watchers === undefined) continue;
      this.#watchers[kind].delete(path);
      for (const watcher of oneByOne(watchers)) hearers.add(watcher);
    }
    for (const watcher of oneByOne(this.#watchers.persistent.get(path))) hearers.add(watcher);
    // A recursive watch promises no child events: it hears of the children themselves (AddWatchMode).
    if (change === 'childrenChanged' || this.#watchers.persistentRecursive.size === 0) return hearers;
    for (let above = path; above !== ''; above = parentOf(above)) {
      for (const watcher of oneByOne(this.#watchers.persistentRecursive.get(above))) hearers.add(watcher);
    }
    return hearers;
  }

  /** Drops a watcher wherever it stands at `path`; says in which kinds it stood. */
  forget(path: string, watcher: Watcher): WatchKind[] {
    return kinds.filter((kind) => {
      const watchers = this.#watchers[kind].get(path);
      if (watchers === undefined || watchers === watcher) return this.#watchers[kind].delete(path);
      if (typeof watchers === 'function' || !watchers.delete(watcher)) return false;
      if (watchers.size === 0) this.#watchers[kind].delete(path);
      return true;
    });
  }

  /** The kinds of watch that somebody still has at `path`. */
  kindsAt(path: string): WatchKind[] {
    return kinds.filter((kind) => this.#watchers[kind].has(path));
  }

  /** Paths watched, over all kinds. */
  get size(): number {
    return kinds.reduce((sum, kind) => sum + this.#watchers[kind].size, 0);
  }

  /** Everything, in requests of about `limitBytes` at most: one larger than the server's packet limit is cut off (T47). */
  batches(limitBytes: number): WatchBatch[] {
    const batches: WatchBatch[] = [];
    let lists = emptyLists();
    let bytes = 0;
    const finish = (): void => {
      const persistent = lists.persistentWatches.length + lists.persistentRecursiveWatches.length > 0;
      if (bytes > 0) batches.push({ ...lists, type: persistent ? opcode.setWatches2 : opcode.setWatches });
      lists = emptyLists();
      bytes = 0;
    };
    for (const kind of kinds) {
      for (const path of this.#watchers[kind].keys()) {
        const size = 4 + path.length * 3; // the most that UTF-8 takes
        if (bytes > 0 && bytes + size > limitBytes) finish();
        lists[listOfKind[kind]].push(path);
        bytes += size;
      }
    }
    finish();
    return batches;
  }

  clear(): void {
    for (const kind of kinds) this.#watchers[kind].clear();
  }
}

/** What `removeWatches` calls a kind; servers know the last two by name since 3.9. */
const removalType: Readonly<Record<WatchKind, number>> = {
  data: watcherType.data,
  exists: watcherType.data,
  child: watcherType.children,
  persistent: watcherType.persistent,
  persistentRecursive: watcherType.persistentRecursive,
};

/** What to have removed at the server of a path that lost watchers of the kinds `gone` and keeps some of the kinds `left`. */
export function removalTypes(gone: readonly WatchKind[], left: readonly WatchKind[]): number[] {
  if (gone.length === 0) return [];
  // The only way to be rid of a persistent watch on a server before 3.9, which then has no other kind to lose.
  if (left.length === 0 && gone.some((kind) => kind.startsWith('persistent'))) return [watcherType.any];
  const kept = new Set(left.map((kind) => removalType[kind]));
  return [...new Set(gone.map((kind) => removalType[kind]))].filter((type) => !kept.has(type));
}

function emptyLists(): Omit<WatchBatch, 'type'> {
  return {
    dataWatches: [],
    existsWatches: [],
    childWatches: [],
    persistentWatches: [],
    persistentRecursiveWatches: [],
  };
}

function parentOf(path: string): string {
  if (path === '/') return '';
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}
