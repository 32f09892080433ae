/**
 * Request scripts for comparing servers: random but meaningful, played frame by frame by several sessions, and told
 * as plain data in which only what no two servers have in common (times, session ids, where zxids begin) is replaced.
 */
import fc from 'fast-check';
import { JuteReader, type JuteWriter } from '../../src/zookeeper/jute.js';
import {
  AclResponse,
  ChildrenResponse,
  ChildrenStatResponse,
  CreateStatResponse,
  DataResponse,
  ErrorResponse,
  MultiHeader,
  multiEnd,
  opcode,
  PathResponse,
  reservedXid,
  StatResponse,
} from '../../src/zookeeper/records.js';
import { CountResponse, EphemeralsResponse, rareOpcode, WhoAmIResponse } from '../../src/embedded/server-records.js';
import type { Stat } from '../../src/zookeeper/client.js';
import { type Granted, RawPeer } from './raw-peer.js';

type AclName = 'open' | 'readOnly' | 'creator' | 'mine' | 'theirs' | 'none' | 'bad' | 'twice';

export type Part =
  | {
      readonly op: 'create' | 'create2' | 'createContainer' | 'createTtl';
      readonly path: string;
      readonly flags: number;
      readonly data: string | null;
      readonly acl: AclName;
      readonly ttlMs: number;
    }
  | { readonly op: 'delete' | 'check'; readonly path: string; readonly version: number }
  | { readonly op: 'setData'; readonly path: string; readonly data: string | null; readonly version: number };

export type Step = { readonly peer: number } & (
  | Exclude<Part, { op: 'delete' | 'check' }>
  | { readonly op: 'delete'; readonly path: string; readonly version: number }
  | { readonly op: 'exists' | 'getData' | 'getChildren' | 'getChildren2'; readonly path: string; readonly watch: boolean }
  | { readonly op: 'getAcl' | 'sync' | 'getAllChildrenNumber' | 'getEphemerals'; readonly path: string }
  | { readonly op: 'setAcl'; readonly path: string; readonly acl: AclName; readonly version: number }
  | { readonly op: 'multi'; readonly parts: readonly Part[] }
  | { readonly op: 'multiRead'; readonly paths: readonly { readonly path: string; readonly children: boolean }[] }
  | { readonly op: 'addWatch'; readonly path: string; readonly mode: number }
  | { readonly op: 'removeWatches'; readonly path: string; readonly type: number }
  | { readonly op: 'auth'; readonly scheme: string; readonly auth: string }
  | { readonly op: 'whoAmI' }
  | {
      readonly op: 'setWatches';
      readonly since: 'ever' | 'lastSeen' | 'never';
      readonly data: readonly string[];
      readonly exists: readonly string[];
      readonly child: readonly string[];
      readonly persistent: readonly string[];
      readonly recursive: readonly string[];
    }
  | { readonly op: 'resume' | 'newSession' }
);

/** Relative to the script's own root; one of them is no path at all. */
const paths = ['', '/a', '/a/b', '/a/b/c', '/d', '/d/e', '/a/', '/d//e', '/./x'];
const path = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...paths.slice(0, 6)) },
  { weight: 1, arbitrary: fc.constantFrom(...paths.slice(6)) },
);
const data = fc.constantFrom(null, '', 'x', 'some data');
const version = fc.oneof({ weight: 3, arbitrary: fc.constant(-1) }, { weight: 2, arbitrary: fc.integer({ min: 0, max: 2 }) });
const flags = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(0, 1, 2, 3) }, { weight: 1, arbitrary: fc.constantFrom(4, 5, 6, 7, -1) });
const openAcl = fc.constant<AclName>('open');
const anyAcl = fc.constantFrom<AclName>('open', 'readOnly', 'creator', 'mine', 'theirs', 'none', 'bad', 'twice');

function parts(acl: fc.Arbitrary<AclName>): fc.Arbitrary<Part> {
  const create = fc.record({ path, data, acl });
  return fc.oneof(
    { weight: 5, arbitrary: fc.record({ base: create, flags, op: fc.constantFrom('create' as const, 'create2' as const) }).map(({ base, ...rest }) => ({ ...base, ...rest, ttlMs: -1 })) },
    { weight: 1, arbitrary: create.map((base) => ({ ...base, op: 'createContainer' as const, flags: 4, ttlMs: -1 })) },
    {
      weight: 1,
      arbitrary: fc.record({ base: create, flags: fc.constantFrom(5, 6), ttlMs: fc.constantFrom(0, 100_000, -5, 2 ** 40 - 1, 2 ** 40) })
        .map(({ base, ...rest }) => ({ ...base, ...rest, op: 'createTtl' as const })),
    },
    { weight: 4, arbitrary: fc.record({ op: fc.constantFrom('delete' as const, 'delete' as const, 'check' as const), path, version }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('setData' as const), path, data, version }) },
  );
}

/**
 * What a script may contain. Servers before 3.9 keep one watch mode per path and session, and tell of nodes that
 * the watcher may not read; so a script has one kind of watch, and no watches where ACLs vary.
 */
export type Flavour = 'oneShot' | 'persistent' | 'recursive' | 'acl';

export function script(flavour: Flavour): fc.Arbitrary<Step[]> {
  const acl = flavour === 'acl' ? anyAcl : openAcl;
  const watch = flavour === 'oneShot' ? fc.boolean() : fc.constant(false);
  const one = flavour === 'oneShot' ? fc.uniqueArray(fc.constantFrom(...paths.slice(0, 6)), { maxLength: 3 }) : fc.constant([]);
  const set = (wanted: Flavour) => flavour === wanted ? fc.uniqueArray(fc.constantFrom(...paths.slice(0, 6)), { maxLength: 2 }) : fc.constant([]);
  const write = parts(acl).filter((each): each is Exclude<Part, { op: 'check' }> => each.op !== 'check');
  // A real server stumbles (MarshallingError) over a plain create with a TTL's flags, but only when it gets that far.
  const part = parts(acl).filter((each) => !('flags' in each && each.flags >= 5 && each.op !== 'createTtl'));
  const choices: fc.WeightedArbitrary<unknown>[] = [
    { weight: 12, arbitrary: write },
    { weight: 6, arbitrary: fc.record({ op: fc.constantFrom('exists', 'getData', 'getChildren', 'getChildren2'), path, watch }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constantFrom('getAcl', 'sync', 'getAllChildrenNumber', 'getEphemerals'), path }) },
    { weight: 3, arbitrary: fc.record({ op: fc.constant('multi'), parts: fc.array(part, { maxLength: 4 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({ op: fc.constant('multiRead'), paths: fc.array(fc.record({ path, children: fc.boolean() }), { maxLength: 3 }) }),
    },
    { weight: 1, arbitrary: fc.record({ op: fc.constantFrom('resume', 'newSession') }) },
    { weight: 1, arbitrary: fc.constant({ op: 'whoAmI' }) },
  ];
  if (flavour === 'acl') {
    choices.push(
      { weight: 3, arbitrary: fc.record({ op: fc.constant('setAcl'), path, acl, version }) },
      { weight: 3, arbitrary: fc.record({ op: fc.constant('getAcl'), path }) },
      {
        weight: 2,
        arbitrary: fc.record({ op: fc.constant('auth'), scheme: fc.constantFrom('digest', 'digest', 'digest', 'ip', 'nonsense'), auth: fc.constantFrom('ann:secret', 'bob:hidden', 'bob') }),
      },
    );
  } else {
    // Before 3.9, each type removes watches of every mode.
    const removable = flavour === 'oneShot' ? fc.constantFrom(1, 2, 3, 9) : fc.constantFrom(3, 9);
    choices.push(
      { weight: 1, arbitrary: fc.record({ op: fc.constant('removeWatches'), path, type: removable }) },
      {
        weight: 1,
        arbitrary: fc.record({ op: fc.constant('setWatches'), since: fc.constantFrom('ever', 'lastSeen', 'never'), data: one, exists: one, child: one, persistent: set('persistent'), recursive: set('recursive') }),
      },
    );
  }
  if (flavour === 'persistent' || flavour === 'recursive') {
    const mode = fc.constantFrom(flavour === 'persistent' ? 0 : 1, flavour === 'persistent' ? 0 : 1, 2);
    choices.push({ weight: 3, arbitrary: fc.record({ op: fc.constant('addWatch'), path, mode }) });
  }
  const step = fc.tuple(fc.integer({ min: 0, max: PEERS - 1 }), fc.oneof(...choices)).map(([peer, what]) => ({ ...(what as object), peer }) as Step);
  return fc.array(step, { minLength: 1, maxLength: 40, size: 'max' });
}

const PEERS = 3;

const world = { scheme: 'world', id: 'anyone' };
const acls: Readonly<Record<AclName, readonly { permissions: number; scheme: string; id: string }[]>> = {
  open: [{ permissions: 31, ...world }],
  readOnly: [{ permissions: 1, ...world }],
  creator: [{ permissions: 31, scheme: 'auth', id: '' }],
  mine: [
    { permissions: 31, scheme: 'ip', id: '127.0.0.0/8' },
    { permissions: 1, ...world },
  ],
  // ann:secret, digested.
  theirs: [
    { permissions: 31, scheme: 'digest', id: 'ann:7RJfAeIvrl4zdj6sS2fXrQHDvHM=' },
    { permissions: 5, scheme: 'ip', id: '10.0.0.1' },
  ],
  none: [],
  bad: [{ permissions: 31, scheme: 'digest', id: 'nocolon' }],
  twice: [
    { permissions: 15, ...world },
    { permissions: 15, ...world },
    { permissions: 16, scheme: 'auth', id: 'ignored' },
  ],
};

interface Told {
  readonly step: string;
  readonly reply: unknown;
  /** What each session was told meanwhile, in order. */
  readonly events: readonly (readonly string[])[];
}

/** Plays `steps` under a root of its own and tells what was answered. */
export async function play(port: number, root: string, steps: readonly Step[]): Promise<Told[]> {
  const player = new Player(port, root);
  await player.start();
  const told: Told[] = [];
  for (const step of steps) told.push(await player.play(step));
  await player.stop();
  return told;
}

interface Seat {
  peer: RawPeer;
  granted: Granted;
  name: string;
  lastZxid: bigint;
}

class Player {
  readonly #port: number;
  readonly #root: string;
  readonly #seats: Seat[] = [];
  readonly #names = new Map<string, string>([['0', 'none']]);
  #baseZxid = 0n;

  constructor(port: number, root: string) {
    this.#port = port;
    this.#root = root;
  }

  async start(): Promise<void> {
    for (let index = 0; index < PEERS; index += 1) this.#seats.push(await this.#sit());
    const first = this.#seats[0] as Seat;
    const made = await first.peer.ask(opcode.create, (writer) => {
      this.#writeCreate(writer, { path: '', flags: 0, data: null, acl: 'open' });
    });
    this.#baseZxid = made?.zxid ?? 0n;
    for (const seat of this.#seats) seat.lastZxid = this.#baseZxid;
  }

  async stop(): Promise<void> {
    for (const { peer } of this.#seats) {
      await peer.ask(opcode.closeSession);
      peer.destroy();
    }
  }

  async play(step: Step): Promise<Told> {
    const reply = await this.#reply(step, this.#seats[step.peer] as Seat);
    const events: string[][] = [];
    for (const [index, seat] of this.#seats.entries()) {
      if ((await seat.peer.ask(opcode.ping, undefined, reservedXid.ping)) === undefined) {
        // It was cut for what it asked: another session takes its place. Its own must not expire into a later script.
        await seat.peer.ended;
        await this.#resume(seat);
        await seat.peer.ask(opcode.closeSession);
        this.#seats[index] = await this.#sit();
      }
      events.push(seat.peer.events.splice(0).map(({ type, state, path: at }) => `${type} ${state} ${this.#relative(at)}`));
    }
    return { step: JSON.stringify(step), reply, events };
  }

  async #sit(): Promise<Seat> {
    const peer = new RawPeer(this.#port);
    const granted = await peer.handshake({ timeoutMs: 30_000 });
    if (granted === undefined) throw new Error('no session');
    const name = `session ${this.#names.size}`;
    this.#names.set(granted.sessionId, name);
    return { peer, granted, name, lastZxid: this.#baseZxid };
  }

  #resume(seat: Seat): Promise<Granted | undefined> {
    const { sessionId, password } = seat.granted;
    seat.peer = new RawPeer(this.#port);
    return seat.peer.handshake({ timeoutMs: 30_000, sessionId, password, lastZxidSeen: seat.lastZxid });
  }

  async #reply(step: Step, seat: Seat): Promise<unknown> {
    switch (step.op) {
      case 'newSession': {
        const gone = await seat.peer.ask(opcode.closeSession);
        await seat.peer.ended;
        this.#seats[step.peer] = await this.#sit();
        return gone?.error;
      }
      case 'resume': {
        const before = seat.peer;
        const granted = await this.#resume(seat);
        await before.ended;
        before.destroy();
        return { same: granted?.sessionId === seat.granted.sessionId, left: before.events.length };
      }
      default: {
        const xid = step.op === 'auth' ? reservedXid.auth : step.op === 'setWatches' ? reservedXid.setWatches : undefined;
        const answer = await seat.peer.ask(typeOf(step), (writer) => {
          this.#write(writer, step, seat);
        }, xid);
        if (answer === undefined) return 'cut';
        if (answer.zxid > 0n) seat.lastZxid = answer.zxid;
        const zxid = answer.zxid > 0n ? String(answer.zxid - this.#baseZxid) : String(answer.zxid);
        const body = answer.body.length === 0 ? 'empty' : this.#read(step, new JuteReader(answer.body));
        return { xid: answer.xid > 0 ? 'its own' : answer.xid, zxid, error: answer.error, body };
      }
    }
  }

  #relative(path: string): string {
    return path.startsWith(this.#root) ? `~${path.slice(this.#root.length)}` : path;
  }

  #writeCreate(writer: JuteWriter, { path: at, data: text, acl, flags: bits }: { path: string; data: string | null; acl: AclName; flags: number }): void {
    writer.string(this.#root + at);
    writer.bytes(text === null ? null : new TextEncoder().encode(text));
    writeAcl(writer, acl);
    writer.int32(bits);
  }

  #writePart(writer: JuteWriter, part: Part): void {
    switch (part.op) {
      case 'create':
      case 'create2':
      case 'createContainer':
        this.#writeCreate(writer, part);
        break;
      case 'createTtl':
        this.#writeCreate(writer, part);
        writer.int64(BigInt(part.ttlMs));
        break;
      case 'setData':
        writer.string(this.#root + part.path);
        writer.bytes(part.data === null ? null : new TextEncoder().encode(part.data));
        writer.int32(part.version);
        break;
      case 'delete':
      case 'check':
        writer.string(this.#root + part.path);
        writer.int32(part.version);
    }
  }

  #write(writer: JuteWriter, step: Exclude<Step, { op: 'resume' | 'newSession' }>, seat: Seat): void {
    const paths = (list: readonly string[]): void => {
      writer.int32(list.length);
      for (const each of list) writer.string(this.#root + each);
    };
    switch (step.op) {
      case 'exists':
      case 'getData':
      case 'getChildren':
      case 'getChildren2':
        writer.string(this.#root + step.path);
        writer.boolean(step.watch);
        break;
      case 'getAcl':
      case 'sync':
      case 'getAllChildrenNumber':
      case 'getEphemerals':
        writer.string(this.#root + step.path);
        break;
      case 'setAcl':
        writer.string(this.#root + step.path);
        writeAcl(writer, step.acl);
        writer.int32(step.version);
        break;
      case 'multi':
        for (const part of step.parts) {
          MultiHeader.write(writer, { type: typeOf(part), done: false, error: -1 });
          this.#writePart(writer, part);
        }
        MultiHeader.write(writer, multiEnd);
        break;
      case 'multiRead':
        for (const { path: at, children } of step.paths) {
          MultiHeader.write(writer, { type: children ? opcode.getChildren : opcode.getData, done: false, error: -1 });
          writer.string(this.#root + at);
          writer.boolean(false);
        }
        MultiHeader.write(writer, multiEnd);
        break;
      case 'addWatch':
        writer.string(this.#root + step.path);
        writer.int32(step.mode);
        break;
      case 'removeWatches':
        writer.string(this.#root + step.path);
        writer.int32(step.type);
        break;
      case 'auth':
        writer.int32(0);
        writer.string(step.scheme);
        writer.bytes(new TextEncoder().encode(step.auth));
        break;
      case 'whoAmI':
        break;
      case 'setWatches':
        writer.int64(step.since === 'ever' ? 0n : step.since === 'lastSeen' ? seat.lastZxid : 2n ** 62n);
        paths(step.data);
        paths(step.exists);
        paths(step.child);
        paths(step.persistent);
        paths(step.recursive);
        break;
      default:
        this.#writePart(writer, step);
    }
  }

  #stat(stat: Stat): object {
    const since = (zxid: bigint): string => (zxid === 0n ? '0' : String(zxid - this.#baseZxid));
    const { czxid, mzxid, pzxid, ctimeMs, mtimeMs, ephemeralOwner, ...rest } = stat;
    const owner = this.#names.get(ephemeralOwner) ?? ephemeralOwner;
    return { ...rest, czxid: since(czxid), mzxid: since(mzxid), pzxid: since(pzxid), owner, laterChanged: mtimeMs >= ctimeMs };
  }

  #read(step: Step, reader: JuteReader): unknown {
    const body = this.#readBody(step.op, step, reader);
    return reader.remaining === 0 ? body : { body, rest: reader.remaining };
  }

  #readBody(op: Step['op'], step: Step, reader: JuteReader): unknown {
    switch (op) {
      case 'create':
        return this.#relative(PathResponse.read(reader).path);
      case 'create2':
      case 'createContainer':
      case 'createTtl': {
        const { path: at, stat } = CreateStatResponse.read(reader);
        return { path: this.#relative(at), ...this.#stat(stat) };
      }
      case 'exists':
      case 'setData':
      case 'setAcl':
        return this.#stat(StatResponse.read(reader).stat);
      case 'getData': {
        const { data: content, stat } = DataResponse.read(reader);
        return { content: new TextDecoder().decode(content), ...this.#stat(stat) };
      }
      case 'getChildren':
        return [...ChildrenResponse.read(reader).children].sort();
      case 'getChildren2': {
        const { children, stat } = ChildrenStatResponse.read(reader);
        return { children: [...children].sort(), ...this.#stat(stat) };
      }
      case 'getAcl': {
        const { acl, stat } = AclResponse.read(reader);
        // Several identities of one connection come in no order.
        return { acl: acl.map((entry) => JSON.stringify(entry)).sort(), ...this.#stat(stat) };
      }
      case 'sync':
        return this.#relative(PathResponse.read(reader).path);
      case 'addWatch':
        return ErrorResponse.read(reader);
      case 'getAllChildrenNumber':
        return CountResponse.read(reader);
      case 'getEphemerals':
        return EphemeralsResponse.read(reader).ephemerals.map((each) => this.#relative(each)).sort();
      case 'whoAmI':
        return [...WhoAmIResponse.read(reader).clients].sort((a, b) => (a.scheme + a.user < b.scheme + b.user ? -1 : 1));
      case 'multi':
      case 'multiRead':
        return this.#readResults(step, reader);
      default:
        return `${reader.remaining} bytes`;
    }
  }

  #readResults(step: Step, reader: JuteReader): unknown[] {
    const results: unknown[] = [];
    for (;;) {
      const { type, done, error } = MultiHeader.read(reader);
      if (done) return results;
      const read = (op: Step['op']): unknown => this.#readBody(op, step, reader);
      if (type === opcode.error) results.push({ type, error, ...ErrorResponse.read(reader) });
      else if (type === opcode.create) results.push({ created: read('create') });
      else if (type === opcode.create2) {
        // Before 3.7.2 and 3.8.2 a create2 in a transaction was answered without its stat (ZOOKEEPER-4026).
        const { path: at, ...stat } = read('create2') as { path: string };
        const asked = step.op === 'multi' ? step.parts[results.length]?.op : undefined;
        results.push(asked === 'create2' ? { created: at } : { created: at, stat });
      } else if (type === opcode.setData) results.push({ type, error, stat: read('setData') });
      else if (type === opcode.getData) results.push({ type, error, data: read('getData') });
      else if (type === opcode.getChildren) results.push({ type, error, children: read('getChildren') });
      else results.push({ type, error });
    }
  }
}

function writeAcl(writer: JuteWriter, acl: AclName): void {
  writer.int32(acls[acl].length);
  for (const { permissions, scheme, id } of acls[acl]) {
    writer.int32(permissions);
    writer.string(scheme);
    writer.string(id);
  }
}

function typeOf(step: { readonly op: Step['op'] | Part['op'] }): number {
  switch (step.op) {
    case 'setWatches':
      return opcode.setWatches2;
    case 'resume':
    case 'newSession':
      return opcode.closeSession;
    case 'multiRead':
    case 'getEphemerals':
    case 'getAllChildrenNumber':
    case 'whoAmI':
      return rareOpcode[step.op];
    default:
      return opcode[step.op];
  }
}
