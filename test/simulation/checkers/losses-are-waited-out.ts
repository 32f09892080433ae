/** Whoever holds next after an unclean end waits that out; after a clean release nothing is left that anybody would wait for. */
import type { Transaction } from '../../../src/embedded/znode-tree.js';
import { MARK_NAME } from '../../../src/queue.js';
import type { Attempt } from '../attempt.js';
import type { TrueMark, World } from '../world.js';
import type { Checker } from './checker.js';

/** The rates of two clocks: a process counts on its own. */
const DRIFT = 0.01;

/** The attempt whose claim goes in a transaction, if it had been told that it holds. */
function* endedIn(world: World, { mutations }: Transaction): Generator<{ path: string; holder: Attempt }> {
  for (const { type, path } of mutations) {
    if (type !== 'delete' || world.guidOf(path) === undefined) continue;
    const holder = world.attemptAt(path);
    if (holder?.claimPaths.includes(path) === true) yield { path, holder };
  }
}

export class LossesAreWaitedOut implements Checker {
  readonly guarantee = 'a loss is waited out';
  readonly #world: World;
  readonly #delayMs: number;
  /** When the last holder ended without releasing, by path. */
  readonly #lostMs = new Map<string, { readonly holder: Attempt; readonly ms: number }>();
  #wrong: string | undefined;

  constructor(world: World, delayMs: number) {
    this.#world = world;
    this.#delayMs = delayMs;
  }

  committed(transaction: Transaction): void {
    for (const { path, holder } of endedIn(this.#world, transaction)) {
      // Whoever deletes the whole lock path leaves nothing to know it by.
      const meddled = this.#world.wasRobbed(holder) && this.#world.markAt(holder.path) === undefined;
      if (holder.released || meddled) continue;
      this.#lostMs.set(holder.path, { holder, ms: this.#world.clock.now() });
      this.#world.tell('world', `${path} of ${holder.name} was not released`);
    }
    for (const { type, path } of transaction.mutations) if (type === 'delete') this.#lostMs.delete(path);
  }

  granted(attempt: Attempt): void {
    const lost = this.#lostMs.get(attempt.path);
    // Lost before it was heard of: it holds nothing.
    if (lost === undefined || !attempt.believes || this.#world.wasRobbed(attempt)) return;
    this.#lostMs.delete(attempt.path);
    const tookMs = this.#world.clock.now() - lost.ms;
    if (tookMs < this.#delayMs * (1 - DRIFT))
      this.#wrong ??= `${attempt.name} was granted ${attempt.path} ${tookMs.toFixed(0)} ms after ${lost.holder.name} had lost it`;
  }

  step(): string | undefined {
    return this.#wrong;
  }
}

export class NoMarkOfAReleasedClaim implements Checker {
  readonly guarantee = 'a clean release delays nobody';
  readonly #world: World;
  #wrong: string | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  committed(transaction: Transaction): void {
    for (const { path, holder } of endedIn(this.#world, transaction)) {
      // Ended by somebody, or with its session, before its release was heard.
      const mayBeEnded = holder.timeToLive || this.#world.wasRobbed(holder) || !this.#sessionLives(holder);
      if (!holder.released || mayBeEnded) continue;
      const mark: TrueMark | undefined = this.#world.markAt(holder.path);
      if (mark !== undefined && path.endsWith(mark.claim))
        this.#wrong ??= `${holder.name} released ${path}, and ${MARK_NAME} says that it did not`;
    }
  }

  #sessionLives({ releasedBy }: Attempt): boolean {
    return this.#world.ensemble.zookeeper.sessions().some(({ id }) => id === releasedBy);
  }

  step(): string | undefined {
    return this.#wrong;
  }
}
