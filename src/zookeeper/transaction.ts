/** A transaction (`multi`) on the wire: headers between the parts, and an answer that names the part that failed. */
import type { TransactionOperation, TransactionResult } from './client.js';
import { OPEN_ACL } from './client.js';
import { codeOfNumber, ZooKeeperError } from './errors.js';
import type { JuteReader, JuteWriter } from './jute.js';
import { createKind, visiblePath, writeCreate } from './operations.js';
import { ANY_VERSION, MultiHeader, multiEnd, opcode, StatRecord } from './records.js';
import { withChroot } from './znode-path.js';

const createType = {
  create: opcode.create2,
  container: opcode.createContainer,
  ttl: opcode.createTtl,
} as const;

const NO_DATA = new Uint8Array(0);

function typeOf(operation: TransactionOperation): number {
  if (operation.type === 'create') return createType[createKind(operation.mode ?? 'persistent')];
  return opcode[operation.type];
}

export function writeTransaction(
  writer: JuteWriter,
  operations: readonly TransactionOperation[],
  chroot: string,
): void {
  for (const operation of operations) {
    MultiHeader.write(writer, { type: typeOf(operation), done: false, error: -1 });
    const path = withChroot(chroot, operation.path);
    if (operation.type === 'create') {
      const { data = NO_DATA, mode = 'persistent', acl = OPEN_ACL, ttlMs } = operation;
      writeCreate(writer, path, data, mode, acl, ttlMs);
      continue;
    }
    writer.string(path);
    if (operation.type === 'setData') writer.bytes(operation.data);
    writer.int32(operation.version ?? ANY_VERSION);
  }
  MultiHeader.write(writer, multiEnd);
}

/** @throws ZooKeeperError with the code and `failedIndex` of the first part that failed; then nothing was applied. */
export function readTransaction(
  reader: JuteReader,
  operations: readonly TransactionOperation[],
  chroot: string,
): TransactionResult[] {
  const results: TransactionResult[] = [];
  for (const [index, operation] of operations.entries()) {
    const header = MultiHeader.read(reader);
    if (header.type === opcode.error) {
      const error = reader.int32();
      // The parts before the one that failed were taken back and say 0.
      if (error !== 0)
        throw new ZooKeeperError(codeOfNumber(error), 'multi', operation.path, { failedIndex: index });
    } else {
      results.push(readResult(reader, header.type, header.done, chroot));
    }
  }
  if (!MultiHeader.read(reader).done || results.length !== operations.length)
    throw violation('wrong number of results');
  return results;
}

function readResult(reader: JuteReader, type: number, done: boolean, chroot: string): TransactionResult {
  if (done) throw violation('fewer results than operations');
  switch (type) {
    case opcode.create:
      return { type: 'create', path: visiblePath(chroot, reader.string() ?? ''), stat: null };
    case opcode.create2:
    case opcode.createContainer:
    case opcode.createTtl: {
      const path = visiblePath(chroot, reader.string() ?? '');
      const stat = StatRecord.read(reader);
      // Servers before 3.7.2, 3.8.2 and 3.9.0 answer with a stat that was never filled in (ZOOKEEPER-4026).
      return { type: 'create', path, stat: stat.czxid > 0n ? stat : null };
    }
    case opcode.delete:
      return { type: 'delete' };
    case opcode.setData:
      return { type: 'setData', stat: StatRecord.read(reader) };
    case opcode.check:
      return { type: 'check' };
    default:
      throw violation(`a result of type ${type}`);
  }
}

function violation(detail: string): ZooKeeperError {
  return new ZooKeeperError('ProtocolViolation', 'multi', undefined, { detail });
}
