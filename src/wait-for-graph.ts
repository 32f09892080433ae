/** WHO waits for whom across locks: deadlocks, and claims that nobody seems to mind. Pure functions over lines. */
import type { ContenderInLine, Contention } from './contention-facts.js';

/**
 * An owner: a name that a claim says explicitly, in one process. A session alone is not one (everything in a process may
 * share it), and one name in two processes is two owners, for they wait independently.
 */
export interface Owner {
  readonly id: string;
  readonly name: string;
  readonly host?: string;
  readonly pid?: number;
}

/** `waiter` cannot go on before `blocker` has let go of, or left, the line at `path`. */
export interface WaitFor {
  readonly path: string;
  readonly waiter: Owner;
  readonly blocker: Owner;
}

/** Owners that wait for each other in a circle: none goes on unless one gives up. */
export interface Deadlock {
  /** Each waits for the next one, the last for the first. */
  readonly circle: readonly WaitFor[];
}

/** A claim that deserves a look. */
export interface Orphan {
  readonly path: string;
  readonly claim: ContenderInLine;
  /**
   * `session-gone`: its session is not alive, or it never had one. `ttl-passed`: longer in line than the time to live it gave
   * itself, and nobody behind purges it. `held-too-long`: longer first in line than the caller thinks right.
   */
  readonly why: 'session-gone' | 'ttl-passed' | 'held-too-long';
}

function ownerOf({ owner, host, pid, session }: ContenderInLine): Owner | null {
  if (owner === undefined) return null;
  const place = host === undefined && pid === undefined ? session : `${host ?? ''}:${pid ?? ''}`;
  return {
    id: `${owner}@${place}`,
    name: owner,
    ...(host === undefined ? {} : { host }),
    ...(pid === undefined ? {} : { pid }),
  };
}

/** Whether `ahead` keeps `waiter` from holding: readers do not block readers. */
const blocks = (ahead: ContenderInLine, waiter: ContenderInLine) =>
  !(ahead.kind === 'read' && waiter.kind === 'read');

/**
 * Who waits for whom. Each waiter is tied to the nearest blocker ahead that names an owner, and to every reader on the way;
 * those are tied on in turn, so every circle shows.
 */
export function waitForGraph(lines: Iterable<Contention>): WaitFor[] {
  const edges: WaitFor[] = [];
  for (const { path, contenders } of lines) {
    contenders.forEach((contender, position) => {
      const waiter = ownerOf(contender);
      if (waiter === null) return;
      for (let ahead = position - 1; ahead >= 0; ahead -= 1) {
        const other = contenders[ahead];
        if (other === undefined || !blocks(other, contender)) continue;
        const blocker = ownerOf(other);
        if (blocker === null || blocker.id === waiter.id) continue;
        edges.push({ path, waiter, blocker });
        // Readers hold side by side and do not wait for each other: whoever is behind them waits for each.
        if (other.kind !== 'read') return;
      }
    });
  }
  return edges;
}

/** Circles of owners that wait for each other; of circles that share an owner, one. */
export function deadlocks(edges: readonly WaitFor[]): Deadlock[] {
  const from = new Map<string, WaitFor[]>();
  for (const edge of edges) {
    const out = from.get(edge.waiter.id);
    if (out === undefined) from.set(edge.waiter.id, [edge]);
    else out.push(edge);
  }
  const found: Deadlock[] = [];
  /** Owners from which everything has been looked at. */
  const done = new Set<string>();
  const knotted = new Set<string>();
  for (const start of from.keys()) {
    const trail: WaitFor[] = [];
    const onTrail = new Map<string, number>();
    // Depth first without recursion: lines may be long.
    const branches: Iterator<WaitFor>[] = [];
    const enter = (id: string) => {
      onTrail.set(id, trail.length);
      branches.push((from.get(id) ?? []).values());
    };
    if (!done.has(start)) enter(start);
    while (branches.length > 0) {
      const step = branches.at(-1)?.next();
      if (step === undefined || step.done === true) {
        branches.pop();
        const left = trail.pop();
        const id = left?.blocker.id ?? start;
        onTrail.delete(id);
        done.add(id);
        continue;
      }
      const { blocker } = step.value;
      const circleAt = onTrail.get(blocker.id);
      if (circleAt !== undefined) {
        const circle = [...trail.slice(circleAt), step.value];
        if (circle.some(({ waiter }) => knotted.has(waiter.id))) continue;
        for (const { waiter } of circle) knotted.add(waiter.id);
        found.push({ circle });
      } else if (!done.has(blocker.id)) {
        trail.push(step.value);
        enter(blocker.id);
      }
    }
  }
  return found;
}

/** What an operator knows besides the lines. */
export interface OrphanOptions {
  /** The leader's time, or ours as near as it is, epoch ms. */
  readonly nowMs: number;
  /** Longer in line than this, and first, is too long. Default: nothing is. */
  readonly tooLongMs?: number;
  /** The sessions that the server knows (its four-letter word `dump`), hex. Default: every session is believed alive. */
  readonly liveSessions?: ReadonlySet<string>;
}

/** Claims that deserve a look, each for its gravest reason (T51). */
export function orphans(
  lines: Iterable<Contention>,
  { nowMs, tooLongMs, liveSessions }: OrphanOptions,
): Orphan[] {
  const found: Orphan[] = [];
  for (const { path, contenders } of lines) {
    contenders.forEach((claim, position) => {
      const gone = claim.session !== '0' && liveSessions?.has(claim.session) === false;
      if (gone) found.push({ path, claim, why: 'session-gone' });
      else if (position === 0 && claim.endsMs !== undefined && claim.endsMs < nowMs)
        found.push({ path, claim, why: 'ttl-passed' });
      else if (position === 0 && tooLongMs !== undefined && nowMs - claim.sinceMs > tooLongMs)
        found.push({ path, claim, why: 'held-too-long' });
    });
  }
  return found;
}
