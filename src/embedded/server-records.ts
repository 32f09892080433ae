/** What only the server's side of the protocol needs: requests as they may come, "no data" told from empty data. */
import type { JuteType } from '../zookeeper/jute.js';
import { bytes, int32, string, struct, timestamp, vector } from '../zookeeper/jute.js';
import { AclRecord, opcode, StatRecord } from '../zookeeper/records.js';

/** Request types (ZooDefs.OpCode) that the client of this package never sends, and other clients may. */
export const rareOpcode = {
  reconfig: 16,
  checkWatches: 17,
  multiRead: 22,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  whoAmI: 107,
} as const;

/** Bytes or none. */
const optionalBytes: JuteType<Uint8Array | null> = {
  read: (reader) => reader.bytes(),
  write: (writer, value) => {
    writer.bytes(value);
  },
  leastBytes: bytes.leastBytes,
};

const AclList = vector(AclRecord);
const strings = vector(string);

export const AnyCreateRequest = struct({ path: string, data: optionalBytes, acl: AclList, flags: int32 });
export const AnyCreateTtlRequest = struct({
  path: string,
  data: optionalBytes,
  acl: AclList,
  flags: int32,
  ttlMs: timestamp,
});
export const AnySetDataRequest = struct({ path: string, data: optionalBytes, version: int32 });
export const AnyDataResponse = struct({ data: optionalBytes, stat: StatRecord });

export const CheckWatchesRequest = struct({ path: string, type: int32 });
export const EphemeralsRequest = struct({ prefix: string });
export const EphemeralsResponse = struct({ ephemerals: strings });
export const CountResponse = struct({ count: int32 });
export const WhoAmIResponse = struct({ clients: vector(struct({ scheme: string, user: string })) });
export const SaslResponse = struct({ token: optionalBytes });

/** Whether the server may be asked for this at all; others are answered `Unimplemented` and end the connection. */
const known: ReadonlySet<number> = new Set([...Object.values(opcode), ...Object.values(rareOpcode)]);

export function isKnownRequest(type: number): boolean {
  return type !== opcode.notification && type !== opcode.error && known.has(type);
}
