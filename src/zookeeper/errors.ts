/** What ZooKeeper, or the way to it, can answer instead of a result. */

/**
 * What is known of a failed request: `notApplied` (refused, or never sent) or `unknown` (sent, and the answer
 * was lost: the change may have been made). Whoever sees `unknown` must look before acting again.
 */
export type RequestOutcome = 'notApplied' | 'unknown';

interface CodeFacts {
  /** The number in a reply header; ours, which no server sends, are above zero. */
  readonly number: number;
  /** Whether the same request may succeed later, unchanged, on this client. */
  readonly retryable: boolean;
  readonly outcome: RequestOutcome;
}

const refused = (number: number): CodeFacts => ({ number, retryable: false, outcome: 'notApplied' });

/** Every code, once: the protocol's (KeeperException.Code) and four of our own. */
const codes = {
  SystemError: refused(-1),
  RuntimeInconsistency: refused(-2),
  DataInconsistency: refused(-3),
  ConnectionLoss: { number: -4, retryable: true, outcome: 'unknown' },
  MarshallingError: refused(-5),
  Unimplemented: refused(-6),
  OperationTimeout: { number: -7, retryable: true, outcome: 'unknown' },
  BadArguments: refused(-8),
  InvalidState: refused(-9),
  NewConfigNoQuorum: refused(-13),
  ReconfigInProgress: refused(-14),
  UnknownSession: refused(-12),
  APIError: refused(-100),
  NoNode: refused(-101),
  NoAuth: refused(-102),
  BadVersion: refused(-103),
  NoChildrenForEphemerals: refused(-108),
  NodeExists: refused(-110),
  NotEmpty: refused(-111),
  SessionExpired: refused(-112),
  InvalidCallback: refused(-113),
  InvalidACL: refused(-114),
  AuthFailed: refused(-115),
  SessionMoved: { number: -118, retryable: true, outcome: 'notApplied' },
  NotReadOnly: { number: -119, retryable: true, outcome: 'notApplied' },
  EphemeralOnLocalSession: refused(-120),
  NoWatcher: refused(-121),
  RequestTimeout: { number: -122, retryable: true, outcome: 'unknown' },
  ReconfigDisabled: refused(-123),
  SessionClosedRequireAuth: refused(-124),
  QuotaExceeded: refused(-125),
  Throttled: { number: -127, retryable: true, outcome: 'notApplied' },
  /** Ours: there was no connection to send the request on. */
  NotSent: { number: 7, retryable: true, outcome: 'notApplied' },
  /** Ours: the client was closed, or its session is over, before the request was sent. */
  Closed: refused(1),
  /** Ours: the session ended while the answer was outstanding. */
  SessionEnded: { number: 2, retryable: false, outcome: 'unknown' },
  /** Ours: the peer does not speak the protocol. */
  ProtocolViolation: { number: 3, retryable: true, outcome: 'unknown' },
  /** Ours: the answer is larger than `maxReplyBytes`; it was read past, and the connection kept. */
  ReplyTooLarge: { number: 4, retryable: false, outcome: 'unknown' },
  /** Ours: this client cannot do what was asked (see its `capabilities`). */
  NotSupported: refused(5),
  /** Ours: the server answered with a number this list does not have. */
  Unknown: { number: 6, retryable: false, outcome: 'unknown' },
} as const satisfies Record<string, CodeFacts>;

/** The name of a code: KeeperException's names, and `Closed`, `SessionEnded`, `ProtocolViolation`, … of our own. */
export type ZooKeeperErrorCode = keyof typeof codes;

const byNumber = new Map<number, ZooKeeperErrorCode>(
  (Object.keys(codes) as ZooKeeperErrorCode[]).map((code) => [codes[code].number, code]),
);

/** The name of a reply header's number; `Unknown` for one that is not listed. */
export function codeOfNumber(number: number): ZooKeeperErrorCode {
  return byNumber.get(number) ?? 'Unknown';
}

/** The number that stands for `code` in a reply header. */
export function numberOfCode(code: ZooKeeperErrorCode): number {
  return codes[code].number;
}

const brand = Symbol.for('holdfast.ZooKeeperError');

/**
 * A request that ZooKeeper refused, or whose answer was lost. Match on `code`, not on the class: two copies of
 * this package may be loaded.
 */
export class ZooKeeperError extends Error {
  override readonly name = 'ZooKeeperError';
  readonly code: ZooKeeperErrorCode;
  /** The protocol's number (negative), or one of ours (positive). */
  readonly number: number;
  /** Whether the same request may succeed later on the same client. */
  readonly retryable: boolean;
  /** `unknown`: the change may have been made; look before acting again. */
  readonly outcome: RequestOutcome;
  readonly operation: string;
  readonly path: string | undefined;
  /** For a transaction: the index of the operation that failed first. */
  readonly failedIndex: number | undefined;
  readonly [brand] = true;

  constructor(
    code: ZooKeeperErrorCode,
    operation: string,
    path?: string,
    options: {
      readonly detail?: string;
      readonly cause?: unknown;
      readonly outcome?: RequestOutcome;
      readonly failedIndex?: number;
    } = {},
  ) {
    const place = path === undefined ? '' : ` ${path}`;
    const detail = options.detail === undefined ? '' : `: ${options.detail}`;
    super(
      `${operation}${place}: ${code}${detail}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.operation = operation;
    this.path = path;
    this.failedIndex = options.failedIndex;
    const facts: CodeFacts = codes[code];
    this.number = facts.number;
    this.retryable = facts.retryable;
    this.outcome = options.outcome ?? facts.outcome;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** Whether `value` is a {@link ZooKeeperError} with one of `wanted`. */
export function isZooKeeperError(value: unknown, ...wanted: ZooKeeperErrorCode[]): value is ZooKeeperError {
  return value instanceof ZooKeeperError && (wanted.length === 0 || wanted.includes(value.code));
}
