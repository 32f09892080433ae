/**
 * WHO: names, order and verdict. Total functions over the children's names; no I/O. The recipe is ZooKeeper's
 * "Locks" (steps 2–5); the names are Curator's, go-zk's and the Go package's, with kazoo's and Curator's read/write
 * ones understood.
 */
import type { Verdict } from '../machines/lock-machine.js';

/** What a contender asks for. */
export type ContenderKind = 'exclusive' | 'read' | 'write';

/** A child that stands in line. */
export interface Contender {
  readonly name: string;
  /** The server's number: the name's suffix, signed 32-bit. Not unique at the counter's end. */
  readonly sequence: number;
  readonly kind: ContenderKind;
  /** `kazoo`: its own client and ours queue behind it, Curator's and go-zk's do not. */
  readonly dialect: 'curator' | 'kazoo';
}

/** A path's children, sorted out. */
export interface Line {
  /** In the order they will hold. */
  readonly contenders: readonly Contender[];
  /** Names that do not stand in line: never fatal, never waited for (T46). */
  readonly foreign: readonly string[];
  /** The counter is at its end: the suffix no longer orders, and `contenders` wants {@link orderByCreation}. */
  readonly pastCounterEnd: boolean;
  /** Clients that do not see each other stand in this line, as far as names tell (kazoo's own next to others): exclusion is not given. */
  readonly unsafeMix: boolean;
}

/**
 * How a kind of line is read: what our names are, who stands in it, where a claim stands. A recipe that waits is one of
 * these; everything else about waiting is the lock machine's.
 */
export interface QueueRule {
  /** Between the GUID and the number in the names we make. */
  readonly label: string;
  readonly lineOf: (names: readonly string[]) => Line;
  readonly verdictOf: (line: Line, claimName: string) => Verdict;
  /** What was granted holds for as long as it is there, wherever it stands: after a reconnect its presence is enough. */
  readonly holdsByPresence: boolean;
}

/** Curator's labels for those who share with their like, and those who do not. */
const READER = '__READ__';
const WRITER = '__WRIT__';
const COUNTER_END = 2_147_483_647;

/**
 * The number is ten digits, or a minus and nine or ten (a server formats a signed 32-bit counter with `%010d`, T45).
 * It is read only directly behind a known name, else the dash of `lock-` would read as a sign.
 */
interface Form {
  readonly pattern: RegExp;
  readonly kind: ContenderKind;
  readonly dialect: Contender['dialect'];
}
const forms: readonly Form[] = [
  { pattern: /(?:^|-)lock-(-\d{9,10}|\d{10})$/, kind: 'exclusive', dialect: 'curator' },
  { pattern: /__WRIT__(-\d{9,10}|\d{10})$/, kind: 'write', dialect: 'curator' },
  { pattern: /__READ__(-\d{9,10}|\d{10})$/, kind: 'read', dialect: 'curator' },
  { pattern: /^[0-9a-f]{32}__lock__(-\d{9,10}|\d{10})$/, kind: 'exclusive', dialect: 'kazoo' },
  { pattern: /^[0-9a-f]{32}__rlock__(-\d{9,10}|\d{10})$/, kind: 'read', dialect: 'kazoo' },
];

/** The name that is asked for; the server adds the number. Curator's, with its "protection": the GUID finds it again. */
export function claimPrefix(guid: string, label = 'lock-'): string {
  return `_c_${guid}-${label}`;
}

/**
 * A name that takes a reader's or a writer's place: its number, as the server wrote it. So does a reader in a writer's place (Curator
 * since CURATOR-621, T48).
 */
export function nameInPlaceOf(name: string, guid: string, label = READER): string {
  return claimPrefix(guid, label) + name.slice(name.lastIndexOf('__') + 2);
}

/** Whether `name` was made for the claim with this GUID. */
export function bearsGuid(name: string, guid: string): boolean {
  return name.startsWith(`_c_${guid}-`);
}

const PLAIN_LABEL = 'lock-';
const CANDIDATE_LABEL = 'latch-';
/** A semaphore's, Curator's and ours. */
export const PERMIT_LABEL = 'lease-';
/** A double barrier's, ours alone: Curator's members are a bare GUID, as anything may be. */
export const MEMBER_LABEL = 'member-';
const DIGITS = 10;
const ZERO = 0x30;
const DASH = 0x2d;

/**
 * The number of a name that ends in a dash, or nothing, and `lock-` and ten digits; −1 for any other name. Nearly every name is
 * such a one, and a line is read letter by letter in a fraction of what the patterns take.
 */
function plainSequence(name: string): number {
  const at = name.length - DIGITS;
  const labelAt = at - PLAIN_LABEL.length;
  if (labelAt < 0 || (labelAt > 0 && name.charCodeAt(labelAt - 1) !== DASH)) return -1;
  for (let index = 0; index < PLAIN_LABEL.length; index += 1)
    if (name.charCodeAt(labelAt + index) !== PLAIN_LABEL.charCodeAt(index)) return -1;
  let sequence = 0;
  for (let index = at; index < name.length; index += 1) {
    const digit = name.charCodeAt(index) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    sequence = sequence * 10 + digit;
  }
  return sequence <= COUNTER_END ? sequence : -1;
}

/** Reads a child's name; null when it does not stand in line. */
export function contenderOf(name: string): Contender | null {
  const plain = plainSequence(name);
  if (plain !== -1) return { name, sequence: plain, kind: 'exclusive', dialect: 'curator' };
  for (const form of forms) {
    const contender = contenderIn(form, name);
    if (contender !== null) return contender;
  }
  return null;
}

function contenderIn({ pattern, kind, dialect }: Form, name: string): Contender | null {
  const digits = pattern.exec(name)?.[1];
  if (digits === undefined) return null;
  const sequence = Number(digits);
  if (sequence > COUNTER_END || sequence < -COUNTER_END - 1) return null;
  return { name, sequence, kind, dialect };
}

/**
 * The mark of a lock's holder (docs/decisions/020), which does not stand in line. For us and for kazoo it has a digit too many; Curator, go-zk
 * and the Go package read a number that is behind everybody's. Without one go-zk would fail to lock.
 */
export const MARK_NAME = 'unreleased-lock-99999999999';

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
/** At one number: a reader that took a writer's place comes behind it, until the writer has left. */
const amongEquals = (a: Contender, b: Contender) =>
  Number(a.kind === 'read') - Number(b.kind === 'read') || byText(a.name, b.name);

/**
 * Sorts a listing out. The order is by number; the counter's end makes equal ones, and so does a downgrade. `read` knows the
 * names of another kind of line.
 */
export function lineOf(names: readonly string[], read = contenderOf): Line {
  const contenders: Contender[] = [];
  const foreign: string[] = [];
  for (const name of names) {
    if (name === MARK_NAME) continue;
    const contender = read(name);
    if (contender === null) foreign.push(name);
    else contenders.push(contender);
  }
  if (contenders.length > 1) contenders.sort((a, b) => a.sequence - b.sequence || amongEquals(a, b));
  let pastCounterEnd = false;
  let unsafeMix = false;
  for (const { sequence, dialect } of contenders) {
    if (sequence === COUNTER_END || sequence < 0) pastCounterEnd = true;
    if (dialect !== contenders[0]?.dialect) unsafeMix = true;
  }
  return { contenders, foreign, pastCounterEnd, unsafeMix };
}

/** Its number no longer orders it (T45). */
export function isPastCounterEnd({ sequence }: Pick<Contender, 'sequence'>): boolean {
  return sequence === COUNTER_END || sequence < 0;
}

/**
 * The same line in the order of creation. From the counter's end on a server hands out 2147483647 again and again, and
 * negative numbers in between, so nothing but the creation transaction orders (T45); `places` has it, and for a reader
 * that took a writer's place the writer's. A contender that it does not know has left since the listing.
 */
export function orderByCreation(line: Line, places: ReadonlyMap<string, bigint>): Line {
  const contenders = line.contenders.filter(({ name }) => places.has(name));
  const place = (name: string) => places.get(name) ?? 0n;
  contenders.sort((a, b) => {
    const difference = place(a.name) - place(b.name);
    return difference < 0n ? -1 : difference > 0n ? 1 : amongEquals(a, b);
  });
  return { ...line, contenders };
}

/** Who stands in the way of the contender at `index`: for a reader the nearest writer ahead, for anybody else the nearest one. */
function inTheWay({ contenders }: Line, index: number): number {
  if (contenders[index]?.kind !== 'read') return index - 1;
  return contenders.findLastIndex(({ kind }, other) => other < index && kind !== 'read');
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A copy that keeps nothing else in memory. A name may be cut from all the text of a listing, and ten thousand may wait for one each. */
const copied = (name: string) => decoder.decode(encoder.encode(name));

/** From here on it pays to read a line without sorting it. */
const LONG = 64;

/**
 * What {@link verdictOf} says of a long line of plain names, without sorting it or making anything of each name: where ten thousand
 * wait, that is most of what a listing costs. Null for every other line.
 */
export function verdictOfPlain(names: readonly string[], claimName: string): Verdict | null {
  const own = plainSequence(claimName);
  let queueLength = names.length;
  if (queueLength < LONG || own === -1) return null;
  let position = 0;
  let nearest = -1;
  let predecessor = '';
  let present = false;
  for (const name of names) {
    const sequence = plainSequence(name);
    if (sequence === -1 && name === MARK_NAME) {
      queueLength -= 1;
      continue;
    }
    // Equal numbers, a downgrade's or the counter's end, are not for here.
    if (sequence === -1 || sequence === COUNTER_END || sequence === nearest) return null;
    if (sequence < own) {
      position += 1;
      if (sequence > nearest) {
        nearest = sequence;
        predecessor = name;
      }
    } else if (sequence === own) {
      if (name !== claimName) return null;
      present = true;
    }
  }
  if (!present) return { kind: 'missing' };
  if (position === 0) return { kind: 'holds', queueLength };
  const second = position === 1;
  return {
    kind: 'waits',
    predecessor: copied(predecessor),
    position,
    queueLength,
    behindHolder: second,
    inherits: second,
  };
}

/** Where each stands in a long line that more than one asks about; null from the first question on. */
const places = new WeakMap<Line, ReadonlyMap<string, number> | null>();

function positionIn(line: Line, claimName: string): number {
  const { contenders } = line;
  if (contenders.length >= LONG) {
    let known = places.get(line);
    if (known === null) known = new Map(contenders.map(({ name }, index) => [name, index]));
    places.set(line, known ?? null);
    if (known !== undefined) return known.get(claimName) ?? -1;
  }
  return contenders.findIndex(({ name }) => name === claimName);
}

/**
 * Where `claimName` stands: it holds when nobody is in its way, else it watches the nearest one who is. Only those ahead
 * ever block (T24), and "first" needs our own exact name to be there (T05). A plain lock counts as a writer.
 */
export function verdictOf(line: Line, claimName: string): Verdict {
  const { contenders } = line;
  const position = positionIn(line, claimName);
  if (position === -1) return { kind: 'missing' };
  const queueLength = contenders.length;
  const ahead = inTheWay(line, position);
  const predecessor = contenders[ahead];
  if (predecessor === undefined) return { kind: 'holds', queueLength };
  return {
    kind: 'waits',
    predecessor: copied(predecessor.name),
    position,
    queueLength,
    behindHolder: inTheWay(line, ahead) === -1,
    inherits: position === 1 && contenders.every(({ kind }) => kind === 'exclusive'),
  };
}

/**
 * The contenders that others in the line do not see, so that two may hold at once: kazoo's own names next to any others (seen with
 * kazoo 2.8 and Curator 5.4), and plain locks next to readers and writers, of which Curator's two classes ignore each other. `isOurs`
 * says whose claims are Holdfast's: these see everybody, so a line of them alone is safe.
 */
export function unseenIn({ contenders }: Line, isOurs: (name: string) => boolean): readonly Contender[] {
  const kazoo = contenders.filter(({ dialect }) => dialect === 'kazoo');
  const others = contenders.filter(({ dialect }) => dialect !== 'kazoo');
  const plain = others.filter(({ kind }) => kind === 'exclusive');
  const sharing = plain.length < others.length;
  return [
    ...(others.length > 0 ? kazoo : []),
    ...(sharing && !others.every(({ name }) => isOurs(name)) ? plain : []),
  ];
}

/** Whom a thief robs, and who must still be there for them to be all. */
export interface Robbery {
  /** All who hold, in order. */
  readonly holders: readonly [Contender, ...Contender[]];
  /** The one who keeps others from holding beside readers: were it to leave, there would be more of them. */
  readonly guard: Contender | undefined;
}

/** Who holds, for a thief who stands in line and waits; null when nobody does. Read/write names only. */
export function robberyIn({ contenders }: Line, thief: string): Robbery | null {
  const [first] = contenders;
  if (first === undefined || first.name === thief) return null;
  if (first.kind !== 'read') return { holders: [first], guard: undefined };
  const waiting = contenders.findIndex(({ kind }) => kind !== 'read');
  const others = contenders.slice(1, waiting === -1 ? undefined : waiting);
  return { holders: [first, ...others], guard: contenders[waiting] };
}

/** For recipes where all children count, whatever their names. In no order. */
export function everyChild(names: readonly string[]): Line {
  const contenders = names.map(
    (name): Contender => ({ name, sequence: 0, kind: 'exclusive', dialect: 'curator' }),
  );
  return { contenders, foreign: [], pastCounterEnd: false, unsafeMix: false };
}

/** A lock: whoever stands ahead is waited for, the nearest one is watched. */
export const lockRule: QueueRule = { label: 'lock-', lineOf, verdictOf, holdsByPresence: false };

/** Readers hold together; a plain lock in their line counts as a writer. */
export const readRule: QueueRule = { ...lockRule, label: READER };

/** A writer holds alone. */
export const writeRule: QueueRule = { ...lockRule, label: WRITER };

const latch: Form = {
  pattern: new RegExp(`(?:^|-)${CANDIDATE_LABEL}(-\\d{9,10}|\\d{10})$`),
  kind: 'exclusive',
  dialect: 'curator',
};
/** Those among whom there is no order: a permit, a member. */
const unordered: Form = {
  pattern: new RegExp(`^_c_[0-9a-f-]{36}-(?:${PERMIT_LABEL}|${MEMBER_LABEL})(-\\d{9,10}|\\d{10})$`),
  kind: 'exclusive',
  dialect: 'curator',
};

/** Whether some client, or one of our recipes, gives its claims such a name. */
export function isClaimName(name: string): boolean {
  return (
    contenderOf(name) !== null || contenderIn(latch, name) !== null || contenderIn(unordered, name) !== null
  );
}

/** Candidates as Curator's LeaderLatch names them: a lock's line under other names. */
export const latchRule: QueueRule = {
  ...lockRule,
  label: CANDIDATE_LABEL,
  lineOf: (names) => lineOf(names, (name) => contenderIn(latch, name)),
};
