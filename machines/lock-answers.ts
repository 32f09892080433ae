/** What follows from the answers that the lock machine gets, whichever state asked. */

/** What follows from any answer that says where we stand. */
export const standing = <Marking extends string>(
  note: 'noteEnqueued' | 'noteConsultation',
  marking: Marking,
) =>
  [
    { guard: 'holdsOnceMarked', target: marking, actions: note },
    { guard: 'holds', target: '#lock.held', actions: note },
    {
      guard: 'missing',
      target: '#lock.failed',
      actions: [note, { type: 'fail', params: { kind: 'claim-deleted' } }],
    },
    { guard: 'steals', target: '#lock.creatingNode.stealing', actions: note },
    {
      guard: 'mustNotWait',
      target: '#lock.failed',
      actions: [note, { type: 'fail', params: { kind: 'busy' } }],
    },
    { target: '#lock.waitingOnPredecessor', actions: note },
  ] as const;

/** What follows when a question got no answer; `elsewhere` is where to stand until there is a connection. */
export const unanswered = <Elsewhere extends string, Retry extends string>(
  elsewhere: Elsewhere,
  retry: Retry,
) =>
  [
    { guard: 'retryableNow', target: retry },
    { guard: 'retryable', target: elsewhere },
    { target: '#lock.failed', actions: { type: 'fail', params: { kind: 'refused' } } },
  ] as const;
