/** TELL: who followed whom, and how long each held and waited: read off successive pictures of the lines. */
import { Observable } from 'rxjs';
import type { ContentionUnder } from './contention.js';
import type { ContenderInLine } from './contention-facts.js';

/** One holder's end. Times are as seen from here, in milliseconds. */
export interface HandOver {
  readonly path: string;
  /** Who let go, or lost it. */
  readonly from: ContenderInLine;
  /** Who holds now; null when nobody stood behind. */
  readonly to: ContenderInLine | null;
  /** When it was seen, epoch ms. */
  readonly atMs: number;
  /** How long `from` was seen to hold; null when it held before we looked. */
  readonly heldMs: number | null;
  /** How long `to` stood in line before, by the leader's clock against ours; null when there is none. */
  readonly waitedMs: number | null;
}

/**
 * A hand-over's own latency: from the deletion of the old claim to the write of the new grant, both seen from here. Only
 * holders with a time to live write their grant.
 */
export interface GrantWritten {
  readonly path: string;
  readonly holder: ContenderInLine;
  readonly latencyMs: number;
}

/** What {@link handOvers} tells. */
export type HandOverNews =
  | ({ readonly type: 'handOver' } & HandOver)
  | ({ readonly type: 'grantWritten' } & GrantWritten);

interface Holding {
  readonly holder: ContenderInLine;
  /** When it was seen to begin; null when it held before we looked. */
  readonly beganMs: number | null;
  /** Its grant has been written, or it was first before we looked. */
  readonly written: boolean;
}

/**
 * The hand-overs in a stream of {@link ContentionUnder}. What happened while the stream was stale is not told: who held in
 * between is not known.
 */
export function handOvers(contention$: Observable<ContentionUnder>): Observable<HandOverNews> {
  return new Observable((subscriber) => {
    const holdings = new Map<string, Holding>();
    /** False for the first picture, and the first after a cut: who is first in it was so before. */
    let looking = false;
    return contention$.subscribe({
      next: ({ lines, changed, freshness, asOf }) => {
        if (freshness === 'stale') {
          holdings.clear();
          looking = false;
          return;
        }
        const before = !looking;
        looking = true;
        for (const path of changed) {
          const holder = lines.get(path)?.holder ?? null;
          const last = holdings.get(path);
          if (last !== undefined && last.holder.path === holder?.path) {
            const written = last.written || holder.grantedMs !== undefined;
            if (written && !last.written && last.beganMs !== null)
              subscriber.next({ type: 'grantWritten', path, holder, latencyMs: asOf - last.beganMs });
            holdings.set(path, { ...last, holder, written });
            continue;
          }
          if (holder === null) holdings.delete(path);
          else
            holdings.set(path, {
              holder,
              beganMs: before ? null : asOf,
              written: before || holder.grantedMs !== undefined,
            });
          if (last !== undefined)
            subscriber.next({
              type: 'handOver',
              path,
              from: last.holder,
              to: holder,
              atMs: asOf,
              heldMs: last.beganMs === null ? null : asOf - last.beganMs,
              waitedMs: holder === null ? null : Math.max(0, asOf - holder.sinceMs),
            });
        }
      },
      error: (error: unknown) => {
        subscriber.error(error);
      },
      complete: () => {
        subscriber.complete();
      },
    });
  });
}
