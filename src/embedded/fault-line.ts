/** One connection with faults on it: between the server and whatever carries its frames. */
import type { Clock } from '../clock.js';
import type { Peer, Sink } from './server-connection.js';

/** What hangs over all connections at once. */
export interface LineWeather {
  readonly frozen: boolean;
  /** Every connection is mute. */
  readonly mute: boolean;
  /** How long the next frame takes. */
  nextDelayMs(): number;
}

interface Parcel {
  /** `undefined` ends the connection. */
  readonly frame: Uint8Array | undefined;
  readonly dueMs: number;
}

export class FaultLine implements Peer, Sink {
  /** Added to the way of every frame on this connection. */
  delayMs = 0;
  readonly #outside: Sink;
  readonly #weather: LineWeather;
  readonly #clock: Clock;
  readonly #forget: (line: FaultLine) => void;
  #peer: Peer | undefined;
  #mute = false;
  #over = false;
  /** Frames on their way, oldest first: none overtakes another. */
  readonly #outbox: Parcel[] = [];
  /** Bytes that came while the server was frozen. */
  readonly #inbox: Uint8Array[] = [];
  #gone = false;
  #timer: unknown;

  constructor(outside: Sink, weather: LineWeather, clock: Clock, forget: (line: FaultLine) => void) {
    this.#outside = outside;
    this.#weather = weather;
    this.#clock = clock;
    this.#forget = forget;
  }

  /** The server's end. */
  get peer(): Peer | undefined {
    return this.#peer;
  }

  attach(peer: Peer): void {
    this.#peer = peer;
  }

  receive(bytes: Uint8Array): void {
    if (this.#over) return;
    if (this.#weather.frozen) this.#inbox.push(bytes.slice());
    else this.#peer?.receive(bytes);
  }

  closed(): void {
    if (this.#over) return;
    this.#end();
    // A frozen server learns of it when it wakes, after what was said before.
    if (this.#weather.frozen) this.#gone = true;
    else this.#leave();
  }

  send(frame: Uint8Array): void {
    this.#post(frame);
  }

  close(): void {
    this.#post(undefined);
  }

  /** Ends the connection at once for both sides; what was on its way is lost. */
  cut(): void {
    if (this.#over) return;
    this.#end();
    this.#outside.close();
    this.#leave();
  }

  set mute(mute: boolean) {
    this.#mute = mute;
    this.flush();
  }

  /** Serves what came while the server was frozen. */
  wake(): void {
    for (const bytes of this.#inbox.splice(0)) this.#peer?.receive(bytes);
    if (this.#gone) this.#leave();
  }

  /** Sends what is due and not held back. */
  flush(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    while (!this.#over && !this.#mute && !this.#weather.mute && !this.#weather.frozen) {
      const parcel = this.#outbox[0];
      if (parcel === undefined) return;
      const waitMs = parcel.dueMs - this.#clock.now();
      if (waitMs > 0) {
        this.#timer = this.#clock.setTimeout(() => {
          this.flush();
        }, waitMs);
        return;
      }
      this.#outbox.shift();
      this.#deliver(parcel.frame);
    }
  }

  #post(frame: Uint8Array | undefined): void {
    if (this.#over) return;
    const delayMs = this.delayMs + (frame === undefined ? 0 : this.#weather.nextDelayMs());
    this.#outbox.push({ frame, dueMs: this.#clock.now() + delayMs });
    if (this.#outbox.length === 1) this.flush();
  }

  #deliver(frame: Uint8Array | undefined): void {
    if (frame !== undefined) {
      this.#outside.send(frame);
      return;
    }
    this.#end();
    this.#outside.close();
    this.#forget(this);
  }

  #end(): void {
    this.#over = true;
    this.#clock.clearTimeout(this.#timer);
    this.#outbox.length = 0;
  }

  #leave(): void {
    this.#gone = false;
    this.#forget(this);
    this.#peer?.closed();
  }
}
