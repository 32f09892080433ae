/** One process: its clocks, its session, its connections. The supervisor, the client and the locks are the production ones. */
import { NEVER } from 'rxjs';
import type { SuspendPolicy } from '../../machines/lock-machine.js';
import type { LockSettings } from '../../src/acquisition.js';
import { LateCalls } from '../../src/late-calls.js';
import type { SharedLease } from '../../src/lease.js';
import { LocalLines } from '../../src/local-line.js';
import { Lock, type LockParts } from '../../src/lock.js';
import { Paces } from '../../src/pace.js';
import { FoundLosses, type LossDelay } from '../../src/unclean-loss.js';
import type { Logger } from '../../src/zookeeper/session-port.js';
import { Supervisor } from '../../src/zookeeper/supervisor.js';
import { wireClient } from '../../src/zookeeper/wire-client.js';
import type { Attempt } from './attempt.js';
import type { Chance } from './chance.js';
import { Link } from './link.js';
import { ProcessClock } from './process-clock.js';
import type { World } from './world.js';

/** Few, so that many a history comes to it. */
export const MOST_HAND_OVERS = 2;

export interface ParticipantOptions {
  readonly hosts: readonly string[];
  /** Adds an identity to every connection. */
  readonly identified: boolean;
  readonly sessionTimeoutMs: number;
  readonly guardMs: number | undefined;
  readonly heartbeat: { readonly kind: 'ping' } | { readonly kind: 'quorum'; readonly tickMs: number };
  /** Seconds of its clocks per second of the world. */
  readonly rate: number;
}

/** What locks and recipes are made from, but for their kind of line. */
export type Settings = Omit<LockSettings<SharedLease>, 'rule' | 'grant'>;

export interface SettingsOptions {
  readonly ttlMs?: number | null;
  readonly onSuspend: SuspendPolicy;
  readonly timeoutMs: number | null;
}

export class Participant {
  readonly name: string;
  readonly clock: ProcessClock;
  readonly supervisor: Supervisor;
  readonly lateCalls: { readonly held: LateCalls; readonly waiting: LateCalls };
  readonly #paces = new Paces();
  readonly #localLines = new LocalLines();
  readonly #foundLosses = new FoundLosses();
  readonly links = new Set<Link>();
  readonly sessionTimeoutMs: number;
  /** When something of it came through again after nothing had. */
  silentUntilMs = Number.NEGATIVE_INFINITY;
  /** Added to every hop. */
  slowMs = 0;
  /** It slept, or its wall clock was set back: not both to one process, for two clocks are what it has. */
  slept = false;
  setBack = false;
  closed = false;
  readonly #chance: Chance;

  constructor(world: World, name: string, chance: Chance, options: ParticipantOptions) {
    this.name = name;
    this.#chance = chance;
    this.sessionTimeoutMs = options.sessionTimeoutMs;
    this.clock = new ProcessClock(world.clock, chance.branch(), options.rate);
    const logger: Logger = {
      debug() {},
      info() {},
      warn: (message) => world.tell(this.name, message),
      error: (message) => world.tell(this.name, message),
    };
    const factory = wireClient((address, events) => {
      const link = new Link({
        clock: world.clock,
        process: this.clock,
        latencyMs: () => world.latencyMs() + this.slowMs,
        open: (sink) => world.ensemble.open(address.host, sink),
        events,
        forget: (over) => this.links.delete(over),
      });
      this.links.add(link);
      return link;
    });
    this.supervisor = new Supervisor(factory, {
      client: {
        connectString: options.hosts.map((host) => `${host}:1`).join(','),
        sessionTimeoutMs: options.sessionTimeoutMs,
        maxReplyBytes: 1 << 20,
        auth: options.identified ? [{ scheme: 'digest', auth: new TextEncoder().encode('user:secret') }] : [],
        clock: this.clock,
        random: chance.branch().random,
      },
      connectTimeoutMs: 30_000,
      clockDrift: 0.01,
      guardMs: options.guardMs,
      heartbeat: options.heartbeat,
      logger,
    });
    this.lateCalls = { held: new LateCalls(this.clock, 5), waiting: new LateCalls(this.clock, 5_000) };
    if (world.traces) this.supervisor.onState((state) => world.tell(this.name, `session ${state.kind}`));
  }

  /** What every recipe of an attempt is made from. */
  settings(world: World, attempt: Attempt, path: string, options: SettingsOptions): Settings {
    return {
      session: this.supervisor,
      path,
      ttlMs: options.ttlMs ?? null,
      timeoutMs: options.timeoutMs,
      onSuspend: options.onSuspend,
      acl: undefined,
      identity: { host: this.name },
      newGuid: () => {
        const guid = this.#chance.guid();
        world.claimedBy(guid, attempt);
        return guid;
      },
      logger: {
        debug() {},
        info() {},
        warn: (message) => world.tell(attempt.name, message),
        error: (message) => world.tell(attempt.name, message),
      },
      lateCalls: this.lateCalls,
      paces: this.#paces,
      localHandover: attempt.sharing ? { lines: this.#localLines, max: MOST_HAND_OVERS } : undefined,
      onLine: () => undefined,
    };
  }

  /** How its locks mind losses, where the profile says so. */
  lossDelay({ profile: { lossDelayMs } }: World): LossDelay | undefined {
    return lossDelayMs === null ? undefined : { ms: lossDelayMs, found: this.#foundLosses };
  }

  lock<L extends SharedLease>(
    settings: Settings,
    { rule, grant, admit }: Pick<LockParts<L>, 'rule' | 'grant' | 'admit'>,
  ): Lock<L> {
    return new Lock({
      ...settings,
      rule,
      grant,
      ...(admit === undefined ? {} : { admit }),
      ownerKey: undefined,
      owner: undefined,
      contention: NEVER,
    });
  }

  /** On its own clock; never, when it dies. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.setTimeout(resolve, ms);
    });
  }

  get sessionId(): string {
    return this.supervisor.client.sessionId;
  }

  /** As `kill -9` does. `heard`: the servers see its connections end. */
  kill(heard: boolean): void {
    this.clock.kill();
    for (const link of [...this.links]) link.cut({ client: null, server: heard ? 1 : null, arrives: heard });
  }
}
