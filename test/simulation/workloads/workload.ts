/** What the people in a history do, and what must stay true whatever goes wrong meanwhile. */
import type { Chance } from '../chance.js';
import type { Checker } from '../checkers/checker.js';
import type { Participant } from '../participant.js';
import type { World } from '../world.js';

export interface Workload {
  /** One thread of work of one process. */
  readonly work: (world: World, participant: Participant, chance: Chance) => Promise<void>;
  /** Besides those that look on whatever people do. */
  readonly checkers: (world: World) => Checker[];
  /** What is asked for; default: what the world has. */
  readonly pathsOf?: (paths: readonly string[]) => readonly string[];
  /** The znodes below (or at) a path whose children are claims. */
  readonly linesAt: (path: string) => readonly string[];
  /** Where a stranger's child is foreign, and no claim; null: nowhere. Default: the path itself. */
  readonly strangersAt?: (path: string) => string | null;
  /** When all is well again and nothing moves any more: a last attempt, which must come out well. */
  readonly last?: (world: World, chance: Chance) => Promise<void>;
  /** From the end of all faults to the end of all waiting without that, at most. */
  readonly calmMs?: number;
}
