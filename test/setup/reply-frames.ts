/** Tells where answers begin and end in what a ZooKeeper server says, so that exactly one can be lost. */

const LENGTH_BYTES = 4;
const XID_BYTES = 4;
const HEAD_BYTES = LENGTH_BYTES + XID_BYTES;

export class ReplyFrames {
  /** The beginning of a frame, until its length and xid are there. */
  #head: Uint8Array = new Uint8Array();
  /** Whether some of that was handed on: the frame cannot be lost any more. */
  #begun = false;
  /** What is still to come of the present frame. */
  #leftBytes = 0;
  #dropping = false;
  /** The first frame answers the handshake, and has no xid. */
  #first = true;

  /**
   * What remains of `bytes`. While `drop` is given, the first answer to a request for which it says so is taken out; what
   * is not told apart yet waits for the rest of its head. Otherwise everything is handed on as it comes.
   */
  through(bytes: Uint8Array, drop?: () => boolean): Uint8Array {
    const kept: Uint8Array[] = [];
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#leftBytes > 0) {
        const part = rest.subarray(0, this.#leftBytes);
        if (!this.#dropping) kept.push(part);
        this.#leftBytes -= part.length;
        rest = rest.subarray(part.length);
        continue;
      }
      const part = rest.subarray(0, HEAD_BYTES - this.#head.length);
      rest = rest.subarray(part.length);
      if (drop === undefined || this.#begun) {
        if (!this.#begun) kept.push(this.#head);
        kept.push(part);
        this.#begun = true;
      }
      this.#head = Buffer.concat([this.#head, part]);
      if (this.#head.length === HEAD_BYTES) this.#begin(kept, drop);
    }
    return Buffer.concat(kept);
  }

  #begin(kept: Uint8Array[], drop?: () => boolean): void {
    const view = new DataView(this.#head.buffer, this.#head.byteOffset);
    const isAnswer = !this.#first && view.getInt32(LENGTH_BYTES) > 0;
    this.#leftBytes = Math.max(0, view.getInt32(0) - XID_BYTES);
    this.#dropping = isAnswer && !this.#begun && drop?.() === true;
    if (!this.#dropping && !this.#begun) kept.push(this.#head);
    this.#head = new Uint8Array();
    this.#begun = false;
    this.#first = false;
  }
}
