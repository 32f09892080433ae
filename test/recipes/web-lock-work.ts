/** What tests hold web locks with. */
import type { WebLock } from '../../src/index.js';

/** A callback that holds until `finish`, and when it began. */
export function work<T>(result: T) {
  let finish: () => void = () => undefined;
  const over = new Promise<T>((resolve) => {
    finish = () => {
      resolve(result);
    };
  });
  const seen: (WebLock | null)[] = [];
  const callback = (lock: WebLock | null) => {
    seen.push(lock);
    return over;
  };
  return {
    callback,
    seen,
    finish: () => {
      finish();
    },
  };
}

/** Expected to reject; what with is looked at later. */
export function minded<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
