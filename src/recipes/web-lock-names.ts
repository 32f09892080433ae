/** A web lock's name is any text, a znode's is not. */

/** Where all names live. Nothing but web locks may stand in line here: what waits there is granted what others do not see. */
export const WEB_LOCKS_ROOT = '/web-locks';

/** The longest name, as a znode's, in letters. The names at one root are all told in one answer. */
export const LONGEST_ENCODED = 1_024;

/** No name starts with `-`. */
const EMPTY = '-';
const LONE_SURROGATE = /^%u([0-9a-f]{4})$/;

/** The name of its znode: the empty name, and one with half a surrogate pair, have one too. Null when that is too long. */
export function encodedName(name: string): string | null {
  // No letter takes less room there than here.
  if (name.length > LONGEST_ENCODED) return null;
  const encoded = Array.from(name, (letter) =>
    /\p{Surrogate}/u.test(letter)
      ? `%u${letter.charCodeAt(0).toString(16)}`
      : encodeURIComponent(letter).replace('.', '%2E'),
  ).join('');
  return encoded.length > LONGEST_ENCODED ? null : encoded || EMPTY;
}

/** The name that a path under the root is the line of; null when it is none's. */
export function nameOf(path: string): string | null {
  if (!path.startsWith(`${WEB_LOCKS_ROOT}/`)) return null;
  const encoded = path.slice(WEB_LOCKS_ROOT.length + 1);
  if (encoded === EMPTY) return '';
  try {
    const parts = encoded.split(/(%u[0-9a-f]{4})/).map((part) => {
      const code = LONE_SURROGATE.exec(part)?.[1];
      return code === undefined ? decodeURIComponent(part) : String.fromCharCode(Number.parseInt(code, 16));
    });
    const name = parts.join('');
    return encodedName(name) === encoded ? name : null;
  } catch {
    return null;
  }
}
