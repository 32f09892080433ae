/** Kinds of histories: who is there, and what goes wrong how often. */
import type { SuspendPolicy } from '../../machines/lock-machine.js';
import type { FaultName } from './faults.js';

type Weights<K extends string> = Readonly<Partial<Record<K, number>>>;

export interface Profile {
  readonly participants: readonly [least: number, most: number];
  /** Threads of work in each. */
  readonly threads: readonly [least: number, most: number];
  /** How often each asks, one after the other. */
  readonly rounds: readonly [least: number, most: number];
  /** How often the next follows at once. */
  readonly restless: number;
  /** How often an attempt shares a claim with others of its process. */
  readonly sharing: number;
  /** How often a holder gives up when it is asked to; more than nothing: operators ask. */
  readonly heeding: number;
  readonly followers: readonly [least: number, most: number];
  readonly heartbeat: 'ping' | 'quorum';
  /** As `guardMs`; undefined: the default, which is meant for followers. */
  readonly guardMs: number | undefined;
  readonly policies: Weights<SuspendPolicy>;
  /** How often an attempt gives itself a time to live. */
  readonly ttl: number;
  readonly faults: Weights<FaultName>;
  /** How long locks are held: fractions of a second, seconds, up to two sessions. */
  readonly holds: Weights<'short' | 'middle' | 'long'>;
  /** Every process knows one server only. */
  readonly oneHost: boolean;
  /** How often a process has an identity to add to every connection. */
  readonly identities: number;
  /** From one fault to the next. */
  readonly faultEveryMs: readonly [least: number, most: number];
  /** Where the sequence counters begin. */
  readonly sequenceStart: number;
  /** The longest hop now and then. */
  readonly slowestHopMs: number;
  /** Two may believe at once, by what ZooKeeper is: what is checked then is that the token refuses the stale one. */
  readonly overlapAllowed: boolean;
  /** Everybody asks for web locks, and so; null: for locks. */
  readonly webLocks: Weights<'exclusive' | 'shared' | 'steal'> | null;
  /** Whoever ended without releasing is waited out so long; null: that is nothing to anybody. */
  readonly lossDelayMs: number | null;
}

const NEAR_COUNTER_END = 2_147_483_640;

const network = {
  cut: 6,
  silence: 3,
  slow: 2,
  loseReply: 6,
  loseRequest: 3,
  cutAfterReply: 3,
} as const;
const process = { block: 6, suspend: 3, wallForward: 1, wallBack: 1, kill: 2, close: 1 } as const;
const server = { freeze: 3, expireEarly: 3, expireLate: 2, lateDeletion: 4 } as const;
const znodes = { deleteClaim: 5, deletePath: 1, foreignChild: 2, reap: 2 } as const;
const followers = { lag: 5, followerCrash: 3 } as const;

/** So long that trouble ends before the holder lets go. */
const outlasting = { short: 4, middle: 4, long: 4 } as const;

const base: Profile = {
  participants: [2, 3],
  threads: [1, 2],
  rounds: [1, 3],
  restless: 0.5,
  sharing: 0,
  heeding: 0,
  followers: [0, 0],
  heartbeat: 'ping',
  guardMs: 0,
  policies: { bounded: 4, standard: 1 },
  ttl: 0.1,
  faults: {},
  holds: { short: 10, middle: 6, long: 1 },
  oneHost: false,
  identities: 0,
  faultEveryMs: [300, 3_000],
  sequenceStart: 0,
  slowestHopMs: 150,
  overlapAllowed: false,
  webLocks: null,
  lossDelayMs: null,
};

const isolated: Profile = {
  ...base,
  followers: [1, 2],
  guardMs: undefined,
  holds: { long: 1 },
  oneHost: true,
  identities: 0.3,
  faults: { isolate: 1 },
};

/** By name; the weights say how often a history is of that kind. */
export const PROFILES = {
  crowd: { weight: 1, profile: { ...base, participants: [3, 4], faults: { reap: 1 } } },
  network: { weight: 4, profile: { ...base, faults: network } },
  process: {
    weight: 3,
    profile: { ...base, holds: outlasting, faults: { ...process, cut: 3, slow: 8, loseReply: 2 } },
  },
  server: {
    weight: 3,
    profile: { ...base, holds: outlasting, faults: { ...server, cut: 3, silence: 3, kill: 1 } },
  },
  znodes: { weight: 2, profile: { ...base, holds: outlasting, faults: { ...znodes, cut: 3, loseReply: 2 } } },
  'counter-end': {
    weight: 1,
    profile: {
      ...base,
      participants: [3, 4],
      sequenceStart: NEAR_COUNTER_END,
      faults: { ...network, kill: 1, deleteClaim: 1 },
    },
  },
  'time-to-live': {
    weight: 2,
    profile: { ...base, ttl: 0.8, slowestHopMs: 900, faults: { ...network, block: 8, suspend: 3, slow: 5 } },
  },
  followers: {
    weight: 3,
    profile: {
      ...base,
      followers: [1, 2],
      guardMs: undefined,
      faults: { ...followers, ...network, expireEarly: 1, kill: 1, freeze: 1, deleteClaim: 1 },
    },
  },
  'late-answers': {
    weight: 1,
    profile: {
      ...base,
      holds: outlasting,
      faultEveryMs: [200, 1_200],
      faults: { slow: 6, block: 6, silence: 1 },
    },
  },
  'one-follower-each': {
    weight: 1,
    profile: {
      ...base,
      followers: [1, 2],
      guardMs: undefined,
      holds: outlasting,
      oneHost: true,
      faults: { followerCrash: 6, lag: 1, silence: 1, block: 1 },
    },
  },
  /** Whoever stood still for nearly a session finds a follower that still answers. */
  'process-on-follower': {
    weight: 1,
    profile: {
      ...base,
      followers: [1, 2],
      guardMs: undefined,
      holds: outlasting,
      oneHost: true,
      faults: { blockForMostOfASession: 6, block: 1, suspend: 2, slow: 2, lag: 1, cut: 1, kill: 1 },
    },
  },
  everything: {
    weight: 3,
    profile: {
      ...base,
      followers: [0, 2],
      guardMs: undefined,
      ttl: 0.2,
      faultEveryMs: [200, 2_000],
      faults: { ...network, ...process, ...server, ...znodes, ...followers },
    },
  },
  'isolated-quorum': {
    weight: 2,
    profile: {
      ...isolated,
      heartbeat: 'quorum',
      guardMs: 0,
      holds: outlasting,
      faults: {
        isolate: 6,
        slowRelay: 6,
        lag: 2,
        followerCrash: 2,
        cut: 2,
        silence: 2,
        block: 2,
        suspend: 1,
      },
    },
  },
  /** A leader that stands still does not ping either, which only the guard covers. */
  'frozen-quorum': {
    weight: 1,
    profile: {
      ...isolated,
      heartbeat: 'quorum',
      holds: outlasting,
      faults: { freeze: 6, isolate: 3, slowRelay: 4, cut: 2, silence: 1, block: 1 },
    },
  },
  /** Contenders of one process hand a claim on to each other, among others that do not. */
  local: {
    weight: 2,
    profile: {
      ...base,
      participants: [2, 3],
      threads: [2, 5],
      sharing: 0.7,
      holds: { short: 10, middle: 4, long: 2 },
      faults: {
        ...network,
        block: 3,
        suspend: 2,
        close: 1,
        kill: 1,
        expireEarly: 2,
        freeze: 1,
        deleteClaim: 4,
        reap: 1,
      },
    },
  },
  /** Many times in a row, and now and then somebody else: who comes back may know that nobody was there. */
  'over-and-over': {
    weight: 2,
    profile: {
      ...base,
      participants: [2, 3],
      rounds: [4, 16],
      restless: 0.85,
      ttl: 0,
      holds: { short: 20, middle: 1 },
      faultEveryMs: [50, 700],
      faults: {
        reap: 16,
        cut: 2,
        loseReply: 2,
        loseRequest: 1,
        slow: 1,
        block: 1,
        expireEarly: 1,
        deletePath: 2,
        foreignChild: 1,
        kill: 1,
      },
    },
  },
  /** Operators ask for locks and take them, from holders of whom some give up when they are asked. Of locks only. */
  operators: {
    weight: 2,
    profile: {
      ...base,
      participants: [2, 4],
      ttl: 0.2,
      holds: outlasting,
      heeding: 0.5,
      faultEveryMs: [200, 2_000],
      faults: {
        revoke: 12,
        breakClaim: 6,
        cut: 3,
        silence: 1,
        loseReply: 4,
        loseRequest: 2,
        block: 2,
        kill: 1,
        close: 1,
        expireEarly: 1,
      },
    },
  },
  'isolated-ping': { weight: 0, profile: { ...isolated, overlapAllowed: true } },
  /** The same histories, asked of the quorum. */
  'isolated-alike': { weight: 1, profile: { ...isolated, heartbeat: 'quorum', guardMs: 0 } },
  'session-policy': {
    weight: 0,
    profile: {
      ...base,
      policies: { session: 1 },
      holds: outlasting,
      ttl: 0,
      faults: { silence: 3, block: 3, cut: 2, suspend: 2 },
      overlapAllowed: true,
    },
  },
  'web-locks': {
    weight: 2,
    profile: {
      ...base,
      participants: [3, 4],
      followers: [0, 2],
      guardMs: undefined,
      ttl: 0,
      webLocks: { exclusive: 4, shared: 3, steal: 3 },
      faultEveryMs: [200, 3_000],
      faults: {
        ...network,
        block: 3,
        suspend: 1,
        kill: 2,
        expireEarly: 2,
        lateDeletion: 1,
        ...followers,
        reap: 1,
      },
    },
  },
  /** Shared more than not, and given up often: those who share change while somebody steals. */
  'web-locks-shared': {
    weight: 1,
    profile: {
      ...base,
      participants: [4, 5],
      ttl: 0,
      webLocks: { exclusive: 3, shared: 6, steal: 3 },
      holds: { short: 1, middle: 8 },
      slowestHopMs: 900,
      faults: { expireEarly: 2, slow: 6, cut: 1 },
    },
  },
  /** Many ways to end without releasing, and many who wait that out, or give it up. */
  losses: {
    weight: 2,
    profile: {
      ...base,
      policies: { bounded: 3, standard: 3 },
      followers: [0, 2],
      guardMs: undefined,
      ttl: 0.3,
      holds: { short: 6, middle: 6, long: 2 },
      lossDelayMs: 4_000,
      faults: {
        ...network,
        ...followers,
        block: 3,
        suspend: 2,
        kill: 3,
        close: 1,
        expireEarly: 3,
        freeze: 1,
        ...znodes,
      },
    },
  },
} as const satisfies Record<string, { weight: number; profile: Profile }>;

export type ProfileName = keyof typeof PROFILES;
