/** TELL: who followed whom, and how long each held and waited: read off successive pictures of the lines. */
import { defer, mergeMap, type Observable } from 'rxjs';
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

/** Who held each lock in the picture before: what the next picture is compared with. Make it with {@link beginHandOvers}. */
export interface Holdings {
  /** False before the first picture, and before the first after a cut: who is first in it was so before. */
  looking: boolean;
  readonly byPath: Map<string, Holding>;
}

/** A holder as seen so far. */
export interface Holding {
  readonly holder: ContenderInLine;
  /** When it was seen to begin; null when it held before we looked. */
  readonly beganMs: number | null;
  /** Its grant has been written, or it was first before we looked. */
  readonly written: boolean;
}

/** Nothing seen yet. */
export function beginHandOvers(): Holdings {
  return { looking: false, byPath: new Map() };
}

/** What `picture` shows that `holdings` did not; `holdings` is brought up to it. */
export function handOversIn(
  holdings: Holdings,
  { lines, changed, freshness, asOf }: Pick<ContentionUnder, 'lines' | 'changed' | 'freshness' | 'asOf'>,
): HandOverNews[] {
  const news: HandOverNews[] = [];
  if (freshness === 'stale') {
    holdings.byPath.clear();
    holdings.looking = false;
    return news;
  }
  const before = !holdings.looking;
  holdings.looking = true;
  for (const path of changed) {
    const holder = lines.get(path)?.holder ?? null;
    const last = holdings.byPath.get(path);
    if (last !== undefined && last.holder.path === holder?.path) {
      const written = last.written || holder.grantedMs !== undefined;
      if (written && !last.written && last.beganMs !== null)
        news.push({ type: 'grantWritten', path, holder, latencyMs: asOf - last.beganMs });
      holdings.byPath.set(path, { ...last, holder, written });
      continue;
    }
    if (holder === null) holdings.byPath.delete(path);
    else {
      const beganMs = before ? null : asOf;
      holdings.byPath.set(path, { holder, beganMs, written: before || holder.grantedMs !== undefined });
    }
    if (last !== undefined)
      news.push({
        type: 'handOver',
        path,
        from: last.holder,
        to: holder,
        atMs: asOf,
        heldMs: last.beganMs === null ? null : asOf - last.beganMs,
        waitedMs: holder === null ? null : Math.max(0, asOf - holder.sinceMs),
      });
  }
  return news;
}

/**
 * The hand-overs in a stream of {@link ContentionUnder}. What happened while the stream was stale is not told: who held in
 * between is not known.
 */
export function handOvers(contention$: Observable<ContentionUnder>): Observable<HandOverNews> {
  return defer(() => {
    const holdings = beginHandOvers();
    return contention$.pipe(mergeMap((picture) => handOversIn(holdings, picture)));
  });
}
