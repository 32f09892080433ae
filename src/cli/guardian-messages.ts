/** What `run` and its guardian say to each other, over a pipe that closes when either dies. */

/** Why a command was not allowed to go on. */
export type Ending =
  /** Cut off: the time for it to end in order had come, or had passed. */
  | 'unconfirmed'
  /** The lock was lost before that. */
  | 'lost'
  /** `run` is gone. */
  | 'orphaned';

/** From `run`. Times are epoch milliseconds, as both are on one machine. */
export type ToGuardian =
  | {
      readonly kind: 'start';
      readonly command: readonly string[];
      /** Set in the environment; null: taken out of it. */
      readonly env: Readonly<Record<string, string | null>>;
      readonly validUntilMs: number;
      readonly killAfterMs: number;
      /** `run` speaks more often than that, unless it is stopped. */
      readonly silenceMs: number;
    }
  /** Said again and again, as proof of life as well. `ending`: no later time is in sight, so TERM in time. */
  | { readonly kind: 'valid'; readonly untilMs: number; readonly ending: boolean }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  /** The lock is lost already: TERM now. */
  | { readonly kind: 'lost' };

/** From the guardian. */
export type FromGuardian =
  | { readonly kind: 'started'; readonly pid: number }
  /** The command could not be started: `ENOENT`, `EACCES`… */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  /** The command has ended, and its whole group with it. */
  | {
      readonly kind: 'over';
      readonly exitCode: number | null;
      readonly signal: NodeJS.Signals | null;
      /** Set when the guardian had to end it. */
      readonly ending: Ending | null;
    };
