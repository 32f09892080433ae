/** Another language's client as a process of ours: lines of JSON go in and come out, so a test waits for news and never asks again. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { inject } from 'vitest';
import type { PeerCommands } from '../setup/peers-installation.mjs';

/** No session ends because a loaded machine takes its time. */
const SESSION_TIMEOUT_MS = 20_000;
const LAST_WORDS = 4_000;

/** What is sent besides what to do; flat, for a peer without a parser. */
export type RequestFields = Readonly<Record<string, string>>;

interface Asked {
  readonly resolve: (value: string) => void;
  readonly reject: (error: Error) => void;
}

interface Told {
  readonly answer?: string;
  readonly value?: string;
  readonly error?: string;
  readonly news?: string;
  readonly who?: string;
}

/** A process that speaks for any number of parties, each with a session of its own. */
export class Peer {
  readonly kind: keyof PeerCommands;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #asked = new Map<string, Asked>();
  readonly #news: { readonly who: string; readonly news: string }[] = [];
  readonly #awaited: { readonly who: string; readonly news: string; readonly heard: () => void }[] = [];
  #requests = 0;
  #lastWords = '';

  constructor(kind: keyof PeerCommands, connectString: string, sessionTimeoutMs = SESSION_TIMEOUT_MS) {
    this.kind = kind;
    const { program, args } = inject('peers')[kind];
    // It ends with its standard input, so also when this process is killed.
    this.#child = spawn(program, [...args, connectString, String(sessionTimeoutMs)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#lastWords = (this.#lastWords + chunk.toString('utf8')).slice(-LAST_WORDS);
    });
    this.#child.stdin.on('error', () => undefined);
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#hear(JSON.parse(line) as Told);
    });
    this.#child.once('error', (error) => {
      this.#giveUp(error);
    });
    this.#child.once('close', (code, signal) => {
      this.#giveUp(new Error(`the ${kind} peer ended (${code ?? signal ?? ''}): ${this.#lastWords}`));
    });
  }

  /** One with a session, connected: its id in hex is what `session` says. */
  async party(who: string): Promise<Party> {
    const session = await this.ask(who, 'open');
    return new Party(this, who, session);
  }

  /** Resolves with the answer, rejects with what the other language calls an error. */
  ask(who: string, what: string, fields: RequestFields = {}): Promise<string> {
    const id = String((this.#requests += 1));
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ id, who, do: what, ...fields })}\n`);
    });
  }

  /** Resolves when it has said so, which it may have done already; each news is heard once. */
  hears(who: string, news: string): Promise<void> {
    const at = this.#news.findIndex((each) => each.who === who && each.news === news);
    if (at !== -1) {
      this.#news.splice(at, 1);
      return Promise.resolve();
    }
    return new Promise((heard) => {
      this.#awaited.push({ who, news, heard });
    });
  }

  /** Ends it as a crash would: nothing is said to the server. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await gone;
  }

  #hear({ answer, value, error, news, who }: Told): void {
    if (news !== undefined && who !== undefined) {
      const at = this.#awaited.findIndex((each) => each.who === who && each.news === news);
      if (at === -1) this.#news.push({ who, news });
      else this.#awaited.splice(at, 1)[0]?.heard();
    }
    if (answer === undefined) return;
    const asked = this.#asked.get(answer);
    this.#asked.delete(answer);
    if (error === undefined) asked?.resolve(value ?? '');
    else asked?.reject(new Error(`${this.kind}: ${error}`));
  }

  #giveUp(error: Error): void {
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
  }
}

/** Somebody in a peer's process, with a session of his own. */
export class Party {
  readonly who: string;
  /** Its session's id, hex. */
  readonly session: string;
  readonly #peer: Peer;
  #closed: Promise<unknown> | undefined;

  constructor(peer: Peer, who: string, session: string) {
    this.#peer = peer;
    this.who = who;
    this.session = session;
  }

  get kind(): keyof PeerCommands {
    return this.#peer.kind;
  }

  /** As {@link Peer.ask}. One request of a party is done after the other. */
  ask(what: string, path: string, fields: RequestFields = {}): Promise<string> {
    return this.#peer.ask(this.who, what, { path, ...fields });
  }

  /** As {@link Peer.hears}. */
  hears(news: string): Promise<void> {
    return this.#peer.hears(this.who, news);
  }

  /** Ends the session; its claims go. Calling it again does nothing. */
  async close(): Promise<void> {
    this.#closed ??= this.#peer.ask(this.who, 'close');
    await this.#closed;
  }
}
