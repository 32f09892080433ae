/** Nobody enters before enough are there, or leaves before the others; and whoever was counted gets in. */
import type { Transaction } from '../../../src/embedded/znode-tree.js';
import { READY } from '../../../src/recipes/passage.js';
import type { Attempt } from '../attempt.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';

/** On top of the session's length, in which a dead connection is noticed and another one made. */
const SLACK_MS = 3_000;

/** One path as the leader has it. */
interface Round {
  /** Each with the moment it came. */
  readonly members: Map<string, number>;
  /** Those who were there when enough were. */
  readonly counted: Set<string>;
  /** Enough were there, and have not all left since. */
  open: boolean;
  closedMs: number;
}

export class BeginTogether implements Checker {
  readonly guarantee = 'a group begins together and ends together';
  readonly #world: World;
  readonly #rounds = new Map<string, Round>();
  readonly #membersOf: (path: string) => number;
  /** Claims that made enough, and since when somebody has got in who counted them. */
  readonly #owed = new Map<string, number>();
  /** Who leaves, and who was inside then. */
  readonly #leaving = new Map<Attempt, readonly string[]>();
  #wrong: string | undefined;

  constructor(world: World, membersOf: (path: string) => number) {
    this.#world = world;
    this.#membersOf = membersOf;
  }

  committed({ mutations }: Transaction): void {
    const now = this.#world.clock.now();
    for (const { type, path } of mutations) {
      const at = path.lastIndexOf('/');
      const parent = path.slice(0, at);
      if (!this.#world.paths.includes(parent) || path.slice(at + 1) === READY) continue;
      const round = this.#round(parent);
      if (type === 'create') round.members.set(path, now);
      if (type === 'delete') {
        round.members.delete(path);
        round.counted.delete(path);
        this.#owed.delete(path);
      }
      if (round.members.size >= this.#membersOf(parent)) {
        round.open = true;
        for (const member of round.members.keys()) round.counted.add(member);
      }
      if (round.members.size === 0 && round.open) {
        round.open = false;
        round.closedMs = now;
      }
    }
  }

  granted(attempt: Attempt): void {
    if (!attempt.believes || this.#world.wasRobbed(attempt) || this.#world.profile.overlapAllowed) return;
    const round = this.#round(attempt.path);
    if (!round.open && round.closedMs < attempt.askedMs)
      this.#wrong ??= `${attempt.name} begins at ${attempt.path} with ${round.members.size} of ${this.#membersOf(attempt.path)}`;
    // Whoever asked while it was open may come in behind the last one, and keeps it open.
    round.open = round.members.size > 0;
    const now = this.#world.clock.now();
    for (const path of round.counted) if (!this.#owed.has(path)) this.#owed.set(path, now);
  }

  /** The attempt begins to leave. */
  leaving(attempt: Attempt): void {
    const inside = [...this.#round(attempt.path).members].filter(([, ms]) => ms <= attempt.grantedMs);
    this.#leaving.set(
      attempt,
      inside.map(([path]) => path).filter((path) => !attempt.claimPaths.includes(path)),
    );
  }

  /** It has left, and says that all the others have. */
  left(attempt: Attempt): void {
    const { members } = this.#round(attempt.path);
    const inside = this.#leaving.get(attempt)?.find((path) => members.has(path));
    if (inside !== undefined)
      this.#wrong ??= `${attempt.name} has left ${attempt.path}, though ${inside} is inside`;
  }

  step(): string | undefined {
    if (this.#wrong !== undefined) return this.#wrong;
    const now = this.#world.clock.now();
    for (const [path, ms] of this.#owed) {
      const attempt = this.#world.attemptAt(path);
      if (attempt === undefined || !attempt.pending || attempt.lease !== null) {
        this.#owed.delete(path);
        continue;
      }
      const limitMs = 2 * attempt.participant.sessionTimeoutMs + SLACK_MS;
      if (now - Math.max(ms, this.#world.quietSinceMs) > limitMs)
        return `${attempt.name} was counted at ${attempt.path}, and never got in`;
    }
    return undefined;
  }

  #round(path: string): Round {
    const round = this.#rounds.get(path) ?? {
      members: new Map<string, number>(),
      counted: new Set<string>(),
      open: false,
      closedMs: Number.NEGATIVE_INFINITY,
    };
    this.#rounds.set(path, round);
    return round;
  }
}
