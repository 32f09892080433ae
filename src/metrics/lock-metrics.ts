/** What a program gives to its sessions to be measured, whatever collects the figures. */
import { type Observable, Subscription } from 'rxjs';
import type { InspectionEvent } from 'xstate';
import { checkCount, checkFunction, checkMethods } from '../arguments.js';
import { type Clock, systemClock } from '../clock.js';
import type { ContentionUnder } from '../contention.js';
import type { Logger } from '../zookeeper/session-port.js';
import type { SessionState } from '../zookeeper/supervisor.js';
import { AcquisitionTally } from './acquisition-tally.js';
import type { GaugeName } from './catalogue.js';
import type { Instruments, Read } from './instruments.js';
import { LineTally } from './line-tally.js';
import { LockLabels } from './lock-labels.js';
import { SessionTally } from './session-tally.js';

/** How locks are measured. */
export interface LockMetricsOptions {
  /**
   * The value of the label `lock` for a lock path. **Each value costs the collector about a hundred series, for ever**: give the
   * kind of lock (`'orders'`), never a path with an id in it. A label that cannot be had is `other`. Default: no such label, all locks
   * are counted together.
   */
  readonly label?: (path: string) => string;
  /** So many values of the label are kept apart; locks of later ones count under `other`. 1 to 10,000, default 50. */
  readonly mostLabels?: number;
  /** Default: the machine's. Give the session's, where that has one of its own. */
  readonly clock?: Pick<Clock, 'now'>;
  /** Hears what stops the measuring, which stops nothing else. Default: silent. */
  readonly logger?: Pick<Logger, 'warn'>;
}

/** Measures locks. Docs: docs/metrics.md. */
export interface LockMetrics {
  /** Goes into `connect(…, { inspect })`, of as many sessions as there are: their locks are measured. */
  readonly inspect: (event: InspectionEvent) => void;
  /** Counts a session's states until it is closed. Unsubscribe to stop before. */
  watch(session: { readonly state: Observable<SessionState> }): Subscription;
  /**
   * Measures lines as everybody sees them: `session.contentionUnder('/locks')`. **Asks ZooKeeper about every claim there: do it in one
   * process, not in each.** A stream that errors is told to the logger, and its figures are gone. Unsubscribe to stop.
   */
  watchLines(lines$: Observable<ContentionUnder>): Subscription;
  /** Stops measuring, and takes the metrics out of the registry or the meter's callbacks back. */
  close(): void;
}

const silent = { warn() {} };

/** `open` makes the way out, and is given the way to ask for what holds at a moment. */
export function measureLocks(
  { label, mostLabels = 50, clock = systemClock, logger = silent }: LockMetricsOptions,
  open: (read: Read) => Instruments,
): LockMetrics {
  if (label !== undefined) checkFunction('label', label, 'give one from a lock path to a text');
  checkCount('mostLabels', mostLabels, 1, 10_000);
  checkMethods('clock', clock, ['now']);
  checkMethods('logger', logger, ['warn']);
  const labels = new LockLabels(label, mostLabels);
  const instruments = open((metric) => readings[metric]());
  const acquisitions = new AcquisitionTally(instruments, labels, clock);
  const sessions = new SessionTally(instruments);
  const lines = new LineTally(instruments, labels);
  const readings: Readonly<Record<GaugeName, () => ReturnType<Read>>> = {
    'holdfast.locks': () => acquisitions.locks(),
    'holdfast.oldest_wait': () => acquisitions.oldest('wait'),
    'holdfast.oldest_hold': () => acquisitions.oldest('hold'),
    'holdfast.sessions': () => sessions.sessions(),
    'holdfast.queue_length': () => lines.longest(),
    'holdfast.contenders': () => lines.contenders(),
    'holdfast.lines': () => lines.lines(),
  };
  const watching = new Subscription();
  const during = (subscription: Subscription): Subscription => {
    watching.add(subscription);
    return subscription;
  };
  let failing = false;
  return {
    inspect: (event) => {
      if (watching.closed) return;
      try {
        acquisitions.hear(event);
      } catch (error) {
        // This runs where a lock's machine does its work: what goes wrong here must not reach it.
        if (!failing) logger.warn(`a lock could not be measured: ${String(error)}`);
        failing = true;
      }
    },
    watch: ({ state }) => during(sessions.watch(state)),
    watchLines: (lines$) =>
      during(
        lines.watch(lines$, (error) => {
          logger.warn(`lines are not measured any more: ${String(error)}`);
        }),
      ),
    close: () => {
      watching.unsubscribe();
      acquisitions.close();
      instruments.close();
    },
  };
}
