/** Who is inside, by the word of everybody: each enters after it was granted and leaves before it gives back, so two inside are two holders. */

/** One grant. */
export interface Grant {
  readonly who: string;
  /** The claim's number, which is the order of asking. */
  readonly number: number;
}

export class Referee {
  readonly grants: Grant[] = [];
  /** Each moment at which more were inside than may be. */
  readonly overlaps: string[] = [];
  readonly #inside: string[] = [];
  readonly #most: number;

  /** `most`: how many may be inside. */
  constructor(most = 1) {
    this.#most = most;
  }

  get inside(): readonly string[] {
    return this.#inside;
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

  enter(who: string, claim: string): void {
    this.#inside.push(who);
    this.grants.push({ who, number: Number(/\d{10}$/.exec(claim)?.[0]) });
    if (this.#inside.length > this.#most) this.overlaps.push(this.#inside.join(' and '));
  }

  leave(who: string): void {
    this.#inside.splice(this.#inside.indexOf(who), 1);
  }
}
