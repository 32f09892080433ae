/** Bad days to order: a plan that repeats from its seed, and buttons for tests and stories. */
import type { Clock } from '../clock.js';
import { FaultLine } from './fault-line.js';
import type { ZooKeeperServer } from './server.js';
import type { IncomingRequest, Peer, Sink, Verdict } from './server-connection.js';

/** What goes wrong by chance, and how often. Probabilities are 0 to 1, per request or frame; nothing is the default. */
export interface FaultPlan {
  /** A request is not applied, and its connection is cut. */
  readonly loseRequest?: number;
  /** A request is applied, its answer is lost, and the connection is cut: the outcome nobody knows. */
  readonly loseReply?: number;
  /** A request is applied and answered, and then the connection is cut. */
  readonly cutAfterReply?: number;
  /** A frame to the client takes up to `upToMs` (order within a connection is kept). */
  readonly delay?: { readonly probability: number; readonly upToMs: number };
  /** A new connection is refused. */
  readonly refuseConnection?: number;
  /** The session of a request ends as the request arrives. */
  readonly expireSession?: number;
  /** How long the ephemerals of an expired session outlive it (trap T01). Default 0. */
  readonly ephemeralDelayMs?: number;
  /**
   * The sequence number that every parent made later starts at; default 0. Near 2147483647 it shows what a real
   * server does at the counter's end: 2147483647 again and again, and negative numbers for creates in flight together.
   */
  readonly sequenceStart?: number;
}

/** Which requests a button is meant for. */
export type RequestMatch = (request: IncomingRequest) => boolean;

const always: RequestMatch = () => true;

/** The buttons: `faults` of an embedded server. Without a session, they mean all connections. */
export class FaultControls {
  readonly #plan: FaultPlan;
  readonly #random: () => number;
  readonly #clock: Clock;
  readonly #lines = new Set<FaultLine>();
  readonly #ambushes: { readonly verdict: Verdict; readonly match: RequestMatch }[] = [];
  #server: ZooKeeperServer | undefined;
  #planned = true;
  #refusing = false;
  #delayMs = 0;
  readonly #weather = {
    frozen: false,
    mute: false,
    nextDelayMs: (): number => {
      const { delay } = this.#plan;
      return this.#delayMs + (this.#happens(delay?.probability) ? this.#random() * (delay?.upToMs ?? 0) : 0);
    },
  };

  constructor(plan: FaultPlan, random: () => number, clock: Clock) {
    this.#plan = plan;
    this.#random = random;
    this.#clock = clock;
  }

  /** The next request that matches is not applied, and its connection is cut. */
  loseNextRequest(match: RequestMatch = always): void {
    this.#ambushes.push({ verdict: 'loseRequest', match });
  }

  /** The next request that matches is applied, its answer is lost, and its connection is cut. */
  loseNextReply(match: RequestMatch = always): void {
    this.#ambushes.push({ verdict: 'loseReply', match });
  }

  /** The next request that matches is applied and answered, and then its connection is cut. */
  cutAfterNextReply(match: RequestMatch = always): void {
    this.#ambushes.push({ verdict: 'cutAfterReply', match });
  }

  /** Cuts connections; sessions go on. How many were cut. */
  cut(sessionId?: string): number {
    const lines = this.#linesOf(sessionId);
    for (const line of lines) line.cut();
    return lines.length;
  }

  /** Reads and serves, but says nothing: what it has to say waits for {@link speak}. Of all: new connections too. */
  silence(sessionId?: string): void {
    if (sessionId === undefined) this.#weather.mute = true;
    else for (const line of this.#linesOf(sessionId)) line.mute = true;
  }

  speak(sessionId?: string): void {
    if (sessionId === undefined) this.#weather.mute = false;
    for (const line of this.#linesOf(sessionId)) line.mute = false;
  }

  /** Every frame to the client takes this long; 0 ends it. */
  delayReplies(delayMs: number, sessionId?: string): void {
    if (sessionId === undefined) this.#delayMs = delayMs;
    else for (const line of this.#linesOf(sessionId)) line.delayMs = delayMs;
  }

  /** Stops the server as SIGSTOP does: connections open and stay, nothing is read, served, said or expired. */
  freeze(): void {
    this.#weather.frozen = true;
    this.#server?.freeze();
  }

  /** Sessions whose time ran out meanwhile expire first; then what came in is served. */
  thaw(): void {
    if (!this.#weather.frozen) return;
    this.#weather.frozen = false;
    this.#server?.thaw();
    for (const line of [...this.#lines]) {
      line.wake();
      line.flush();
    }
  }

  /** Whether new connections are refused. */
  refuseConnections(refusing: boolean): void {
    this.#refusing = refusing;
  }

  /** The session's end comes so much later than promised (negative: earlier). `false`: no such session. */
  expireLater(sessionId: string, byMs: number): boolean {
    return this.#server?.skewExpiry(sessionId, byMs) ?? false;
  }

  /** From now on the ephemerals of an expired session outlive it by so much; 0 ends it. */
  delayEphemeralDeletion(delayMs: number): void {
    if (this.#server !== undefined) this.#server.ephemeralDelayMs = delayMs;
  }

  /** Deletes now the ephemerals that outlived their session, or all such sessions. */
  deleteLateEphemerals(sessionId?: string): void {
    this.#server?.sweep(sessionId);
  }

  /** Sets the next sequence number under an existing parent. */
  setSequence(path: string, next: number): void {
    this.#server?.tree.setCounter(path, next);
  }

  /** Deletes the empty containers and outlived TTL nodes that the periodic check would; how many. */
  reapContainers(): number {
    return this.#server?.reap() ?? 0;
  }

  /** Ends everything above that lasts, and the plan. What was lost stays lost. */
  heal(): void {
    this.#planned = false;
    this.#ambushes.length = 0;
    this.#refusing = false;
    this.delayReplies(0);
    this.delayEphemeralDeletion(0);
    for (const line of this.#lines) line.delayMs = 0;
    this.thaw();
    this.speak();
  }

  /** @internal */
  govern(server: ZooKeeperServer): void {
    this.#server = server;
    server.ephemeralDelayMs = this.#plan.ephemeralDelayMs ?? 0;
  }

  /**
   * Opens a connection with faults on it; `undefined`: refused.
   * @internal
   */
  open(outside: Sink, address?: string): Peer | undefined {
    if (this.#server === undefined || this.#refusing || this.#happens(this.#plan.refuseConnection))
      return undefined;
    const line = new FaultLine(outside, this.#weather, this.#clock, (over) => {
      this.#lines.delete(over);
    });
    this.#lines.add(line);
    line.attach(this.#server.connect(line, address));
    return line;
  }

  /** @internal */
  readonly verdict = (request: IncomingRequest): Verdict => {
    const ambush = this.#ambushes.findIndex(({ match }) => match(request));
    if (ambush !== -1) return this.#ambushes.splice(ambush, 1)[0]?.verdict ?? 'serve';
    const { expireSession, loseRequest, loseReply, cutAfterReply } = this.#plan;
    if (this.#happens(expireSession)) this.#server?.expire(request.sessionId);
    if (this.#happens(loseRequest)) return 'loseRequest';
    if (this.#happens(loseReply)) return 'loseReply';
    return this.#happens(cutAfterReply) ? 'cutAfterReply' : 'serve';
  };

  /** Chance is asked only where the plan has a say, so that one fault more does not change all the others. */
  #happens(probability: number | undefined): boolean {
    return this.#planned && probability !== undefined && probability > 0 && this.#random() < probability;
  }

  #linesOf(sessionId: string | undefined): FaultLine[] {
    if (sessionId === undefined) return [...this.#lines];
    const connection = this.#server?.connectionOf(sessionId);
    return [...this.#lines].filter((line) => line.peer === connection && connection !== undefined);
  }
}
