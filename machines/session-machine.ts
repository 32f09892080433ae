/**
 * One ZooKeeper session as one client sees it, with an end by our own clock: a client that is cut off must not wait
 * for a server to tell it that it is too late (T32, T33). `src/zookeeper/supervisor.ts` feeds it and starts the next.
 */
import { assign, type SnapshotFrom, setup } from 'xstate';

/** Why a session is over: the server said so; our clock did; it never began; or its identity was refused. */
export type SessionEnd = 'expired' | 'presumed' | 'unreachable' | 'authFailed';

/** What the machine hears: the client's news, and the wish to close. */
export type SessionEvent =
  | { readonly type: 'client.connected'; readonly sessionId: string; readonly timeoutMs: number }
  /** `silentMs`: since the last request that the server acknowledged was sent. */
  | { readonly type: 'client.suspended'; readonly silentMs: number; readonly cause: unknown }
  | { readonly type: 'client.lost'; readonly reason: SessionEnd; readonly cause: unknown }
  | { readonly type: 'close' };

export interface SessionInput {
  /** Milliseconds until a session that never connected counts as unreachable. */
  readonly connectTimeoutMs: number;
}

export interface SessionContext extends SessionInput {
  readonly sessionId: string;
  readonly timeoutMs: number;
  readonly silentMs: number;
  readonly end: SessionEnd | null;
  readonly cause: unknown;
}

const machineSetup = setup({
  types: { context: {} as SessionContext, events: {} as SessionEvent, input: {} as SessionInput },
  delays: {
    connectTimeout: ({ context }) => context.connectTimeoutMs,
    /**
     * A third more than the session timeout, counted from the last acknowledged request, as ZooKeeper's own client does
     * since ZOOKEEPER-4508. No holder relies on it (its validity bound is earlier); it decides when to stop hoping.
     */
    presumedEnd: ({ context }) => Math.max(0, (context.timeoutMs * 4) / 3 - context.silentMs),
  },
  actions: {
    noteConnected: assign(({ event }) =>
      event.type === 'client.connected'
        ? { sessionId: event.sessionId, timeoutMs: event.timeoutMs, silentMs: 0, cause: undefined }
        : {},
    ),
    noteSuspended: assign(({ event }) =>
      event.type === 'client.suspended' ? { silentMs: event.silentMs, cause: event.cause } : {},
    ),
    noteLost: assign(({ event }) =>
      event.type === 'client.lost' ? { end: event.reason, cause: event.cause } : {},
    ),
    noteEnd: assign((_, params: { readonly end: SessionEnd }) => ({ end: params.end })),
  },
});

/** connecting → connected ⇄ suspended → lost | closed. */
export const sessionMachine = machineSetup.createMachine({
  id: 'session',
  context: ({ input }) => ({
    ...input,
    sessionId: '0',
    timeoutMs: 0,
    silentMs: 0,
    end: null,
    cause: undefined,
  }),
  initial: 'connecting',
  on: {
    'client.lost': { target: '.lost', actions: 'noteLost' },
    close: { target: '.closed' },
  },
  states: {
    /** No session yet. */
    connecting: {
      on: {
        'client.connected': { target: 'connected', actions: 'noteConnected' },
        'client.suspended': { actions: 'noteSuspended' },
      },
      after: {
        connectTimeout: { target: 'lost', actions: { type: 'noteEnd', params: { end: 'unreachable' } } },
      },
    },
    /** The server hears us. */
    connected: {
      on: {
        'client.suspended': { target: 'suspended', actions: 'noteSuspended' },
        'client.connected': { actions: 'noteConnected' },
      },
    },
    /** Cut off; the session may still be kept for us. Holders: work only until `validUntil`. */
    suspended: {
      on: { 'client.connected': { target: 'connected', actions: 'noteConnected' } },
      after: { presumedEnd: { target: 'lost', actions: { type: 'noteEnd', params: { end: 'presumed' } } } },
    },
    /** Over; whatever was held is not held any more. */
    lost: { type: 'final' },
    /** Ended by us. */
    closed: { type: 'final' },
  },
});

/** A snapshot of {@link sessionMachine}. */
export type SessionSnapshot = SnapshotFrom<typeof sessionMachine>;
