/** Our own acquisitions, read off what XState's `inspect` tells of their machines. Remembers those that are not settled, and no other. */
import type { InspectionEvent } from 'xstate';
import { type LockSnapshot, lockMachine } from '../../machines/lock-machine.js';
import type { Clock } from '../clock.js';
import { connectionOf, statusOf } from '../ownership.js';
import { beginCounters, type Instruments, type Labels, type Reading } from './instruments.js';
import type { LockLabels } from './lock-labels.js';

type State = 'asking' | 'waiting' | 'held' | 'suspended' | 'withdrawing';

interface Watched {
  readonly labels: Labels;
  readonly askedMs: number;
  state: State;
  /** It has stood in line. */
  placed: boolean;
  /** Since when it is held; null before. */
  heldMs: number | null;
  /** When it was heard that the one ahead is gone; null when nobody is known to be. */
  freedMs: number | null;
}

/** The lock machine's actor, as far as it is read here. */
interface InspectedRef {
  readonly id: string;
  readonly logic?: { readonly id?: string };
}

const STATES: readonly State[] = ['asking', 'waiting', 'held', 'suspended', 'withdrawing'];

/** See the file's head. */
export class AcquisitionTally {
  readonly #instruments: Instruments;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #labels: LockLabels;
  readonly #watched = new Map<object, Watched>();
  readonly #begun = new Set<Labels>();

  constructor(instruments: Instruments, labels: LockLabels, clock: Pick<Clock, 'now'>) {
    this.#instruments = instruments;
    this.#labels = labels;
    this.#clock = clock;
    for (const each of labels.always) this.#begin(each);
  }

  hear(event: InspectionEvent): void {
    // Slots are actors too.
    if (event.type !== '@xstate.snapshot' || event.actorRef.sessionId !== event.rootId) return;
    const ref = event.actorRef as unknown as InspectedRef;
    const snapshot = event.snapshot as unknown as LockSnapshot;
    const watched = this.#watched.get(ref);
    if (watched !== undefined) this.#follow(watched, snapshot, event.event.type);
    else if (ref.logic?.id === lockMachine.id && statusOf(snapshot) === 'creatingNode') {
      const labels = this.#labels.of(ref.id);
      this.#begin(labels);
      const askedMs = this.#clock.now();
      this.#watched.set(ref, {
        labels,
        askedMs,
        state: 'asking',
        placed: false,
        heldMs: null,
        freedMs: null,
      });
    }
    if (snapshot.status !== 'active') this.#watched.delete(ref);
  }

  #follow(watched: Watched, snapshot: LockSnapshot, because: string): void {
    switch (statusOf(snapshot)) {
      case 'creatingNode':
        watched.state = 'asking';
        watched.freedMs = null;
        return;
      case 'waitingOnPredecessor':
        watched.state = 'waiting';
        this.#followWait(watched, snapshot, because);
        return;
      case 'held':
        if (watched.heldMs === null) this.#acquired(watched, because);
        this.#followHold(watched, snapshot);
        return;
      default:
        if (watched.state === 'withdrawing') return;
        this.#over(watched, snapshot);
        watched.state = 'withdrawing';
    }
  }

  #followWait(watched: Watched, snapshot: LockSnapshot, because: string): void {
    const verdict = snapshot.context.consultation?.verdict;
    if (!watched.placed && verdict?.kind === 'waits') {
      watched.placed = true;
      this.#instruments.record('holdfast.queue_position', verdict.position, watched.labels);
    }
    if (because === 'predecessor.gone' || because === 'predecessor.unclear')
      watched.freedMs ??= this.#clock.now();
    // It was not our turn: somebody else is watched now.
    else if (snapshot.matches({ waitingOnPredecessor: 'watching' })) watched.freedMs = null;
  }

  #acquired(watched: Watched, because: string): void {
    const nowMs = this.#clock.now();
    const { labels } = watched;
    watched.heldMs = nowMs;
    if (!watched.placed) this.#instruments.record('holdfast.queue_position', 0, labels);
    if (because === 'predecessor.gone') watched.freedMs ??= nowMs;
    if (watched.freedMs !== null) this.#record('holdfast.hand_over', nowMs - watched.freedMs, labels);
    this.#record('holdfast.wait', nowMs - watched.askedMs, labels);
    this.#ended('acquired', labels);
  }

  #followHold(watched: Watched, snapshot: LockSnapshot): void {
    if (connectionOf(snapshot) === 'confirmed') watched.state = 'held';
    else if (watched.state !== 'suspended') {
      watched.state = 'suspended';
      this.#instruments.add('holdfast.suspensions', 1, watched.labels);
    }
  }

  #over({ labels, heldMs }: Watched, { value, context }: LockSnapshot): void {
    if (heldMs === null) {
      this.#ended(context.failure?.kind ?? 'withdrawn', labels);
      return;
    }
    this.#record('holdfast.hold', this.#clock.now() - heldMs, labels);
    const lost = typeof value === 'object' && 'expired' in value;
    if (lost && context.expiredBecause !== null)
      this.#instruments.add('holdfast.losses', 1, { ...labels, reason: context.expiredBecause });
  }

  #ended(outcome: string, labels: Labels): void {
    this.#instruments.add('holdfast.acquisitions', 1, { ...labels, outcome });
  }

  #record(
    metric: 'holdfast.wait' | 'holdfast.hold' | 'holdfast.hand_over',
    ms: number,
    labels: Labels,
  ): void {
    this.#instruments.record(metric, ms / 1_000, labels);
  }

  #begin(labels: Labels): void {
    if (this.#begun.has(labels)) return;
    this.#begun.add(labels);
    beginCounters(this.#instruments, 'locks', labels);
  }

  *locks(): Generator<Reading> {
    const counts = new Map<Labels, Map<State, number>>();
    for (const { labels, state } of this.#watched.values()) {
      const theirs = counts.get(labels) ?? new Map<State, number>();
      counts.set(labels, theirs.set(state, (theirs.get(state) ?? 0) + 1));
    }
    for (const labels of this.#begun)
      for (const state of STATES) yield [counts.get(labels)?.get(state) ?? 0, { ...labels, state }];
  }

  /** How long the oldest of `kind` has been so by now, seconds. */
  *oldest(kind: 'wait' | 'hold'): Generator<Reading> {
    const nowMs = this.#clock.now();
    const longest = new Map<Labels, number>();
    for (const { labels, state, askedMs, heldMs } of this.#watched.values()) {
      if (state === 'withdrawing' || (heldMs === null) !== (kind === 'wait')) continue;
      longest.set(labels, Math.max(longest.get(labels) ?? 0, nowMs - (heldMs ?? askedMs)));
    }
    for (const labels of this.#begun) yield [(longest.get(labels) ?? 0) / 1_000, labels];
  }

  close(): void {
    this.#watched.clear();
  }
}
