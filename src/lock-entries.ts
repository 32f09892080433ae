/** Who stands in line at one moment, as the Go package's `LockEntries` shows it. */
import { InvalidSequenceNodeError } from './errors.js';
import { type Contender, contenderOf } from './queue.js';

/** A snapshot of a lock's line. It does not follow the line: that is `lock.contention`. */
export class LockEntries {
  readonly #path: string;
  readonly #contenders: readonly Contender[];

  /** @internal `contenders` in the order they will hold. */
  constructor(path: string, contenders: readonly Contender[]) {
    this.#path = path;
    this.#contenders = contenders;
  }

  /** The sequence numbers in the order they will hold: ascending, except at the counter's end. */
  get ids(): readonly number[] {
    return this.#contenders.map(({ sequence }) => sequence);
  }

  /** The holder's id; undefined when nobody stands in line. */
  first(): number | undefined {
    return this.#contenders[0]?.sequence;
  }

  /** The id directly ahead of `id`; undefined when `id` is first or not there. */
  lockAhead(id: number): number | undefined {
    const index = this.#contenders.findIndex(({ sequence }) => sequence === id);
    return index < 1 ? undefined : this.#contenders[index - 1]?.sequence;
  }

  /** The znode of `id`; undefined when it is not there. */
  lockPath(id: number): string | undefined {
    const found = this.#contenders.find(({ sequence }) => sequence === id);
    return found && `${this.#path}/${found.name}`;
  }

  /** The id in a znode's name. Throws {@link InvalidSequenceNodeError} when the name is not a lock's. */
  idOf(name: string): number {
    const contender = contenderOf(name);
    if (contender === null) throw new InvalidSequenceNodeError(this.#path, name);
    return contender.sequence;
  }
}
