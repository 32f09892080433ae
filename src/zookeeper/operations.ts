/** How every request is written and its answer read. No I/O, no state. */
import type { Acl, Created, CreateMode } from './client.js';
import { ZooKeeperError } from './errors.js';
import { bytes, type JuteReader, JuteWriter, string } from './jute.js';
import {
  AclResponse,
  createFlag,
  opcode,
  reservedXid,
  SetWatches,
  SetWatches2,
  StatRecord,
} from './records.js';
import type { Operation } from './request.js';
import type { WatchBatch } from './watch-table.js';
import { withoutChroot } from './znode-path.js';

const nothing = (): undefined => undefined;
const stat = (reader: JuteReader): unknown => StatRecord.read(reader);

/** Everything but `create`, whose answer is read with the chroot in mind, and `multi`. */
export const operations = {
  delete: { name: 'delete', type: opcode.delete, decode: nothing },
  exists: {
    name: 'exists',
    type: opcode.exists,
    decode: stat,
    absent: null,
    watch: 'data',
    absentWatch: 'exists',
  },
  getData: {
    name: 'getData',
    type: opcode.getData,
    decode: (reader) => ({ data: bytes.read(reader), stat: StatRecord.read(reader) }),
    watch: 'data',
  },
  setData: { name: 'setData', type: opcode.setData, decode: stat },
  getChildren: {
    name: 'getChildren',
    type: opcode.getChildren2,
    decode: (reader) => ({ children: reader.strings(), stat: StatRecord.read(reader) }),
    watch: 'child',
  },
  getAcl: { name: 'getAcl', type: opcode.getAcl, decode: (reader) => AclResponse.read(reader) },
  setAcl: { name: 'setAcl', type: opcode.setAcl, decode: stat },
  sync: { name: 'sync', type: opcode.sync, decode: nothing },
  addPersistentWatch: { name: 'addWatch', type: opcode.addWatch, decode: nothing, watch: 'persistent' },
  addRecursiveWatch: {
    name: 'addWatch',
    type: opcode.addWatch,
    decode: nothing,
    watch: 'persistentRecursive',
  },
  removeWatches: { name: 'removeWatch', type: opcode.removeWatches, decode: nothing },
  setWatches: { name: 'setWatches', type: opcode.setWatches, decode: nothing },
  close: { name: 'close', type: opcode.closeSession, decode: nothing },
} as const satisfies Record<string, Operation>;

/** The creates of one client: all answer with a stat. */
export function createOperations(
  chroot: string,
): Readonly<Record<'create' | 'container' | 'ttl', Operation>> {
  const decode = (reader: JuteReader): Created => {
    const path = visiblePath(chroot, string.read(reader));
    return { path, stat: StatRecord.read(reader) };
  };
  return {
    create: { name: 'create', type: opcode.create2, decode },
    container: { name: 'create', type: opcode.createContainer, decode },
    ttl: { name: 'create', type: opcode.createTtl, decode },
  };
}

/** The path as the user knows it; an answer from outside the chroot is no answer to a request inside it. */
export function visiblePath(chroot: string, path: string): string {
  const visible = withoutChroot(chroot, path);
  if (visible === undefined) {
    throw new ZooKeeperError('ProtocolViolation', 'decode', path, {
      detail: `not under the chroot ${chroot}`,
    });
  }
  return visible;
}

/** Which of the three creates makes a node of this mode. */
export function createKind(mode: CreateMode): 'create' | 'container' | 'ttl' {
  if (mode === 'container') return 'container';
  return mode === 'persistentWithTtl' || mode === 'persistentSequentialWithTtl' ? 'ttl' : 'create';
}

/** The body of a create, of whichever kind, alone or in a transaction. */
export function writeCreate(
  writer: JuteWriter,
  path: string,
  data: Uint8Array,
  mode: CreateMode,
  acl: readonly Acl[],
  ttlMs: number | undefined,
): void {
  writer.string(path);
  writer.bytes(data);
  writeAcl(writer, acl);
  writer.int32(createFlag[mode]);
  if (createKind(mode) === 'ttl') writer.int64(BigInt(ttlMs ?? 0));
}

export function writeAcl(writer: JuteWriter, acl: readonly Acl[]): void {
  writer.int32(acl.length);
  for (const { permissions, scheme, id } of acl) {
    writer.int32(permissions);
    writer.string(scheme);
    writer.string(id);
  }
}

export function setWatchesFrame(batch: WatchBatch, relativeZxid: bigint): Uint8Array {
  const writer = new JuteWriter(4096);
  writer.int32(reservedXid.setWatches);
  writer.int32(batch.type);
  const record = batch.type === opcode.setWatches2 ? SetWatches2 : SetWatches;
  record.write(writer, { ...batch, relativeZxid });
  return writer.toFrame();
}
