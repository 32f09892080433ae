/**
 * An actor that tries something once. XState's `fromPromise` does the same and also makes every attempt an
 * `AbortController`, which costs more than the attempt's own bookkeeping. Here the attempt asks whether it is still wanted.
 */
import type { NonReducibleUnknown, PromiseActorLogic } from 'xstate';

const DONE = 'attempt.done';
const FAILED = 'attempt.failed';

/**
 * `work` is called when the actor starts. Its result is the actor's output, its rejection the actor's error; neither is
 * heard once the actor was stopped, which is when `wanted` turns false.
 */
export function attempt<Output, Input extends NonReducibleUnknown>(
  work: (input: Input, wanted: () => boolean) => Promise<Output>,
): PromiseActorLogic<Output, Input> {
  return {
    config: work,
    getInitialSnapshot: (_, input) => ({ status: 'active', output: undefined, error: undefined, input }),
    start: ({ input }, { self }) => {
      const wanted = () => self.getSnapshot().status === 'active';
      work(input as Input, wanted).then(
        (output) => {
          if (wanted()) self.send({ type: DONE, output });
        },
        (error: unknown) => {
          if (wanted()) self.send({ type: FAILED, error });
        },
      );
    },
    transition: (snapshot, event) => {
      if (snapshot.status !== 'active') return snapshot;
      switch (event.type) {
        case DONE:
          return {
            status: 'done',
            output: event['output'] as Output,
            error: undefined,
            input: undefined,
          };
        case FAILED:
          return { status: 'error', output: undefined, error: event['error'], input: undefined };
        case 'xstate.stop':
          return { status: 'stopped', output: undefined, error: undefined, input: undefined };
        default:
          return snapshot;
      }
    },
    getPersistedSnapshot: (snapshot) => snapshot,
    restoreSnapshot: (snapshot) => snapshot as never,
  };
}
