/** What a znode's path may be, and how a chroot is put in front of it and taken off again. No I/O. */

/** Characters that the server refuses (PathUtils.validatePath): controls, surrogates and private use, specials. */
function forbidden(code: number): boolean {
  return (
    code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0xd800 && code <= 0xf8ff) || code >= 0xfff0
  );
}

const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * Why the server would refuse `path`, in words that follow "the path which …"; `undefined` when it would not.
 * A sequential create may end with a slash: the server appends digits to it.
 */
export function pathFault(path: string, sequential = false): string | undefined {
  if (typeof path !== 'string' || path === '') return 'is empty; a path is a string like "/locks/orders"';
  if (path.charCodeAt(0) !== SLASH) return 'does not start with "/"';
  if (path.length === 1) return undefined;
  let segmentAt = 1;
  for (let at = 1; at <= path.length; at += 1) {
    const code = at === path.length ? SLASH : path.charCodeAt(at);
    if (code === SLASH) {
      const length = at - segmentAt;
      if (length === 0) {
        if (at < path.length) return 'has an empty segment ("//")';
        if (!sequential) return 'ends with "/"';
      }
      const dots = length <= 2 && path.charCodeAt(segmentAt) === DOT;
      if (
        dots &&
        (length === 1 || (length === 2 && path.charCodeAt(segmentAt + 1) === DOT)) &&
        !(sequential && at === path.length)
      ) {
        return 'has a relative segment ("." or "..")';
      }
      segmentAt = at + 1;
    } else if (forbidden(code)) {
      return `has a character that ZooKeeper refuses (U+${code.toString(16).padStart(4, '0')} at ${at})`;
    }
  }
  return undefined;
}

/** The path as the server knows it. */
export function withChroot(chroot: string, path: string): string {
  if (chroot === '') return path;
  return path === '/' ? chroot : chroot + path;
}

/** The path as the user knows it; `undefined` for a path outside the chroot. */
export function withoutChroot(chroot: string, path: string): string | undefined {
  if (chroot === '') return path;
  if (path === chroot) return '/';
  return path.startsWith(chroot) && path.charCodeAt(chroot.length) === SLASH
    ? path.slice(chroot.length)
    : undefined;
}
