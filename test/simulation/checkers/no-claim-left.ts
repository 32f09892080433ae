/** No claim is left behind: neither by whoever gave up, nor by whoever held, nor a second one of one acquisition. */
import type { Transaction } from '../../../src/embedded/znode-tree.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';

export class NoClaimLeft implements Checker {
  readonly guarantee = 'no claim left behind';
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  end(): string | undefined {
    for (const path of this.#world.lines) {
      for (const { name, attempt } of this.#world.lineAt(path)) {
        // Of a process that died, or whose good-bye was lost, and whose last words arrived late: its session takes the claim along.
        const left = attempt?.participant.clock.dead === true || attempt?.participant.closed === true;
        if (left && this.#world.isOwned(`${path}/${name}`)) continue;
        if (!this.#world.isWanted(`${path}/${name}`))
          return `${name} of ${attempt?.name ?? 'nobody'} is still at ${path}, though nobody wants it`;
      }
    }
    return undefined;
  }
}

/** One acquisition never has two claims in one session. */
export class OneClaimEach implements Checker {
  readonly guarantee = 'one claim for one acquisition';
  readonly #world: World;
  readonly #live = new Map<string, string>();
  #wrong: string | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  committed({ mutations }: Transaction): void {
    for (const mutation of mutations) {
      if (mutation.type === 'delete') {
        const guid = this.#world.guidOf(mutation.path);
        if (guid !== undefined && this.#live.get(guid) === mutation.path) this.#live.delete(guid);
      }
      if (mutation.type !== 'create') continue;
      const guid = this.#world.guidOf(mutation.path);
      if (guid === undefined) continue;
      const other = this.#live.get(guid);
      if (other !== undefined)
        this.#wrong ??= `${other} and ${mutation.path} stand in line for one acquisition`;
      this.#live.set(guid, mutation.path);
    }
  }

  step(): string | undefined {
    return this.#wrong;
  }
}
