/**
 * What can go wrong, as one base with a stable `code`. Match on `code`: two copies of this package may be loaded. Every
 * message names the path and what to do; every wrap keeps `cause`.
 */

/** The codes, one a class. The first eight are the Go package's. */
export type LockErrorCode =
  | 'ALREADY_OWN_LOCK'
  | 'LOCK_TIMEOUT'
  | 'INVALID_SEQUENCE_NODE'
  | 'NOT_LOCK_OWNER'
  | 'OWNER_ALREADY_SET'
  | 'LOCKING_FAILED'
  | 'UNLOCKING_FAILED'
  | 'EXPIRE_LOCK_FAILED'
  | 'LOCK_LOST'
  | 'REVOKE_REQUESTED'
  | 'CLAIM_DELETED'
  | 'CLAIM_GONE'
  | 'SESSION_CLOSED'
  | 'CONNECTION_FAILED'
  | 'INVALID_ARGUMENT'
  | 'COMMIT_OUTCOME_UNKNOWN'
  | 'COMMIT_REFUSED'
  | 'SEMAPHORE_SIZE'
  | 'UPGRADE_REFUSED'
  | 'DOWNGRADE_REFUSED'
  | 'BARRIER_TIMEOUT';

const brand = Symbol.for('holdfast.LockError');

/** The base of every error that this package raises itself. */
export class LockError extends Error {
  override readonly name: string = 'LockError';
  readonly code: LockErrorCode;
  /** The lock path, where there is one. */
  readonly path: string | undefined;
  readonly [brand] = true;

  constructor(code: LockErrorCode, message: string, path?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.path = path;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== 'object' || value === null || !(brand in value)) return false;
    // Each subclass answers for its own code; the base for all.
    return this === LockError || (value as LockError).name === this.name;
  }
}

/** This owner already holds, or is already asking for, this lock (`ErrAlreadyOwnLock`). */
export class AlreadyOwnLockError<L = unknown> extends LockError {
  override readonly name = 'AlreadyOwnLockError';
  /** The lease that the owner has. */
  readonly lease: L;

  constructor(path: string, owner: string, lease: L) {
    super(
      'ALREADY_OWN_LOCK',
      `${path} is already held by owner ${JSON.stringify(owner)}: use that lease (error.lease), or another owner`,
      path,
    );
    this.lease = lease;
  }
}

/**
 * Not obtained before the deadline (`ErrLockingTimedOut`). Nothing is left in line. Its `cause` is an {@link ExpireLockFailedError}
 * when the holder had outlived its time to live and could not be ended.
 */
export class LockTimeoutError extends LockError {
  override readonly name = 'LockTimeoutError';
  constructor(path: string, timeoutMs: number, standing: string, cause?: unknown) {
    super(
      'LOCK_TIMEOUT',
      `${path} was not obtained within ${timeoutMs} ms (${standing}): wait longer (timeoutMs), or look at who holds it (a lock's entries())`,
      path,
      cause,
    );
  }
}

/** A znode's name has no sequence number where one was expected (`ErrInvalidSeqNode`). */
export class InvalidSequenceNodeError extends LockError {
  override readonly name = 'InvalidSequenceNodeError';
  constructor(path: string, name: string) {
    super(
      'INVALID_SEQUENCE_NODE',
      `${JSON.stringify(name)} under ${path} is not a lock's sequential znode: its name must end in "lock-" and ten digits`,
      path,
    );
  }
}

/** The lock is not held by the owner that was named (`ErrNotLockOwner`). */
export class NotLockOwnerError extends LockError {
  override readonly name = 'NotLockOwnerError';
  constructor(path: string, owner: string | undefined) {
    super(
      'NOT_LOCK_OWNER',
      owner === undefined
        ? `${path}: release() needs { owner } or { context }; a lease without an owner is released by itself (lease.release())`
        : `${path} is not held by owner ${JSON.stringify(owner)} through this Lock: release it where it was acquired`,
      path,
    );
  }
}

/** The owner was set before (`ErrOwnerAlreadySet`). */
export class OwnerAlreadySetError extends LockError {
  override readonly name = 'OwnerAlreadySetError';
  constructor(path: string, owner: string) {
    super(
      'OWNER_ALREADY_SET',
      `${path} already has owner ${JSON.stringify(owner)}: make another Lock (session.lock) for another owner`,
      path,
    );
  }
}

/** ZooKeeper refused the claim, the listing or the watch (`ErrLockingFailed`); `cause` says why. */
export class LockingFailedError extends LockError {
  override readonly name = 'LockingFailedError';
  /** Only that: somebody was ahead, and the caller would not wait. */
  readonly busy: boolean;
  constructor(path: string, what: string, cause?: unknown, busy = false) {
    super('LOCKING_FAILED', `${path} could not be locked: ${what}`, path, cause);
    this.busy = busy;
  }

  /** Somebody is ahead, and the caller would not wait. */
  static busy(path: string): LockingFailedError {
    return new LockingFailedError(path, 'somebody is ahead, and the caller would not wait', undefined, true);
  }
}

/** ZooKeeper refused to delete the claim (`ErrUnlockingFailed`); it goes with its session. */
export class UnlockingFailedError extends LockError {
  override readonly name = 'UnlockingFailedError';
  constructor(path: string, what: string, cause?: unknown) {
    super(
      'UNLOCKING_FAILED',
      `${path} could not be released: ${what}; the claim goes when its session ends (session.close())`,
      path,
      cause,
    );
  }
}

/** A contender past its time to live could not be deleted (`ErrExpireLockFailed`). */
export class ExpireLockFailedError extends LockError {
  override readonly name = 'ExpireLockFailedError';
  constructor(path: string, claimPath: string, cause?: unknown) {
    super(
      'EXPIRE_LOCK_FAILED',
      `${claimPath} is past its time to live and could not be deleted: this identity needs DELETE on ${path}`,
      path,
      cause,
    );
  }
}

/** What was held is not held any more; stop working under it. */
export class LockLostError extends LockError {
  override readonly name = 'LockLostError';
  /** The reason, as in `ownership.reason`, or `released`. */
  readonly reason: string;
  constructor(path: string, reason: string, cause?: unknown) {
    super(
      'LOCK_LOST',
      `${path} is not held any more (${reason}): stop the work it guarded, and acquire again before going on`,
      path,
      cause,
    );
    this.reason = reason;
  }
}

/** Why `lease.revokeSignal` aborts: somebody asks for what is held. It is still held; finish soon, and release. */
export class RevokeRequestedError extends LockError {
  override readonly name = 'RevokeRequestedError';
  /** Who asks, in their own words. */
  readonly by: string;
  /** Empty: not said. */
  readonly why: string;
  /** So long after asking they will take it by force, ms, by their own clock; undefined: not said. */
  readonly graceMs: number | undefined;
  constructor(
    path: string,
    { by, why, graceMs }: { readonly by: string; readonly why: string; readonly graceMs?: number },
  ) {
    const when =
      graceMs === undefined ? 'may take it by force' : `will take it by force ${graceMs} ms after asking`;
    super(
      'REVOKE_REQUESTED',
      `${by} asks for ${path}${why === '' ? '' : ` (${why})`}, and ${when}: finish soon, and release it`,
      path,
    );
    this.by = by;
    this.why = why;
    this.graceMs = graceMs;
  }
}

/** Somebody deleted our claim while it stood in line. */
export class ClaimDeletedError extends LockError {
  override readonly name = 'ClaimDeletedError';
  constructor(path: string, claimPath: string) {
    super(
      'CLAIM_DELETED',
      `${claimPath} was deleted by someone else while it stood in line for ${path}: acquire again if it is still wanted`,
      path,
    );
  }
}

/** The claim that was to be broken has gone by itself. */
export class ClaimGoneError extends LockError {
  override readonly name = 'ClaimGoneError';
  constructor(claim: string) {
    super(
      'CLAIM_GONE',
      `${claim} is not there any more: look who stands in line now (lock.entries())`,
      claim.slice(0, claim.lastIndexOf('/')),
    );
  }
}

/** The session was closed here. */
export class SessionClosedError extends LockError {
  override readonly name = 'SessionClosedError';
  constructor(path?: string) {
    super(
      'SESSION_CLOSED',
      `${path === undefined ? 'the session' : path}: the session was closed by this process; connect() again`,
      path,
    );
  }
}

/** No session could be had: unreachable, refused, or not ZooKeeper. `cause` is the last failure. */
export class ConnectionFailedError extends LockError {
  override readonly name = 'ConnectionFailedError';
  constructor(connectString: string, what: string, path?: string, cause?: unknown) {
    super(
      'CONNECTION_FAILED',
      `${connectString}: ${what}${cause instanceof Error ? ` (${cause.message})` : ''}; check the connect string, the servers and the credentials`,
      path,
      cause,
    );
  }
}

/** A value that cannot be meant. */
export class InvalidArgumentError extends LockError {
  override readonly name = 'InvalidArgumentError';
  constructor(argument: string, value: unknown, remedy: string, path?: string, cause?: unknown) {
    const place = path === undefined ? '' : `${path}: `;
    super('INVALID_ARGUMENT', `${place}${argument} is ${shown(value)}: ${remedy}`, path, cause);
  }
}

/** A transaction was sent and its answer was lost: it may have been applied. Look before sending it again. */
export class CommitOutcomeUnknownError extends LockError {
  override readonly name = 'CommitOutcomeUnknownError';
  constructor(path: string, cause?: unknown) {
    super(
      'COMMIT_OUTCOME_UNKNOWN',
      `${path}: the transaction's answer was lost, so it may have been applied: read what it writes before sending it again`,
      path,
      cause,
    );
  }
}

/** A transaction was refused for a reason of its own (a version, a missing node); the lock is still held. */
export class CommitRefusedError extends LockError {
  override readonly name = 'CommitRefusedError';
  /** Which of the caller's operations failed, counted from 0. */
  readonly failedIndex: number | undefined;
  constructor(path: string, failedIndex: number | undefined, cause: unknown) {
    const which =
      failedIndex === undefined ? 'the transaction' : `operation ${failedIndex} of the transaction`;
    super(
      'COMMIT_REFUSED',
      `${path}: ${which} was refused${cause instanceof Error ? ` (${cause.message})` : ''}, and nothing was applied`,
      path,
      cause,
    );
    this.failedIndex = failedIndex;
  }
}

/** Others use the semaphore with another number of permits. */
export class SemaphoreSizeError extends LockError {
  override readonly name = 'SemaphoreSizeError';
  /** The size they agreed on. */
  readonly size: number;
  constructor(path: string, asked: number, size: number) {
    super(
      'SEMAPHORE_SIZE',
      `${path} has ${size} permit${size === 1 ? '' : 's'}, not ${asked}: use session.semaphore(path, ${size}); to change it, let all its users end and delete ${path} with what is under it`,
      path,
    );
    this.size = size;
  }
}

/** The barrier did not open, or not all left it, before the deadline. */
export class BarrierTimeoutError extends LockError {
  override readonly name = 'BarrierTimeoutError';
  constructor(path: string, timeoutMs: number, standing: string) {
    super(
      'BARRIER_TIMEOUT',
      `${path} held back for more than ${timeoutMs} ms (${standing}): wait longer (timeoutMs), or see to those who are waited for`,
      path,
    );
  }
}

/** A reader asked to write without letting go first. */
export class UpgradeRefusedError extends LockError {
  override readonly name = 'UpgradeRefusedError';
  constructor(path: string, owner?: string) {
    const who = owner === undefined ? 'this lease' : `owner ${JSON.stringify(owner)}`;
    super(
      'UPGRADE_REFUSED',
      `${path} is read by ${who}: a writer waits for every reader ahead, so it would wait for itself, and two readers that upgrade for each other, for ever; release the read lease, acquire the write lock, and read again what was read`,
      path,
    );
  }
}

/** A write lease cannot become a read lease, and stays what it is. */
export class DowngradeRefusedError extends LockError {
  override readonly name = 'DowngradeRefusedError';
  constructor(path: string, why: string, cause?: unknown) {
    super('DOWNGRADE_REFUSED', `${path} is still held for writing: ${why}`, path, cause);
  }
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (value === null || ['number', 'boolean', 'undefined'].includes(typeof value)) return String(value);
  return Array.isArray(value) ? 'a list' : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}
