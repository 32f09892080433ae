/** Who is inside, by the word of everybody: each enters after it was granted and leaves before it gives back, so two inside are two holders. */

/** One grant. */
export interface Grant {
  readonly who: string;
  /** The claim's number, which is the order of asking. */
  readonly number: number;
  readonly reads: boolean;
}

/** Who may be inside together; default: one alone. */
export type Rule = (inside: readonly Grant[]) => boolean;

const alone: Rule = (inside) => inside.length <= 1;
/** Readers together, or one writer. */
export const readersOrOneWriter: Rule = (inside) => alone(inside) || inside.every(({ reads }) => reads);

export class Referee {
  readonly grants: Grant[] = [];
  /** Each moment at which some were inside who may not be together. */
  readonly overlaps: string[] = [];
  readonly #inside: Grant[] = [];
  readonly #rule: Rule;

  constructor(rule: Rule = alone) {
    this.#rule = rule;
  }

  get inside(): string[] {
    return this.#inside.map(({ who }) => who);
  }

  get numbers(): number[] {
    return this.grants.map(({ number }) => number);
  }

  /** How often each was inside. */
  get served(): Record<string, number> {
    const served: Record<string, number> = {};
    for (const { who } of this.grants) served[who] = (served[who] ?? 0) + 1;
    return served;
  }

  /** Grants that came before an earlier claim's; of two readers, neither has to be first. */
  get overtakings(): string[] {
    return this.grants.flatMap((later, at) =>
      this.grants
        .slice(0, at)
        .filter((earlier) => earlier.number > later.number && !(earlier.reads && later.reads))
        .map((earlier) => `${earlier.who} (${earlier.number}) before ${later.who} (${later.number})`),
    );
  }

  enter(who: string, claim: string, reads = false): void {
    const grant = { who, number: Number(/\d{10}$/.exec(claim)?.[0]), reads };
    this.#inside.push(grant);
    this.grants.push(grant);
    if (!this.#rule(this.#inside)) this.overlaps.push(this.inside.join(' and '));
  }

  leave(who: string): void {
    const at = this.#inside.findIndex((grant) => grant.who === who);
    if (at === -1) throw new Error(`${who} is not inside`);
    this.#inside.splice(at, 1);
  }
}
