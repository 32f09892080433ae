/** Never more permits out than there are, and one number of them for all; whoever asks first takes first. */
import type { Transaction } from '../../../src/embedded/znode-tree.js';
import type { Attempt } from '../attempt.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';

export class PermitsWithin implements Checker {
  readonly guarantee = 'no more permits out than there are';
  readonly #world: World;
  readonly #holders = new Set<Attempt>();

  constructor(world: World) {
    this.#world = world;
  }

  granted(attempt: Attempt): void {
    this.#holders.add(attempt);
  }

  step(): string | undefined {
    if (this.#holders.size < 2) return undefined;
    const out = new Map<string, { permits: number; size: number; names: string[] }>();
    for (const attempt of this.#holders) {
      if (!attempt.pending) this.#holders.delete(attempt);
      else if (attempt.believes && !this.#world.wasRobbed(attempt)) {
        const { path, permits, size, name } = attempt;
        const before = out.get(path);
        out.set(path, {
          permits: (before?.permits ?? 0) + permits,
          size: Math.min(before?.size ?? size, size),
          names: [...(before?.names ?? []), name],
        });
      }
    }
    for (const [path, { permits, size, names }] of out) {
      this.#world.shared += names.length > 1 ? 1 : 0;
      if (permits > size && !this.#world.profile.overlapAllowed)
        return `${names.join(' and ')} have ${permits} of ${size} permits of ${path}`;
    }
    return undefined;
  }
}

export class PermitsInTurn implements Checker {
  readonly guarantee = 'whoever asks first takes first';
  readonly #world: World;
  #wrong: string | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  committed({ mutations }: Transaction): void {
    for (const { type, path } of mutations) {
      const at = path.indexOf('/leases/');
      const attempt = type === 'create' && at !== -1 ? this.#world.attemptAt(path) : undefined;
      if (attempt === undefined || attempt.trying) continue;
      const gate = `${path.slice(0, at)}/locks`;
      const [first] = this.#world.lineAt(gate);
      if (first?.attempt === attempt) continue;
      if (this.#world.robbedFrom(attempt).some((robbed) => robbed.startsWith(`${gate}/`))) continue;
      this.#wrong ??= `${attempt.name} takes a permit at ${path}, though ${first?.attempt?.name ?? 'nobody'} is first in line`;
    }
  }

  step(): string | undefined {
    return this.#wrong;
  }
}
