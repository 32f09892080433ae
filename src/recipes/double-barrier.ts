/**
 * Lets a group begin together and end together, in the layout of Curator's DistributedDoubleBarrier: each member is an ephemeral
 * child of the path, and `ready` is there once enough of them are.
 */
import { concat, ignoreElements, map, Observable, of, switchMap } from 'rxjs';
import { checkCount, checkOptionalDuration } from '../arguments.js';
import { BarrierTimeoutError } from '../errors.js';
import { everyChild, lockRule, type QueueRule } from '../queue.js';
import { asking, watching } from '../reading.js';
import type { ZooKeeperClient } from '../zookeeper/client.js';
import { isZooKeeperError } from '../zookeeper/errors.js';
import type { BarrierOptions, BarrierSettings } from './barrier.js';
import { claiming, inTurn, jointly, leaseFrom, type Step } from './joint-acquisition.js';
import { closeBehind, Passage, READY } from './passage.js';
import { childrenAt } from './znode-watches.js';

/** A double barrier at one moment. */
export interface DoubleBarrierState {
  /** Enough came: whoever enters goes on. */
  readonly open: boolean;
  /** How many are there: those who wait to begin, or have not left yet. */
  readonly present: number;
  /** How many are needed. */
  readonly members: number;
  /** When it was seen, epoch ms. */
  readonly asOf: number;
}

const nothing = new Uint8Array(0);
const MOST_MEMBERS = 1_000_000;

/** Enough are there, or were: then the barrier is open until they have left. */
const memberRule = (members: number): QueueRule => ({
  ...lockRule,
  label: 'member-',
  lineOf: everyChild,
  holdsByPresence: true,
  verdictOf: ({ contenders }, claimName) => {
    const present = contenders.filter(({ name }) => name !== READY);
    if (!present.some(({ name }) => name === claimName)) return { kind: 'missing' };
    const queueLength = present.length;
    if (queueLength >= members || present.length < contenders.length) return { kind: 'holds', queueLength };
    return {
      kind: 'waits',
      watch: 'children',
      predecessor: '',
      position: members - queueLength,
      queueLength,
      behindHolder: false,
      inherits: false,
    };
  },
});

/**
 * **Whoever dies inside counts as one who left**: the others end without him. A path is used by one group at a time, round after round.
 *
 * Subscribing tells how many are there, now and after every change.
 */
export class DoubleBarrier extends Observable<DoubleBarrierState> {
  readonly path: string;
  /** How many are needed. More may enter. */
  readonly members: number;
  readonly #settings: BarrierSettings;

  /** @internal Use `session.doubleBarrier(path, members)`. */
  constructor(settings: BarrierSettings, members: number) {
    super((subscriber) => this.#state().subscribe(subscriber));
    this.#settings = settings;
    this.path = settings.path;
    this.members = checkCount('members', members, 1, MOST_MEMBERS, settings.path);
  }

  /**
   * Enters, and resolves when enough are there. Rejects with `BARRIER_TIMEOUT`, the signal's reason, `CLAIM_DELETED`, `CONNECTION_FAILED`,
   * `SESSION_CLOSED` or `LOCKING_FAILED`; then we are not counted any more. A lost session enters anew under the same deadline.
   */
  async enter({ timeoutMs, signal }: BarrierOptions = {}): Promise<Passage> {
    const { path, members } = this;
    const settings = this.#settings;
    const { session } = settings;
    const limitMs = checkOptionalDuration('timeoutMs', timeoutMs, 0, path) ?? settings.timeoutMs;
    const request = { owner: undefined, noWait: false, timeoutMs: limitMs };
    const claim$ = claiming(
      {
        ...settings,
        rule: memberRule(members),
        grant: (parts) => new Passage(parts, settings.timeoutMs),
      },
      request,
    );
    const attempt = (): Observable<Step<Passage>> =>
      concat(
        // `ready` without members is left over from a round whose last member died: it would let us in alone.
        asking(session, path, (client) => closeBehind(client, path)).pipe(ignoreElements()),
        inTurn([claim$]).pipe(
          switchMap((step) =>
            step.status === 'held'
              ? asking(session, path, (client) => open(client, settings, step.grants)).pipe(map(() => step))
              : of(step),
          ),
        ),
      );
    const passage$ = jointly<Passage, Passage>({
      ...request,
      session,
      path,
      attempt,
      lease: ([passage]) => passage,
      late: (waiting) =>
        new BarrierTimeoutError(
          path,
          limitMs ?? 0,
          waiting === null
            ? `no answer from ${session.connectString} yet`
            : `${waiting.queueLength} of ${members} were there`,
        ),
    });
    return leaseFrom(passage$, path, signal);
  }

  #state(): Observable<DoubleBarrierState> {
    const { path, members } = this;
    const { session } = this.#settings;
    const look = (client: ZooKeeperClient) =>
      childrenAt(client, path).pipe(
        map((names): DoubleBarrierState => {
          const present = names.filter((name) => name !== READY).length;
          return {
            open: present < names.length || present >= members,
            present,
            members,
            asOf: session.clock.wallNow(),
          };
        }),
      );
    return watching(session, path, look);
  }
}

/**
 * For Curator's members, who wait for it, and for those who come when some have left already. Only while we are inside: a creation
 * that is late must not open the next round.
 */
async function open(
  client: ZooKeeperClient,
  { path, acl }: BarrierSettings,
  grants: readonly { readonly lease: Passage }[],
): Promise<void> {
  const ready = {
    type: 'create',
    path: `${path}/${READY}`,
    data: nothing,
    mode: 'persistent',
    ...(acl === undefined ? {} : { acl }),
  } as const;
  const inside = grants.map(({ lease }) => ({ type: 'check', path: lease.claimPath, version: -1 }) as const);
  try {
    if (client.capabilities.multi) await client.multi([...inside, ready]);
    else await client.create(ready.path, ready.data, ready);
  } catch (error) {
    // A claim that has gone is told by its own watch.
    if (!isZooKeeperError(error, 'NodeExists', 'NoNode')) throw error;
  }
}
