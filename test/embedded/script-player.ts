/**
 * Plays a script frame by frame and tells what was answered as plain data, in which only what no two servers have in
 * common (times, session ids, where zxids begin) is replaced.
 */

import {
  CountResponse,
  EphemeralsResponse,
  rareOpcode,
  WhoAmIResponse,
} from '../../src/embedded/server-records.js';
import type { Stat } from '../../src/zookeeper/client.js';
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
import { type Granted, RawPeer } from './raw-peer.js';
import { type AclName, acls, type Part, PEERS, type Step } from './script.js';

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
      events.push(
        seat.peer.events
          .splice(0)
          .map(({ type, state, path: at }) => `${type} ${state} ${this.#relative(at)}`),
      );
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
        const xid =
          step.op === 'auth'
            ? reservedXid.auth
            : step.op === 'setWatches'
              ? reservedXid.setWatches
              : undefined;
        const answer = await seat.peer.ask(
          typeOf(step),
          (writer) => {
            this.#write(writer, step, seat);
          },
          xid,
        );
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

  #writeCreate(
    writer: JuteWriter,
    {
      path: at,
      data: text,
      acl,
      flags: bits,
    }: { path: string; data: string | null; acl: AclName; flags: number },
  ): void {
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
          MultiHeader.write(writer, {
            type: children ? opcode.getChildren : opcode.getData,
            done: false,
            error: -1,
          });
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
    return {
      ...rest,
      czxid: since(czxid),
      mzxid: since(mzxid),
      pzxid: since(pzxid),
      owner,
      laterChanged: mtimeMs >= ctimeMs,
    };
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
        return EphemeralsResponse.read(reader)
          .ephemerals.map((each) => this.#relative(each))
          .sort();
      case 'whoAmI':
        return [...WhoAmIResponse.read(reader).clients].sort((a, b) =>
          a.scheme + a.user < b.scheme + b.user ? -1 : 1,
        );
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
      if (type === opcode.error) results.push({ type, header: error, ...ErrorResponse.read(reader) });
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
