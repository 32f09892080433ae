/** A transaction (`multi`) at the server: all of it under one zxid, or nothing and the reason. */
import type { ZooKeeperErrorCode } from '../zookeeper/errors.js';
import { numberOfCode } from '../zookeeper/errors.js';
import type { JuteReader, JuteWriter } from '../zookeeper/jute.js';
import {
  CreateStatResponse,
  createFlag,
  ErrorResponse,
  MultiHeader,
  multiEnd,
  opcode,
  PathResponse,
  StatResponse,
} from '../zookeeper/records.js';
import {
  perform,
  type Requester,
  readWriteRequest,
  type WriteRequest,
  type Written,
} from './write-requests.js';
import type { ZnodeTree } from './znode-tree.js';

/** What cannot be read as a part, nested transactions among them (MultiOperationRecord.deserialize). */
function isPart(part: WriteRequest | undefined): part is WriteRequest {
  return part !== undefined && part.type !== opcode.setAcl;
}

/** Reads the parts; `undefined` when one is of a kind that a transaction cannot have. */
export function readMulti(reader: JuteReader): WriteRequest[] | undefined {
  const parts: WriteRequest[] = [];
  for (;;) {
    const { type, done } = MultiHeader.read(reader);
    if (done) return parts;
    const part = readWriteRequest(type, reader);
    if (!isPart(part)) return undefined;
    // Here, unlike alone, the flags decide whether it is a container (Op.create).
    const isContainer =
      part.type === opcode.create || part.type === opcode.create2
        ? part.flags === createFlag.container
        : false;
    parts.push(isContainer ? ({ ...part, type: opcode.createContainer } as WriteRequest) : part);
  }
}

/** Applies the parts in order within the tree's open transaction. After a failure the caller rolls back. */
export function performMulti(
  parts: readonly WriteRequest[],
  requester: Requester,
  tree: ZnodeTree,
  ttlAllowed: boolean,
): { readonly results: readonly Written[] } | { readonly failed: ZooKeeperErrorCode; readonly at: number } {
  const results: Written[] = [];
  for (const [at, part] of parts.entries()) {
    const result = perform(part, requester, tree, ttlAllowed);
    if (typeof result === 'string') return { failed: result, at };
    results.push(result);
  }
  return { results };
}

export function writeResults(writer: JuteWriter, results: readonly Written[]): void {
  for (const { type, path, stat } of results) {
    // Every create that answers with a stat answers as create2 (OpResult.CreateResult).
    const answered = type === opcode.createContainer || type === opcode.createTtl ? opcode.create2 : type;
    MultiHeader.write(writer, { type: answered, done: false, error: 0 });
    if (answered === opcode.create) PathResponse.write(writer, { path });
    else if (stat !== null && answered === opcode.create2) CreateStatResponse.write(writer, { path, stat });
    else if (stat !== null) StatResponse.write(writer, { stat });
  }
  MultiHeader.write(writer, multiEnd);
}

/** Every part answers with an error: 0 before the one that failed, RuntimeInconsistency after it. */
export function writeFailure(
  writer: JuteWriter,
  count: number,
  failed: ZooKeeperErrorCode,
  at: number,
): void {
  for (let index = 0; index < count; index += 1) {
    const error = index < at ? 0 : numberOfCode(index === at ? failed : 'RuntimeInconsistency');
    MultiHeader.write(writer, { type: opcode.error, done: false, error });
    ErrorResponse.write(writer, { error });
  }
  MultiHeader.write(writer, multiEnd);
}
