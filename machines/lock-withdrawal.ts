/** A part of the lock's chart that three of its states have: how a claim is withdrawn. */
import { withdrawInput } from './lock-setup.js';

/**
 * Deleting our claim is a durable intent: repeated over reconnects until the claim is gone, or its session is
 * (T12–T14). `settled` is where that leads, `refused` where a refusal for good does.
 */
export const withdrawal = <Settled extends string, Refused extends string>(
  settled: Settled,
  refused: Refused,
) =>
  ({
    deleting: {
      always: [
        { guard: 'nothingToWithdraw', target: settled },
        { guard: 'sessionDown', target: 'retrying' },
      ],
      invoke: {
        id: 'withdrawClaim',
        src: 'withdrawClaim',
        input: withdrawInput,
        onDone: { target: settled },
        onError: [
          { guard: 'retryable', target: 'retrying' },
          { target: refused, actions: 'noteNotReleased' },
        ],
      },
    },
    retrying: {
      after: { retryDelay: { guard: 'sessionUp', target: 'deleting' } },
      on: { 'session.connected': { target: 'deleting', actions: 'noteConnected' } },
    },
  }) as const;

/** The session's end is the claim's end. */
export const untilSessionEnds = <Settled extends string>(settled: Settled) =>
  ({
    'session.lost': { target: settled, actions: 'noteDisconnected' },
    'session.closed': { target: settled, actions: 'noteDisconnected' },
  }) as const;
