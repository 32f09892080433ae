/** How every request is called, and what its answer means. Arguments are checked before: what is wrong aborts the process. */
import type { Acl, CreateMode } from './client.js';
import { ZooKeeperError } from './errors.js';
import { aclOf, statOf } from './native-binding.js';
import type { NativeOperation } from './native-request.js';
import { createFlag } from './records.js';
import { withoutChroot } from './znode-path.js';

export function creation(
  path: string,
  data: Uint8Array,
  mode: CreateMode,
  ttlMs: number | undefined,
  chroot: string,
): NativeOperation {
  return {
    name: 'create',
    call(handle, answered) {
      const done = (code: number, _text: string, made: string): void => {
        if (code !== 0) answered(code);
        else answered(0, { value: { path: withoutChroot(chroot, made) ?? made, stat: null } });
      };
      return ttlMs === undefined
        ? handle.a_create(path, data, createFlag[mode], done)
        : handle.a_create_ttl(path, data, createFlag[mode], ttlMs, done);
    },
  };
}

export function deletion(path: string, version: number): NativeOperation {
  return {
    name: 'delete',
    call: (handle, answered) =>
      handle.a_delete_(path, version, (code) => {
        answered(code, { value: undefined });
      }),
  };
}

export function existence(path: string, watch: boolean): NativeOperation {
  return {
    name: 'exists',
    call: (handle, answered) =>
      handle.a_exists(path, watch, (code, _text, found) => {
        if (code !== 0) {
          answered(code);
          return;
        }
        const stat = statOf(found);
        answered(0, { value: stat, stat });
      }),
    watch: 'data',
    absentWatch: 'exists',
  };
}

export function reading(path: string, watch: boolean, maxReplyBytes: number): NativeOperation {
  return {
    name: 'getData',
    call: (handle, answered) =>
      handle.a_get(path, watch, (code, _text, found, bytes) => {
        if (code !== 0) {
          answered(code);
          return;
        }
        const stat = statOf(found);
        // A copy, and as plain bytes: a Buffer is something else to whoever compares or slices it.
        const data = new Uint8Array(bytes ?? []);
        const refusal = tooLarge('getData', path, data.length, maxReplyBytes);
        answered(0, { value: refusal ?? { data, stat }, stat });
      }),
    watch: 'data',
  };
}

export function writing(path: string, data: Uint8Array, version: number): NativeOperation {
  return {
    name: 'setData',
    call: (handle, answered) =>
      handle.a_set(path, data, version, (code, _text, found) => {
        if (code !== 0) {
          answered(code);
          return;
        }
        const stat = statOf(found);
        answered(0, { value: stat, stat });
      }),
  };
}

export function listing(path: string, watch: boolean, maxReplyBytes: number): NativeOperation {
  return {
    name: 'getChildren',
    call: (handle, answered) =>
      handle.a_get_children2(path, watch, (code, _text, children, found) => {
        if (code !== 0) {
          answered(code);
          return;
        }
        const stat = statOf(found);
        const bytes = children.reduce((sum, name) => sum + 4 + name.length, 0);
        const refusal = tooLarge('getChildren', path, bytes, maxReplyBytes);
        answered(0, { value: refusal ?? { children, stat }, stat });
      }),
    watch: 'child',
  };
}

export function permissions(path: string): NativeOperation {
  return {
    name: 'getAcl',
    call: (handle, answered) =>
      handle.a_get_acl(path, (code, _text, acl, found) => {
        if (code !== 0) {
          answered(code);
          return;
        }
        const stat = statOf(found);
        answered(0, { value: { acl: acl.map(aclOf), stat }, stat });
      }),
  };
}

export function permitting(path: string, acl: readonly Acl[], version: number): NativeOperation {
  return {
    name: 'setAcl',
    call: (handle, answered) =>
      handle.a_set_acl(
        path,
        version,
        acl.map(({ permissions: perm, scheme, id }) => ({ perm, scheme, auth: id })),
        (code) => {
          answered(code, { value: undefined });
        },
      ),
  };
}

export function catchingUp(path: string): NativeOperation {
  return {
    name: 'sync',
    call: (handle, answered) =>
      handle.a_sync(path, (code) => {
        answered(code, { value: undefined });
      }),
  };
}

export function authentication(scheme: string, auth: string): NativeOperation {
  return {
    name: 'addAuth',
    call(handle, answered) {
      // Connected, it lies in the client's buffer until an answer comes: to this. Sent behind it, this would find that the server has hung up
      // on who was refused, and the client would close the socket with the refusal in it.
      handle.a_exists('/', false, () => undefined);
      return handle.add_auth(scheme, auth, (code) => {
        answered(code, { value: undefined });
      });
    },
  };
}

/** The native client takes what it gets; here it is refused when it is there, so that both clients answer alike. */
function tooLarge(
  operation: string,
  path: string,
  bytes: number,
  maxReplyBytes: number,
): ZooKeeperError | undefined {
  if (bytes <= maxReplyBytes) return undefined;
  const detail = `${bytes} bytes; maxReplyBytes is ${maxReplyBytes}`;
  return new ZooKeeperError('ReplyTooLarge', operation, path, { detail });
}
