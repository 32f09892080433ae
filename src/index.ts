/** The public names. No logic. */
export type { ExpiryReason, LockStatus, Predecessor, RevokeRequest } from '../machines/lock-machine.js';
export type { SessionEnd } from '../machines/session-machine.js';
export type { AuditEntry, BreakRequest } from './claim-break.js';
export type { RevokeOptions } from './claim-revoke.js';
export type { Clock, Instant } from './clock.js';
export { systemClock } from './clock.js';
export type { ContenderInLine, Contention, ContentionUnder } from './contention.js';
export * from './errors.js';
export { type GrantWritten, type HandOver, type HandOverNews, handOvers } from './hand-overs.js';
export type { Lease, SharedLease } from './lease.js';
export type { AcquireOptions, Lock, OwnerContext, OwnerContextStore, OwnerOptions } from './lock.js';
export type { LockEntries } from './lock-entries.js';
export { held, whileHeld } from './operators.js';
export type { Ownership } from './ownership.js';
export type { Barrier, BarrierOptions, BarrierState } from './recipes/barrier.js';
export type { DoubleBarrier, DoubleBarrierState } from './recipes/double-barrier.js';
export type { DurableLease } from './recipes/durable-lease.js';
export type { DurableAcquireOptions, DurableLock } from './recipes/durable-lock.js';
export type { CampaignOptions, Election, LeaderView } from './recipes/election.js';
export type { Leader, Observed } from './recipes/leader-observer.js';
export type { Leadership } from './recipes/leadership.js';
export type { JointAcquireOptions, MultiLease, MultiLock } from './recipes/multi-lock.js';
export type { Passage } from './recipes/passage.js';
export type { ReadLease, ReadWriteLock, WriteLease } from './recipes/read-write-lock.js';
export type { Semaphore, SemaphoreAcquireOptions, SemaphoreLease } from './recipes/semaphore.js';
export type {
  WebLock,
  WebLockCallback,
  WebLockInfo,
  WebLockManager,
  WebLockMode,
  WebLockOptions,
  WebLockSnapshot,
} from './recipes/web-locks.js';
export { connect, type Session } from './session.js';
export type {
  BarrierMakingOptions,
  ConnectOptions,
  DurableLockOptions,
  ElectionOptions,
  LockOptions,
  ReadWriteLockOptions,
  RecipeOptions,
} from './session-options.js';
export {
  type Deadlock,
  deadlocks,
  type Orphan,
  type OrphanOptions,
  type Owner,
  orphans,
  type WaitFor,
  waitForGraph,
} from './wait-for-graph.js';
export type {
  Acl,
  ClientFactory,
  ClientOptions,
  CreateMode,
  Stat,
  TransactionOperation,
  TransactionResult,
  ZooKeeperClient,
} from './zookeeper/client.js';
export { OPEN_ACL } from './zookeeper/client.js';
export { ZooKeeperError, type ZooKeeperErrorCode } from './zookeeper/errors.js';
export type { Logger } from './zookeeper/session-port.js';
export type { SessionState } from './zookeeper/supervisor.js';
