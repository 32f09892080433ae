/**
 * Lets a group begin together and end together, in the layout of Curator's DistributedDoubleBarrier: each member is an ephemeral
 * child of the path, and `ready` is there once enough of them are.
 */
import { map, Observable } from 'rxjs';
import { checkCount, checkOptionalDuration } from '../arguments.js';
import { BarrierTimeoutError } from '../errors.js';
import { watching } from '../reading.js';
import type { ZooKeeperClient } from '../zookeeper/client.js';
import type { BarrierOptions, BarrierSettings } from './barrier.js';
import { admit, memberRule, sortedOut } from './barrier-round.js';
import { claiming, inTurn, jointly, leaseFrom } from './joint-acquisition.js';
import { Passage } from './passage.js';
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

const MOST_MEMBERS = 1_000_000;

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
    const rule = memberRule(members);
    const round = { ...settings, rule };
    const claim$ = claiming(
      {
        ...settings,
        rule,
        admission: (client, claim, names) => admit(client, round, claim, names),
        grant: (parts) => new Passage(parts, settings),
      },
      request,
    );
    const passage$ = jointly<Passage, Passage>({
      ...request,
      session,
      path,
      attempt: () => inTurn([claim$]),
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
          const listed = sortedOut(names);
          const present = listed.members.length;
          const open = present > 0 && (listed.ready || present >= members);
          return { open, present, members, asOf: session.clock.wallNow() };
        }),
      );
    return watching(session, path, look);
  }
}
