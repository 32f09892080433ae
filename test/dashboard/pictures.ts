/** Pictures of lines as `contentionUnder` gives them, drawn by hand. */
import type { ContentionUnder } from '../../src/contention.js';
import type { ContenderInLine, Contention } from '../../src/contention-facts.js';

/** A line of these owners, the holder first; `facts` for each of them. */
export function line(
  path: string,
  owners: readonly string[],
  facts: (owner: string) => Partial<ContenderInLine> = () => ({}),
): Contention {
  const contenders = owners.map(
    (owner, position): ContenderInLine => ({
      name: `lock-${owner}`,
      path: `${path}/lock-${owner}`,
      sequence: position,
      kind: 'exclusive',
      dialect: 'curator',
      position,
      owner,
      sinceMs: 0,
      session: '0x1',
      czxid: 1n,
      ...facts(owner),
    }),
  );
  const [holder = null] = contenders;
  return { path, holder, contenders, foreign: [], unsafeMix: false, asOf: 0, freshness: 'live' };
}

/** These lines, each of them changed; a path alone is one that has gone. */
export function picture(
  asOf: number,
  lines: readonly (Contention | string)[],
  freshness: ContentionUnder['freshness'] = 'live',
): ContentionUnder {
  const present = lines.filter((each) => typeof each !== 'string');
  return {
    root: '/locks',
    lines: new Map(present.map((each) => [each.path, each])),
    changed: lines.map((each) => (typeof each === 'string' ? each : each.path)),
    asOf,
    freshness,
    watching: 'recursive',
  };
}
