/**
 * `reentrancy: 'count'`: one grant for all acquisitions of one owner. Each has its own lease, deadline and signal; the
 * claim goes with the last of them, and a loss reaches all.
 */
import { type AcquisitionRequest, LockAcquisition, type LockSettings } from './acquisition.js';
import { type LockError, LockingFailedError, LockTimeoutError } from './errors.js';
import type { LeaseParts, SharedLease } from './lease.js';
import { type Ownership, whereItStood } from './ownership.js';

type Listener<L extends SharedLease> = (ownership: Ownership<L>) => void;

/** All acquisitions of one owner at one lock. Stands in line from the start, and joins who comes later. */
export class CountedAcquisition<L extends SharedLease> {
  readonly settings: LockSettings<L>;
  readonly #acquisition: LockAcquisition<L>;
  readonly #members = new Set<Member<L>>();
  readonly #changed: () => void;
  #parts: LeaseParts | null = null;
  #told: Ownership<L> = { status: 'idle' };

  /** `changed` hears of every change, before the members do. */
  constructor(settings: LockSettings<L>, request: AcquisitionRequest, changed: () => void) {
    this.settings = settings;
    this.#changed = changed;
    const grant = (parts: LeaseParts) => {
      this.#parts = parts;
      return settings.grant(parts);
    };
    // Deadlines and refusals to wait are each member's own.
    const shared = { ...request, timeoutMs: null, noWait: false };
    this.#acquisition = new LockAcquisition({ ...settings, grant }, shared, (ownership) => {
      this.#hear(ownership);
    });
  }

  get pendingOrHeld(): boolean {
    return this.#acquisition.pendingOrHeld;
  }

  get held(): boolean {
    return this.#acquisition.lease !== null;
  }

  /** The newest member's lease, while it is held. */
  get lease(): L | null {
    return this.held ? (this.#newest?.lease ?? null) : null;
  }

  /** Why the wait is longer than it should be, if that is known. */
  get obstacle(): LockError | undefined {
    return this.#acquisition.obstacle;
  }

  /** Where it stands, as far as members were told. */
  get told(): Ownership<L> {
    return this.#told;
  }

  /** One more acquisition of the same owner. It hears where things stand, then every change. */
  join(request: AcquisitionRequest, listener: Listener<L>): Member<L> {
    const member = new Member(this, request, listener);
    this.#members.add(member);
    member.begin();
    return member;
  }

  /** The newest member lets go. */
  async release(): Promise<void> {
    await this.#newest?.release();
  }

  /** A lease of `member`'s own on the grant of all. */
  leaseFor(member: Member<L>): L {
    const parts = this.#parts;
    if (parts === null) throw new Error(`${this.settings.path} is held without a lease; please report this`);
    return this.settings.grant({
      ...parts,
      standing: () => (this.#members.has(member) ? parts.standing() : 'released'),
      release: () => member.release(),
      sharers: () => this.#members.size,
    });
  }

  /** The last one to leave takes the claim along. Resolves when that is gone; for others at once. */
  async leave(member: Member<L>): Promise<'last' | 'others stay'> {
    if (this.#members.size === 1 && this.#members.has(member)) {
      await this.#acquisition.release();
      return 'last';
    }
    this.#members.delete(member);
    return 'others stay';
  }

  /** `member` is out; nobody is waited for. What goes wrong with the last one's claim is logged. */
  dismiss(member: Member<L>): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    this.#acquisition.release().catch((error: unknown) => {
      this.settings.logger.error(String(error));
    });
  }

  get #newest(): Member<L> | undefined {
    return [...this.#members].at(-1);
  }

  #hear(ownership: Ownership<L>): void {
    this.#told = ownership;
    this.#changed();
    for (const member of [...this.#members]) member.hear(ownership);
  }
}

/** One acquisition among those of its owner. */
export class Member<L extends SharedLease> {
  readonly #all: CountedAcquisition<L>;
  readonly #request: AcquisitionRequest;
  readonly #listener: Listener<L>;
  #lease: L | null = null;
  #heard = false;
  #over = false;
  #deadline: unknown = null;

  constructor(all: CountedAcquisition<L>, request: AcquisitionRequest, listener: Listener<L>) {
    this.#all = all;
    this.#request = request;
    this.#listener = listener;
  }

  /** While it is held. */
  get lease(): L | null {
    return this.#over || !this.#all.held ? null : this.#lease;
  }

  get pendingOrHeld(): boolean {
    return !this.#over && this.#all.pendingOrHeld;
  }

  begin(): void {
    const { timeoutMs } = this.#request;
    const { clock } = this.#all.settings.session;
    if (timeoutMs !== null)
      this.#deadline = clock.setTimeout(() => {
        this.#fail(this.#timeout(timeoutMs));
      }, timeoutMs);
    queueMicrotask(() => {
      if (!this.#heard) this.hear(this.#all.told);
    });
  }

  hear(ownership: Ownership<L>): void {
    if (this.#over) return;
    this.#heard = true;
    switch (ownership.status) {
      case 'held':
        this.#stopDeadline();
        this.#lease ??= this.#all.leaseFor(this);
        if (ownership.revokeRequested !== null) this.#lease.markRevokeRequested(ownership.revokeRequested);
        this.#listener({ ...ownership, lease: this.#lease });
        return;
      case 'waitingOnPredecessor':
        if (this.#request.noWait) this.#fail(LockingFailedError.busy(this.#all.settings.path));
        else this.#listener(ownership);
        return;
      case 'expired':
        this.#lease?.markLost(ownership.reason);
        this.#end(ownership);
        return;
      case 'failed':
      case 'released':
        this.#end(ownership);
        return;
      default:
        this.#listener(ownership);
    }
  }

  /** Lets go of this acquisition. Resolves at once while others stay, else when the claim is gone. */
  async release(): Promise<void> {
    if (this.#over) return;
    this.#stopDeadline();
    // The last one hears from the machine how the claim goes.
    if ((await this.#all.leave(this)) === 'others stay') this.#end({ status: 'released' });
  }

  /** Fails this acquisition if it is not held yet. */
  abort(cause: unknown): void {
    if (this.#over || this.#all.held) return;
    this.#fail(new LockingFailedError(this.#all.settings.path, 'the caller gave up', cause));
  }

  #timeout(timeoutMs: number): LockTimeoutError {
    const { session, path } = this.#all.settings;
    const { told } = this.#all;
    const standing = whereItStood(
      session.connectString,
      told.status === 'waitingOnPredecessor' ? told : null,
    );
    return new LockTimeoutError(path, timeoutMs, standing, this.#all.obstacle);
  }

  #fail(error: LockError): void {
    this.#finish();
    // No user code runs on the stack of whoever aborts.
    queueMicrotask(() => {
      this.#listener({ status: 'failed', error });
    });
    this.#all.dismiss(this);
  }

  #end(ownership: Ownership<L>): void {
    if (this.#over) return;
    this.#finish();
    this.#listener(ownership);
  }

  #finish(): void {
    this.#over = true;
    this.#stopDeadline();
  }

  #stopDeadline(): void {
    if (this.#deadline !== null) this.#all.settings.session.clock.clearTimeout(this.#deadline);
    this.#deadline = null;
  }
}
