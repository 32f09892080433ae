/**
 * One client after another: feeds each one's news to a session machine, tells locks what that decides, and starts the
 * next client when a session is over. It never hides the change from a lock (T36).
 */
import { type ActorRefFrom, createActor } from 'xstate';
import type { SessionNews } from '../../machines/lock-machine.js';
import { type SessionEnd, sessionMachine } from '../../machines/session-machine.js';
import { type Clock, elapsedMs } from '../clock.js';
import { InvalidArgumentError } from '../errors.js';
import type { ClientFactory, ClientOptions, ConnectionState, ZooKeeperClient } from './client.js';
import { isZooKeeperError } from './errors.js';
import { paceMs } from './heartbeat.js';
import { QuorumHeartbeat } from './quorum-heartbeat.js';
import type { Logger, SessionPort } from './session-port.js';

/** What people see of a session. `sessionNumber` grows with every new session of this handle (T35). */
export type SessionState =
  | { readonly kind: 'connecting'; readonly sessionNumber: number }
  | {
      readonly kind: 'connected';
      readonly sessionNumber: number;
      readonly sessionId: string;
      readonly server: string;
      readonly negotiatedTimeoutMs: number;
    }
  | { readonly kind: 'suspended'; readonly sessionNumber: number; readonly cause: unknown }
  | {
      readonly kind: 'lost';
      readonly sessionNumber: number;
      readonly reason: SessionEnd;
      readonly cause: unknown;
    }
  | { readonly kind: 'closed'; readonly sessionNumber: number };

/** How a supervisor behaves. */
export interface SupervisorOptions {
  readonly client: ClientOptions;
  readonly connectTimeoutMs: number;
  /** Fraction by which the two clocks' rates may differ. */
  readonly clockDrift: number;
  /** Subtracted from the bound for the relay between follower and leader; undefined: see {@link paceMs}. */
  readonly guardMs: number | undefined;
  /** Whose answers move the bound: the server we talk to, or the quorum, whose tick is at most so long. */
  readonly heartbeat: { readonly kind: 'ping' } | { readonly kind: 'quorum'; readonly tickMs: number };
  readonly logger: Logger;
}

/** Before the next client after one that could not connect or was refused. */
const NEXT_CLIENT_DELAY_MS = 1_000;

/** @throws InvalidArgumentError when the client cannot do what these options rest on: better now than when it matters. */
function checkCapabilities(
  { capabilities }: ZooKeeperClient,
  { heartbeat, client }: SupervisorOptions,
): void {
  const remedy = 'use the wire client (leave `client` out of connect())';
  if (heartbeat.kind === 'quorum' && !capabilities.multi) {
    throw new InvalidArgumentError(
      'heartbeat',
      heartbeat.kind,
      `it needs transactions, which this client has not: ${remedy}, or the heartbeat "ping"`,
    );
  }
  if (client.tls !== undefined && !capabilities.tls)
    throw new InvalidArgumentError('tls', client.tls, `this client has none: ${remedy}`);
}

/** See the file's head. */
export class Supervisor implements SessionPort {
  readonly clock: Clock;
  readonly #factory: ClientFactory;
  readonly #options: SupervisorOptions;
  readonly #listeners = new Set<(news: SessionNews) => void>();
  readonly #stateListeners = new Set<(state: SessionState) => void>();
  readonly #quorum: QuorumHeartbeat | null;
  #client: ZooKeeperClient;
  #machine: ActorRefFrom<typeof sessionMachine>;
  #dropClient: () => void = () => undefined;
  #sessionNumber = 0;
  #state: SessionState = { kind: 'connecting', sessionNumber: 1 };
  #boundTimer: unknown;
  #nextClientTimer: unknown;

  constructor(factory: ClientFactory, options: SupervisorOptions) {
    this.#factory = factory;
    this.#options = options;
    this.clock = options.client.clock;
    const { heartbeat } = options;
    this.#quorum = heartbeat.kind === 'quorum' ? new QuorumHeartbeat(this.clock, heartbeat.tickMs) : null;
    [this.#client, this.#machine] = this.#begin();
  }

  get client(): ZooKeeperClient {
    return this.#client;
  }

  get connectString(): string {
    return this.#options.client.connectString;
  }

  get sessionTimeoutMs(): number {
    return this.#options.client.sessionTimeoutMs;
  }

  get connected(): boolean {
    return this.#state.kind === 'connected';
  }

  get closed(): boolean {
    return this.#state.kind === 'closed';
  }

  get state(): SessionState {
    return this.#state;
  }

  onNews(listener: (news: SessionNews) => void): () => void {
    this.#listeners.add(listener);
    const { kind } = this.#state;
    if (kind === 'connected') listener({ type: 'session.connected', sessionId: this.#client.sessionId });
    else if (kind === 'closed') listener({ type: 'session.closed' });
    else listener({ type: 'session.suspended' });
    return () => this.#listeners.delete(listener);
  }

  onState(listener: (state: SessionState) => void): () => void {
    this.#stateListeners.add(listener);
    listener(this.#state);
    return () => this.#stateListeners.delete(listener);
  }

  remainingValidityMs(): number {
    const timeoutMs = this.#client.negotiatedTimeoutMs;
    if (this.#client.sessionId === '0') return 0;
    const guardMs = Math.min(this.#options.guardMs ?? paceMs(timeoutMs), timeoutMs / 4);
    const bound = timeoutMs * (1 - this.#options.clockDrift) - guardMs;
    return bound - elapsedMs(this.clock, this.#quorum?.anchor ?? this.#client.lastAcknowledged);
  }

  attend(path: string, gone: () => void): () => void {
    return this.#quorum?.attend(path, gone) ?? (() => undefined);
  }

  /** Ends the session; its claims go with it at once when the server hears it. */
  async close(deadlineMs?: number): Promise<void> {
    if (this.#state.kind === 'closed') return;
    this.clock.clearTimeout(this.#boundTimer);
    this.clock.clearTimeout(this.#nextClientTimer);
    this.#quorum?.pause();
    // A machine that is over has stopped listening, and would say so on the console.
    if (this.#machine.getSnapshot().status === 'active') this.#machine.send({ type: 'close' });
    this.#dropClient();
    this.#change({ kind: 'closed', sessionNumber: this.#sessionNumber }, { type: 'session.closed' });
    await this.#client.close(deadlineMs === undefined ? {} : { deadlineMs });
  }

  #begin(): [ZooKeeperClient, ActorRefFrom<typeof sessionMachine>] {
    this.#sessionNumber += 1;
    const client = this.#factory(this.#options.client);
    checkCapabilities(client, this.#options);
    const { connectTimeoutMs } = this.#options;
    const machine = createActor(sessionMachine, { clock: this.clock, input: { connectTimeoutMs } });
    const stopListening = client.onState((state) => {
      this.#hear(client, machine, state);
    });
    const subscription = machine.subscribe({
      next: (snapshot) => {
        if (snapshot.value === 'lost') this.#lost(snapshot.context.end ?? 'presumed', snapshot.context.cause);
      },
    });
    this.#dropClient = () => {
      stopListening();
      subscription.unsubscribe();
    };
    // The client's timer is set before the machine's, so that its reason is there when both fire.
    client.connect({ deadlineMs: connectTimeoutMs }).catch((cause: unknown) => {
      const reason: SessionEnd = isZooKeeperError(cause, 'AuthFailed', 'SessionClosedRequireAuth')
        ? 'authFailed'
        : 'unreachable';
      if (machine.getSnapshot().status === 'active') machine.send({ type: 'client.lost', reason, cause });
    });
    machine.start();
    return [client, machine];
  }

  #hear(client: ZooKeeperClient, machine: ActorRefFrom<typeof sessionMachine>, state: ConnectionState): void {
    const sessionNumber = this.#sessionNumber;
    switch (state.kind) {
      case 'connected': {
        const { sessionId, server, negotiatedTimeoutMs } = state;
        machine.send({ type: 'client.connected', sessionId, timeoutMs: negotiatedTimeoutMs });
        this.#quorum?.begin(client);
        this.#options.logger.info(`${this.connectString}: connected to ${server}, session ${sessionId}`);
        this.#change(
          { kind: 'connected', sessionNumber, sessionId, server, negotiatedTimeoutMs },
          { type: 'session.connected', sessionId },
        );
        this.#watchBound();
        return;
      }
      case 'suspended': {
        this.#quorum?.pause();
        const silentMs = elapsedMs(this.clock, client.lastAcknowledged);
        machine.send({ type: 'client.suspended', silentMs, cause: state.cause });
        if (this.#state.kind === 'connected') {
          this.#options.logger.warn(
            `${this.connectString}: connection lost (${state.cause.message}); reconnecting`,
          );
          this.#change(
            { kind: 'suspended', sessionNumber, cause: state.cause },
            { type: 'session.suspended' },
          );
        }
        return;
      }
      case 'lost':
        machine.send({ type: 'client.lost', reason: state.reason, cause: state.cause });
        return;
      case 'connecting':
      case 'closed':
        return;
    }
  }

  #lost(reason: SessionEnd, cause: unknown): void {
    const ended = this.#client;
    this.#dropClient();
    this.#quorum?.pause();
    this.clock.clearTimeout(this.#boundTimer);
    this.#options.logger.warn(`${this.connectString}: session ${ended.sessionId} is over (${reason})`);
    this.#change(
      { kind: 'lost', sessionNumber: this.#sessionNumber, reason, cause },
      { type: 'session.lost', reason, cause },
    );
    // A session that the server may still keep is not closed politely: nobody is there to hear it.
    void ended.close({ deadlineMs: 0 });
    const next = () => {
      if (this.#state.kind === 'closed') return;
      [this.#client, this.#machine] = this.#begin();
      this.#change({ kind: 'connecting', sessionNumber: this.#sessionNumber }, null);
    };
    if (reason === 'expired' || reason === 'presumed') next();
    else this.#nextClientTimer = this.clock.setTimeout(next, NEXT_CLIENT_DELAY_MS);
  }

  /** Tells holders when the bound passes. Looks again at least every quarter of the session: acknowledgements move it. */
  #watchBound(): void {
    this.clock.clearTimeout(this.#boundTimer);
    const remainingMs = this.remainingValidityMs();
    if (remainingMs <= 0) this.#tell({ type: 'validity.passed' });
    if (this.#state.kind === 'closed' || this.#state.kind === 'lost') return;
    const delayMs = remainingMs > 0 ? remainingMs : this.#client.negotiatedTimeoutMs / 4;
    this.#boundTimer = this.clock.setTimeout(() => {
      this.#watchBound();
    }, Math.ceil(delayMs));
  }

  #change(state: SessionState, news: SessionNews | null): void {
    this.#state = state;
    for (const listener of this.#stateListeners) listener(state);
    if (news !== null) this.#tell(news);
  }

  #tell(news: SessionNews): void {
    for (const listener of this.#listeners) listener(news);
  }
}
