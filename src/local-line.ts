/**
 * WHO holds next among contenders of one process that share a claim: they stand in a line of their own, and each hands the
 * claim on to the next without a question to the server (docs/decisions/019). When is their machines' business.
 */
import type {
  Claim,
  ClaimNews,
  Consultation,
  LockEvent,
  Verdict,
  WithdrawInput,
} from '../machines/lock-machine.js';
import { type Acquisition, watchClaim } from './lock-watchers.js';

/** What a lock is made with whose contenders share a claim. */
export interface LocalHandover {
  readonly lines: LocalLines;
  /** So often one claim is handed on at most. */
  readonly max: number;
}

/** One acquisition among those of its process: what its slots are given, and how its machine is told. */
export interface LocalContender {
  readonly acquisition: Acquisition;
  readonly handover: LocalHandover;
  readonly owner: string | undefined;
  readonly identity: { readonly host?: string; readonly pid?: number };
  readonly noWait: boolean;
  readonly send: (event: LockEvent) => void;
  /** It held, or holds. */
  granted: boolean;
  /** Where it stands, from its joining to its leaving. */
  line: LocalLine | null;
}

/** A session's local lines. */
export class LocalLines {
  readonly #lines = new Map<string, LocalLine>();

  /** The line of those who may share a claim with `contender`: same path, same bound, same permissions. */
  of({ acquisition: { lockPath, acl }, handover: { max } }: LocalContender): LocalLine {
    const key = acl === undefined ? `${max} ${lockPath}` : `${max} ${lockPath} ${JSON.stringify(acl)}`;
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = new LocalLine(() => this.#lines.delete(key));
      this.#lines.set(key, line);
    }
    return line;
  }
}

/** What the process knows of the claim that its front has. */
interface KnownClaim {
  readonly path: string;
  /** Whose data it bears. */
  readonly maker: LocalContender;
  /** It was seen to be gone. */
  gone: boolean;
  /** Somebody asked for it. */
  asked: boolean;
  /** The watch on it is armed on this connection. */
  watched: boolean;
  stopWatch: (() => void) | null;
}

/** Contenders in the order of their asking. The first alone has a claim, or asks for one; it may have the lock. */
export class LocalLine {
  readonly #contenders: LocalContender[] = [];
  readonly #emptied: () => void;
  #claim: KnownClaim | null = null;
  /** How the first stood when it last heard from the server. */
  #verdict: Verdict | null = null;

  constructor(emptied: () => void) {
    this.#emptied = emptied;
  }

  /** Takes a place at the end; whoever would not wait takes none behind others. Null: it is the first. */
  join(contender: LocalContender): Consultation | null {
    const place = this.#contenders.length;
    if (place > 0 && contender.noWait) return this.#behind(place, contender, place + 1);
    contender.line = this;
    this.#contenders.push(contender);
    return place === 0 ? null : this.#behind(place, contender, place + 1);
  }

  /** The server said where the front's claim stands. */
  note(contender: LocalContender, claim: Claim, verdict: Verdict): void {
    if (this.#contenders[0] !== contender) return;
    this.#verdict = verdict;
    if (verdict.kind === 'missing') this.#know(contender, claim).gone = true;
    else this.#know(contender, claim);
  }

  /** Watches the front's claim, once for all who hold it. Returns whether the watch is armed. */
  watch(contender: LocalContender, claim: Claim): boolean {
    const known = this.#know(contender, claim);
    if (known.stopWatch !== null || known.gone) return known.watched;
    const stopNews = contender.acquisition.session.onNews(({ type }) => {
      if (type !== 'session.connected' && type !== 'validity.passed') this.#stopWatch(known);
    });
    const stopWatch = watchClaim(known.maker.acquisition, claim, (event) => {
      this.#hear(known, event as ClaimNews);
    });
    known.stopWatch = () => {
      stopNews();
      stopWatch();
    };
    return false;
  }

  /**
   * Hands the front's claim on to the next one. False: there is nobody, or it must not be; the claim is then to be
   * withdrawn. `wanted`: whether the front's machine still asks.
   */
  async handOn(
    from: LocalContender,
    claim: Claim,
    { cutSinceListing }: Pick<WithdrawInput, 'cutSinceListing'>,
    wanted: () => boolean,
  ): Promise<boolean> {
    // On an empty stack no machine is in the middle of something: whoever is handed the claim has it then and there.
    await Promise.resolve();
    const [front, heir] = this.#contenders;
    if (front !== from || heir === undefined || !wanted() || !this.#mayBeHandedOn(from, claim)) return false;
    const handOver = (claim.handOver ?? 0) + (from.granted ? 1 : 0);
    // Many short leases are one long hold of the claim: it is watched as such.
    this.watch(from, claim);
    this.#remove(0);
    from.acquisition.made.delete(claim.path);
    heir.acquisition.made.add(claim.path);
    const { session } = from.acquisition;
    const holds = from.granted && !cutSinceListing && session.remainingValidityMs() > 0;
    heir.send({ type: 'claim.handed', claim: { ...claim, handOver }, holds });
    return true;
  }

  /** Gives its place up. The next one hears of it. */
  leave(contender: LocalContender): void {
    const place = this.#contenders.indexOf(contender);
    if (place === -1) return;
    this.#remove(place);
    if (place === 0) {
      if (this.#claim !== null) this.#stopWatch(this.#claim);
      this.#claim = null;
      this.#verdict = null;
    }
    const next = this.#contenders[place];
    if (next === undefined) {
      if (place === 0) this.#emptied();
    } else if (place === 0) next.send({ type: 'ownLine.first' });
    else next.send({ type: 'ownLine.moved', behind: this.#behind(place, next, this.#contenders.length) });
  }

  #mayBeHandedOn({ acquisition: { session }, granted, handover }: LocalContender, claim: Claim): boolean {
    return (
      session.connected &&
      session.client.sessionId === claim.sessionId &&
      this.#claim?.gone !== true &&
      this.#claim?.asked !== true &&
      (!granted || (claim.handOver ?? 0) < handover.max)
    );
  }

  /** Where `contender` stands, behind the one at the place before. */
  #behind(place: number, { acquisition }: LocalContender, length: number): Consultation {
    const verdict = this.#verdict;
    const ahead = this.#contenders[place - 1];
    const granted = this.#contenders[0]?.granted === true;
    return {
      verdict: {
        kind: 'waits',
        predecessor: '',
        position: place + (verdict?.kind === 'waits' && !granted ? verdict.position : 0),
        queueLength: length + (verdict === null || verdict.kind === 'missing' ? 0 : verdict.queueLength - 1),
        behindHolder: place === 1 && granted,
        inherits: false,
      },
      asOf: acquisition.session.clock.wallNow(),
      ...(this.#claim === null || ahead === undefined
        ? {}
        : {
            predecessor: {
              path: this.#claim.path,
              readable: true,
              ...ahead.identity,
              ...(ahead.owner === undefined ? {} : { owner: ahead.owner }),
            },
          }),
    };
  }

  #remove(place: number): void {
    const [contender] = place === 0 ? [this.#contenders.shift()] : this.#contenders.splice(place, 1);
    if (contender !== undefined) contender.line = null;
  }

  #know(contender: LocalContender, { path }: Claim): KnownClaim {
    if (this.#claim?.path === path) return this.#claim;
    if (this.#claim !== null) this.#stopWatch(this.#claim);
    this.#claim = { path, maker: contender, gone: false, asked: false, watched: false, stopWatch: null };
    return this.#claim;
  }

  #hear(known: KnownClaim, news: ClaimNews): void {
    if (news.type === 'claim.watched') known.watched = true;
    else if (news.type === 'claim.revokeRequested') known.asked = true;
    else {
      known.gone = true;
      this.#stopWatch(known);
    }
    this.#contenders[0]?.send(news);
  }

  #stopWatch(known: KnownClaim): void {
    known.watched = false;
    const { stopWatch } = known;
    known.stopWatch = null;
    stopWatch?.();
  }
}
