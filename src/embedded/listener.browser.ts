/** A page cannot listen. */
import type { Listening, ListenOptions } from './listener.js';

export function listen(_options: ListenOptions): Promise<Listening> {
  return Promise.reject(
    new Error('an embedded ZooKeeper cannot listen on a port in a browser; use its client() instead'),
  );
}

/** A server in a page is reached through `client()` only, unless told to listen all the same. */
export const canListen: boolean = false;
