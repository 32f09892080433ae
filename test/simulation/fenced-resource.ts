/** What locks are for: something that is written to by holders, and refuses a smaller token than it has seen. */
import type { Attempt } from './attempt.js';

export class FencedResource {
  /** Writes that came from a holder after a later one had written. */
  refused = 0;
  /** Those of them whose sender believed in its lock all the while. */
  refusedInGoodFaith = 0;
  /** The same, and let through: the token did not do its work. */
  staleAccepted = 0;
  readonly #newest = new Map<string, { token: bigint; grant: number }>();
  readonly #grants = new Map<Attempt, number>();

  granted(attempt: Attempt): void {
    this.#grants.set(attempt, this.#grants.size);
  }

  /** A write arrives, long after it was sent perhaps. */
  write(attempt: Attempt): void {
    const token = attempt.lease?.fencingToken;
    if (token === undefined) return;
    const grant = this.#grants.get(attempt) ?? -1;
    const newest = this.#newest.get(attempt.path);
    if (newest !== undefined && token < newest.token) {
      this.refused += 1;
      if (attempt.believes) this.refusedInGoodFaith += 1;
      return;
    }
    if (newest !== undefined && grant < newest.grant) this.staleAccepted += 1;
    this.#newest.set(attempt.path, { token, grant });
  }
}
