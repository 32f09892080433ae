/** Nobody overtakes: whoever holds has nobody ahead who is in his way; and whoever turns from writer to reader keeps his place. */
import { contenderOf } from '../../../src/queue.js';
import type { Attempt } from '../attempt.js';
import type { TrueClaim, World } from '../world.js';
import type { Checker } from './checker.js';

const reads = ({ name }: TrueClaim) => contenderOf(name)?.kind === 'read';

/** What orders a claim: its creation, or that of the writer whose place it took. */
const placeOf = (claim: TrueClaim): bigint => (reads(claim) ? claim.attempt?.place : null) ?? claim.czxid;

export class NoOvertaking implements Checker {
  readonly guarantee = 'nobody overtakes';
  readonly #world: World;
  #wrong: string | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  granted(attempt: Attempt): void {
    if (!attempt.believes || this.#world.wasRobbed(attempt) || this.#world.profile.overlapAllowed) return;
    for (const path of attempt.paths) {
      const line = this.#world.lineAt(path);
      const ours = line.find(({ name }) => attempt.claimPaths.includes(`${path}/${name}`));
      if (ours === undefined) this.#wrong ??= `${attempt.name} holds ${path} without a claim`;
      else {
        const ahead = line.find(
          (claim) => claim !== ours && placeOf(claim) < placeOf(ours) && !(reads(claim) && reads(ours)),
        );
        if (ahead !== undefined)
          this.#wrong ??= `${attempt.name} holds ${path}, though ${ahead.attempt?.name ?? ahead.name} is ahead`;
      }
    }
  }

  step(): string | undefined {
    return this.#wrong;
  }
}

export class DowngradeKeepsPlace implements Checker {
  readonly guarantee = 'a downgrade keeps its place';
  readonly #world: World;
  /** Who downgrades, and has been passed by a writer meanwhile. */
  readonly #passed = new Map<Attempt, string>();
  #wrong: string | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  granted(attempt: Attempt): void {
    if (!attempt.believes || this.#world.wasRobbed(attempt) || this.#world.profile.overlapAllowed) return;
    if (attempt.shared) {
      const by = this.#passed.get(attempt);
      if (by !== undefined) this.#wrong ??= `${by} wrote at ${attempt.path} while ${attempt.name} downgraded`;
      return;
    }
    for (const other of this.#world.attempts) {
      if (other.doing === 'downgrading' && other.path === attempt.path) this.#passed.set(other, attempt.name);
    }
  }

  step(): string | undefined {
    return this.#wrong;
  }
}
