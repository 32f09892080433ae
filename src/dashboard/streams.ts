/** Streams as React sees them. */
import { useEffect, useState } from 'react';
import { animationFrameScheduler, auditTime, interval, type Observable } from 'rxjs';
import { systemClock } from '../clock.js';
import type { Ownership } from '../ownership.js';

/**
 * The latest value of `stream$`, drawn once a frame at most: a page that is slower than the stream leaves values out instead of
 * falling behind. `initial` before the first, and again when the stream is another one.
 */
export function useStream<T>(stream$: Observable<T>, initial: T): T {
  const [seen, setSeen] = useState({ stream$, value: initial });
  useEffect(() => {
    const subscription = stream$.pipe(auditTime(0, animationFrameScheduler)).subscribe({
      next: (value) => {
        setSeen({ stream$, value });
      },
      // What is shown says by itself how old it is; a stream that ended has nothing to add.
      error: () => undefined,
    });
    return () => {
      subscription.unsubscribe();
    };
  }, [stream$]);
  return seen.stream$ === stream$ ? seen.value : initial;
}

/** Epoch milliseconds, counted by the clock whose `offsetMs` from ours is known; anew every `everyMs`. */
export function useNow(offsetMs = 0, everyMs = 1_000): number {
  const [now, setNow] = useState(() => systemClock.wallNow());
  useEffect(() => {
    const ticking = interval(everyMs).subscribe(() => {
      setNow(systemClock.wallNow());
    });
    return () => {
      ticking.unsubscribe();
    };
  }, [everyMs]);
  return now + offsetMs;
}

/** What {@link useOwnership} gives. */
export interface SeenOwnership {
  readonly ownership: Ownership | null;
  /** Why the stream ended, if it failed. */
  readonly error: unknown;
  /** Nothing more will come: released, expired or failed. */
  readonly over: boolean;
}

/**
 * Contends for a lock for as long as the component is there, and gives what it hears. **The lock can be lost while you show
 * something else**: act on `expired`, and pass `lease.fencingToken` on.
 *
 * `lock$` must be the same object from render to render: each new one stands in line anew.
 */
export function useOwnership(lock$: Observable<Ownership>): SeenOwnership {
  const [seen, setSeen] = useState<SeenOwnership>({ ownership: null, error: null, over: false });
  useEffect(() => {
    setSeen({ ownership: null, error: null, over: false });
    const subscription = lock$.subscribe({
      next: (ownership) => {
        setSeen({ ownership, error: null, over: false });
      },
      error: (error: unknown) => {
        setSeen((last) => ({ ...last, error, over: true }));
      },
      complete: () => {
        setSeen((last) => ({ ...last, over: true }));
      },
    });
    return () => {
      subscription.unsubscribe();
    };
  }, [lock$]);
  return seen;
}
