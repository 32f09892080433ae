/**
 * One acquisition: one claim, one machine, one root actor. Feeds the machine, tells what its snapshots mean, and stops
 * it when nothing is left to do.
 */
import { type ActorRefFrom, createActor, type InspectionEvent } from 'xstate';
import type {
  Claim,
  ExpiryReason,
  LockEvent,
  LockSnapshot,
  SuspendPolicy,
} from '../machines/lock-machine.js';
import { asGiven } from './chart/effects.js';
import { newClaim } from './claim-data.js';
import { ClaimRecord } from './claim-record.js';
import {
  ClaimDeletedError,
  ConnectionFailedError,
  type LockError,
  LockingFailedError,
  LockLostError,
  LockTimeoutError,
  SessionClosedError,
  UnlockingFailedError,
} from './errors.js';
import type { LateCallee, LateCalls } from './late-calls.js';
import type { LeaseParts, SharedLease } from './lease.js';
import { localLogic } from './local-actors.js';
import type { LocalContender, LocalHandover } from './local-line.js';
import { lockLogic } from './lock-actors.js';
import type { Acquisition } from './lock-watchers.js';
import {
  isWatching,
  type Ownership,
  type OwnershipParts,
  ownershipOf,
  statusOf,
  tellsMore,
  waitOf,
  whereItStood,
} from './ownership.js';
import { type Paces, Progress } from './pace.js';
import type { Line, QueueRule } from './queue.js';
import type { LossDelay } from './unclean-loss.js';
import type { Acl } from './zookeeper/client.js';
import type { Logger, SessionPort } from './zookeeper/session-port.js';

/** Hears XState's inspection events; `inspectLocks().inspect` of `holdfast/inspect` is one. */
export type LockInspector = (event: InspectionEvent) => void;

/** What all acquisitions of one lock share. */
export interface LockSettings<L extends SharedLease> {
  readonly session: SessionPort;
  readonly path: string;
  readonly rule: QueueRule;
  /** As {@link Acquisition.admission}. */
  readonly admission?: Acquisition['admission'];
  /** What a new claim says, where another language's recipe fixes it; default: {@link ClaimRecord}'s JSON. */
  readonly claimData?: Uint8Array | undefined;
  /** Makes the lease of a grant. */
  readonly grant: (parts: LeaseParts) => L;
  readonly ttlMs: number | null;
  readonly timeoutMs: number | null;
  readonly onSuspend: SuspendPolicy;
  readonly acl: readonly Acl[] | undefined;
  readonly identity: { readonly host?: string; readonly pid?: number };
  readonly newGuid: () => string;
  readonly logger: Logger;
  readonly onLine: (line: Line) => void;
  /** For what is worth its request only once a lease, or a wait, has lasted. */
  readonly lateCalls: { readonly held: LateCalls; readonly waiting: LateCalls };
  readonly paces: Paces;
  /** Hears everything that the machine does, as XState's `inspect` tells it. */
  readonly inspect?: LockInspector | undefined;
  /** Contenders of this process pass one claim on (docs/decisions/019). */
  readonly localHandover?: LocalHandover | undefined;
  /** Whoever ended without releasing is waited out (docs/decisions/020). */
  readonly lossDelay?: LossDelay | undefined;
}

/** What one acquisition asks for. */
export interface AcquisitionRequest {
  readonly owner: string | undefined;
  readonly timeoutMs: number | null;
  readonly noWait: boolean;
  /** Whoever holds is robbed of it. */
  readonly steals?: boolean;
  /** A reader's: the writer whose place it takes, so long as that one is there (T48). */
  readonly inPlaceOf?: Claim | undefined;
}

/** See the file's head. Starts at once. */
export class LockAcquisition<L extends SharedLease> implements LateCallee {
  readonly owner: string | undefined;
  readonly #settings: LockSettings<L>;
  readonly #request: AcquisitionRequest;
  readonly #record: ClaimRecord;
  readonly #actor: ActorRefFrom<typeof lockLogic>;
  readonly #listener: (ownership: Ownership<L>) => void;
  readonly #untold: Ownership<L>[] = [];
  #told: Ownership<L> | null = null;
  #lease: L | null = null;
  readonly #progress: Progress;
  #claimPath = '';
  #obstacle: LockError | undefined;
  #stopNews: (() => void) | null = null;
  #watchingLate = false;
  #settled = false;
  /** Whoever waits for that; null while nobody does. */
  #whenSettled: (() => void)[] | null = null;
  readonly #local: LocalContender | null;

  /** `listener` hears every change, in order, one microtask after it: never on a client's call stack. */
  constructor(
    settings: LockSettings<L>,
    request: AcquisitionRequest,
    listener: (ownership: Ownership<L>) => void,
  ) {
    this.#settings = settings;
    this.#request = request;
    this.#listener = listener;
    this.owner = request.owner;
    this.#progress = new Progress(settings.paces.at(settings.path), settings.session.clock);
    const {
      session,
      path,
      rule,
      admission,
      claimData,
      ttlMs,
      onSuspend,
      acl,
      identity,
      newGuid,
      logger,
      onLine,
      lossDelay = null,
    } = settings;
    const { owner, timeoutMs, noWait, steals = false, inPlaceOf } = request;
    const data = newClaim(identity, owner, session.sessionTimeoutMs, inPlaceOf?.czxid);
    this.#record = new ClaimRecord(session.clock, data, claimData);
    const acquisition: Acquisition = {
      session,
      lockPath: path,
      rule,
      admission,
      inPlaceOf,
      acl,
      identity,
      owner,
      lossDelay,
      ttlMs,
      record: this.#record,
      logger,
      made: new Set(),
      purgeRefused: (error) => {
        this.#obstacle = error;
        logger.error(error.message);
      },
      onLine,
      progress: this.#progress,
    };
    const { localHandover } = settings;
    const send = (event: LockEvent) => {
      this.#send(event);
    };
    this.#local =
      localHandover === undefined
        ? null
        : { acquisition, handover: localHandover, owner, identity, noWait, send, granted: false, line: null };
    const input = {
      newGuid,
      timeoutMs,
      noWait,
      steals,
      ttlMs,
      onSuspend,
      amongOwn: this.#local !== null,
      marks: lossDelay !== null,
      sessionUp: session.connected,
      acquisition: this.#local ?? acquisition,
    };
    const { clock } = session;
    const { inspect } = settings;
    const options = { id: path, clock, input };
    const logic = this.#local === null ? lockLogic : localLogic;
    this.#actor = asGiven(
      createActor(logic, inspect === undefined ? options : { ...options, inspect }),
      options,
    );
    this.#actor.subscribe((snapshot) => {
      this.#hear(snapshot);
    });
    this.#actor.start();
    this.#stopNews = session.onNews((news) => {
      // What it was at the start came with the input.
      if (this.#stopNews !== null) this.#send(news);
    });
    this.#actor.send({ type: 'acquire' });
    if (this.#local !== null) {
      const line = this.#local.handover.lines.of(this.#local);
      this.#send({ type: 'ownLine.joined', behind: line.join(this.#local) });
    }
    // Begun for a caller who had asked before: of a session that is over no more news will come.
    if (session.closed) this.#send({ type: 'session.closed' });
  }

  /** The lease, while it is held. */
  get lease(): L | null {
    return statusOf(this.#actor.getSnapshot()) === 'held' ? this.#lease : null;
  }

  /** Why the wait is longer than it should be, if that is known. */
  get obstacle(): LockError | undefined {
    return this.#obstacle;
  }

  /** Whether it is still on its way to being held, or held. */
  get pendingOrHeld(): boolean {
    switch (statusOf(this.#actor.getSnapshot())) {
      case 'idle':
      case 'creatingNode':
      case 'waitingOnPredecessor':
      case 'held':
        return true;
      default:
        return false;
    }
  }

  /** Gives up whatever there is. Resolves when the claim is gone; rejects with {@link UnlockingFailedError}. */
  async release(): Promise<void> {
    this.#send({ type: 'release' });
    if (!this.#settled) {
      await new Promise<void>((resolve) => {
        this.#whenSettled = [...(this.#whenSettled ?? []), resolve];
      });
    }
    const { failure } = this.#actor.getSnapshot().context;
    if (failure?.kind === 'not-released') throw this.#failureAsError();
  }

  /** Fails the acquisition if it is not held yet; clean-up goes on in the background. */
  abort(cause: unknown): void {
    this.#send({ type: 'abort', cause });
  }

  /** A settled machine has stopped listening; there is nothing left to tell it. */
  #send(event: LockEvent): void {
    if (this.#actor.getSnapshot().status === 'active') this.#actor.send(event);
  }

  #hear(snapshot: LockSnapshot): void {
    const { claim, claimWatched } = snapshot.context;
    if (claim !== null) this.#claimPath = claim.path;
    this.#watchLate(isWatching(snapshot) && !claimWatched);
    const ownership = ownershipOf(snapshot, this.#parts());
    if (tellsMore(this.#told, ownership)) {
      this.#told = ownership;
      this.#progress.hear(ownership);
      if (this.#untold.push(ownership) === 1) this.#tellLater();
      if (ownership.status === 'held' && ownership.connection === 'confirmed' && !claimWatched)
        this.#settings.lateCalls.held.add(this);
      if (ownership.status === 'expired') this.#lease?.markLost(ownership.reason);
      if (ownership.status === 'held' && ownership.revokeRequested !== null)
        ownership.lease.markRevokeRequested(ownership.revokeRequested);
    }
    if (snapshot.hasTag('settled')) {
      this.#stopNews?.();
      // A machine in its final state has stopped by itself.
      if (snapshot.status === 'active') this.#actor.stop();
      this.#local?.line?.leave(this.#local);
      this.#settled = true;
      for (const resolve of this.#whenSettled ?? []) resolve();
    }
  }

  // Made when they are needed, and not kept: ten thousand may wait.
  #parts(): OwnershipParts<L> {
    return {
      lease: () => this.#grant(),
      estimateMs: (places) => this.#progress.standAt(places),
      error: () => this.#failureAsError(),
    };
  }

  #tellLater(): void {
    queueMicrotask(() => {
      this.#tell();
    });
  }

  #tell(): void {
    for (let next = this.#untold[0]; next !== undefined; next = this.#untold[0]) {
      this.#listener(next);
      this.#untold.shift();
    }
    // Gives its memory back.
    this.#untold.length = 0;
  }

  /** What it asked of `lateCalls`. */
  due(): void {
    this.#send({ type: 'watch.due' });
  }

  /** Whoever waits without knowing of its own claim looks at it when that has lasted. */
  #watchLate(wanted: boolean): void {
    if (wanted === this.#watchingLate) return;
    this.#watchingLate = wanted;
    const { waiting } = this.#settings.lateCalls;
    if (wanted) waiting.add(this);
    else waiting.forget(this);
  }

  #grant(): L {
    if (this.#lease !== null) return this.#lease;
    const { session, path, onSuspend, ttlMs, logger } = this.#settings;
    const { claim } = this.#actor.getSnapshot().context;
    if (claim === null) throw new Error(`${path} is held without a claim; please report this`);
    if (this.#local !== null) this.#local.granted = true;
    this.#lease = this.#settings.grant({
      session,
      lockPath: path,
      claim,
      record: this.#record,
      owner: this.owner,
      policy: onSuspend,
      ttlMs,
      standing: () => this.#standing(),
      revokeRequested: () => this.#actor.getSnapshot().context.revokeRequested,
      release: () => this.release(),
      renewed: (remainingMs) => {
        this.#send({ type: 'ttl.written', remainingMs });
      },
      lapsed: (reason) => {
        this.#send(
          reason === 'node-deleted'
            ? { type: 'claim.gone', because: reason }
            : { type: reason === 'ttl' ? 'ttl.passed' : 'validity.passed' },
        );
      },
      onDisposeError: (error) => {
        logger.error(`${path}: ${String(error)}`);
      },
    });
    // A process that stood still reads its grant too late: over as it begins, whether or not somebody asks (T40).
    if (onSuspend !== 'session' && session.remainingValidityMs() <= 0)
      this.#send({ type: 'validity.passed' });
    return this.#lease;
  }

  #standing(): 'held' | 'released' | ExpiryReason {
    const snapshot = this.#actor.getSnapshot();
    const status = statusOf(snapshot);
    if (status === 'held') return 'held';
    return status === 'expired' ? (snapshot.context.expiredBecause ?? 'session-expired') : 'released';
  }

  #failureAsError(): LockError {
    const { session, path } = this.#settings;
    const { failure } = this.#actor.getSnapshot().context;
    const cause = failure?.cause;
    const why = cause instanceof Error ? cause.message : 'the reason was not given';
    switch (failure?.kind) {
      case 'timeout': {
        const standing = whereItStood(session.connectString, waitOf(this.#actor.getSnapshot()));
        return new LockTimeoutError(path, this.#request.timeoutMs ?? 0, standing, this.#obstacle);
      }
      case 'claim-deleted':
        return new ClaimDeletedError(path, this.#claimPath);
      case 'unreachable':
        return new ConnectionFailedError(session.connectString, 'no session could be had', path, cause);
      case 'session-lost':
        return new LockLostError(path, 'session-expired');
      case 'closed':
        return new SessionClosedError(path);
      case 'busy':
        return LockingFailedError.busy(path);
      case 'not-released':
        return new UnlockingFailedError(path, why, cause);
      case 'aborted':
        return new LockingFailedError(path, 'the caller gave up', cause);
      default:
        return new LockingFailedError(path, why, cause);
    }
  }
}
