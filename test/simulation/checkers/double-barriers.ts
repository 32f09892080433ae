/** Nobody enters before enough are there, or leaves before the others; and whoever was counted gets in. */
import type { Transaction } from '../../../src/embedded/znode-tree.js';
import { READY } from '../../../src/recipes/barrier-round.js';
import type { Attempt } from '../attempt.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';

/** On top of the session's length, in which a dead connection is noticed and another one made. */
const SLACK_MS = 3_000;

/** One path as the leader has it. */
interface Round {
  /** Each with the moment it came. */
  readonly members: Map<string, number>;
  /** Those who made enough. */
  readonly counted: Set<string>;
  /** Enough were there, and have not all left since. */
  open: boolean;
}

/** Somebody leaves. */
interface Leaving {
  readonly sinceMs: number;
  /** The claims that were inside when it began, and are waited for. */
  readonly inside: readonly string[];
  /** All claims that stood there as it left. */
  readonly beside: readonly string[];
}

export class BeginTogether implements Checker {
  readonly guarantee = 'a group begins together and ends together';
  readonly #world: World;
  readonly #rounds = new Map<string, Round>();
  /** Claims that stood there while it was open. */
  readonly #mayBegin = new Set<string>();
  readonly #membersOf: (path: string) => number;
  /** Claims that were there as somebody wrote `ready`: everybody can know that they are inside. */
  readonly #inside = new Set<string>();
  /** Such claims, and those that made enough, and since when somebody has got in who counted them. */
  readonly #owed = new Map<string, number>();
  readonly #leaving = new Map<Attempt, Leaving>();
  #wrong: string | undefined;

  constructor(world: World, membersOf: (path: string) => number) {
    this.#world = world;
    this.#membersOf = membersOf;
  }

  committed({ mutations }: Transaction): void {
    const now = this.#world.clock.now();
    const saysReady = new Set<string>();
    for (const { type, path } of mutations) {
      const at = path.lastIndexOf('/');
      const parent = path.slice(0, at);
      if (!this.#world.paths.includes(parent)) continue;
      const round = this.#round(parent);
      if (path.slice(at + 1) === READY) {
        if (type === 'delete') saysReady.delete(parent);
        else saysReady.add(parent);
        continue;
      }
      if (type === 'create') {
        round.members.set(path, now);
        round.open ||= round.members.size >= this.#membersOf(parent);
        if (round.members.size === this.#membersOf(parent))
          for (const member of round.members.keys()) round.counted.add(member);
        if (round.open) for (const member of round.members.keys()) this.#mayBegin.add(member);
      }
      if (type === 'delete') {
        round.members.delete(path);
        round.counted.delete(path);
        this.#owed.delete(path);
        if (round.members.size === 0) round.open = false;
      }
    }
    for (const parent of saysReady) {
      for (const member of this.#round(parent).members.keys()) {
        this.#inside.add(member);
        if (!this.#owed.has(member)) this.#owed.set(member, now);
      }
    }
  }

  granted(attempt: Attempt): void {
    if (!attempt.believes || this.#world.wasRobbed(attempt) || this.#world.profile.overlapAllowed) return;
    const round = this.#round(attempt.path);
    if (!attempt.claimPaths.some((path) => this.#mayBegin.has(path)))
      this.#wrong ??= `${attempt.name} begins at ${attempt.path} with ${round.members.size} of ${this.#membersOf(attempt.path)}`;
    const now = this.#world.clock.now();
    for (const path of round.counted) if (!this.#owed.has(path)) this.#owed.set(path, now);
  }

  /** The attempt begins to leave. */
  leaving(attempt: Attempt): void {
    const others = [...this.#round(attempt.path).members].filter(
      ([path]) => !attempt.claimPaths.includes(path),
    );
    this.#leaving.set(attempt, {
      sinceMs: this.#world.clock.now(),
      inside: others
        .filter(([path, ms]) => ms <= attempt.grantedMs && this.#inside.has(path))
        .map(([path]) => path),
      beside: others.map(([path]) => path),
    });
  }

  /** It has left, and says that all the others have. */
  left(attempt: Attempt): void {
    const { members } = this.#round(attempt.path);
    const inside = this.#leaving.get(attempt)?.inside.find((path) => members.has(path));
    if (inside !== undefined)
      this.#wrong ??= `${attempt.name} has left ${attempt.path}, though ${inside} is inside`;
  }

  step(): string | undefined {
    if (this.#wrong !== undefined) return this.#wrong;
    const now = this.#world.clock.now();
    const tooLong = (attempt: Attempt, sinceMs: number) =>
      now - Math.max(sinceMs, this.#world.quietSinceMs) > 2 * attempt.participant.sessionTimeoutMs + SLACK_MS;
    for (const [path, ms] of this.#owed) {
      const attempt = this.#outside(path);
      if (attempt === undefined) this.#owed.delete(path);
      else if (tooLong(attempt, ms))
        return `${attempt.name} was counted at ${attempt.path}, and never got in`;
    }
    for (const [leaver, { sinceMs, beside }] of this.#leaving) {
      if (!leaver.pending) this.#leaving.delete(leaver);
      else if (tooLong(leaver, sinceMs)) {
        const waiting = beside.map((path) => this.#outside(path)).find((other) => other !== undefined);
        if (waiting !== undefined)
          return `${leaver.name} leaves ${leaver.path} and waits for ${waiting.name}, who has not got in`;
      }
    }
    return undefined;
  }

  /** Who waits with this claim to begin. */
  #outside(path: string): Attempt | undefined {
    const attempt = this.#world.attemptAt(path);
    return attempt?.pending === true && attempt.lease === null ? attempt : undefined;
  }

  #round(path: string): Round {
    const round = this.#rounds.get(path) ?? {
      members: new Map<string, number>(),
      counted: new Set<string>(),
      open: false,
    };
    this.#rounds.set(path, round);
    return round;
  }
}
