/**
 * Feeds the dashboard's page: one folded board, a snapshot for who comes, then what changed, in batches. It knows no ZooKeeper: it
 * is handed streams, and as functions what it may do.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import type { Observable, Subscription } from 'rxjs';
import type { Clock } from '../clock.js';
import type { ContentionUnder } from '../contention.js';
import { sameSecret } from '../host.js';
import { BoardKeeper, emptyBoard } from './board.js';
import { type WireChange, writeChange, writeHello } from './wire.js';

/** What somebody at the page may do to a claim. */
export interface DashboardActions {
  /** Deletes the claim. Rejects with the reason when it could not be. */
  readonly breakClaim: (request: ActionRequest) => Promise<void>;
  /** Asks the holder to give up. */
  readonly revokeClaim?: (request: ActionRequest) => Promise<void>;
}

/** Who wants what, for the audit. */
export interface ActionRequest {
  readonly claim: string;
  readonly by: string;
  readonly why: string;
}

/** What a dashboard is made from. */
export interface DashboardOptions {
  readonly root: string;
  readonly connectString: string;
  readonly contention$: Observable<ContentionUnder>;
  /** Lines of a trace (`TraceRecord`), for the statechart viewer; what was told before is told first. */
  readonly records$?: Observable<object>;
  /** The data of a claim as it is stored; null when it has gone. */
  readonly readClaim: (path: string) => Promise<string | null>;
  /** Absent: nothing can be done from the page. */
  readonly actions?: DashboardActions;
  /** Default 127.0.0.1. Anything that is not loopback needs a token. */
  readonly host?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** Asked for by every request, as `?token=` once and then as a cookie. At least 16 characters. */
  readonly token?: string;
  readonly clock: Clock;
  /** Where the built page lies. */
  readonly page: URL;
}

/** A dashboard that is being served. */
export interface Dashboard {
  /** To open in a browser; with the token, if there is one. */
  readonly url: string;
  close(): Promise<void>;
}

const BATCH_MS = 30;
const HEARTBEAT_MS = 15_000;
const LONGEST_BODY = 4_096;
/** Bytes that wait for a slow viewer: of records, and of changes behind a snapshot. */
const LONGEST_BACKLOG = 16 * 1024 * 1024;
const CHANGES_BACKLOG = 1024 * 1024;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** One page's connection. `behind`: it reads too slowly; it gets a whole snapshot once it has caught up. */
interface Listener {
  readonly response: ServerResponse;
  /** So many characters may wait for it. */
  allowance: number;
  behind: boolean;
}

class DashboardServer implements Dashboard {
  url = '';
  readonly #options: DashboardOptions;
  readonly #keeper: BoardKeeper;
  readonly #server: Server;
  readonly #listeners = new Set<Listener>();
  readonly #changed = new Map<string, WireChange['lines'][number]>();
  #subscription: Subscription | null = null;
  #batch: unknown;
  #heartbeat: unknown;

  constructor(options: DashboardOptions) {
    this.#options = options;
    this.#keeper = new BoardKeeper(emptyBoard(options.root));
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
        response.end(error instanceof Error ? error.message : String(error));
      });
    });
  }

  async start(): Promise<void> {
    const { host = '127.0.0.1', port = 0, token, contention$ } = this.#options;
    if (!LOOPBACK.test(host) && (token === undefined || token.length < 16))
      throw new Error(
        `host is ${JSON.stringify(host)}, which others can reach: give a token of at least 16 characters`,
      );
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    const at = this.#server.address() as AddressInfo;
    const name = at.family === 'IPv6' ? `[${at.address}]` : at.address;
    this.url = `http://${name}:${at.port}/${token === undefined ? '' : `?token=${encodeURIComponent(token)}`}`;
    this.#subscription = contention$.subscribe({
      next: (picture) => {
        this.#hear(picture);
      },
      error: () => {
        this.#goStale();
      },
      complete: () => {
        this.#goStale();
      },
    });
    this.#beat();
  }

  async close(): Promise<void> {
    this.#subscription?.unsubscribe();
    const { clock } = this.#options;
    clock.clearTimeout(this.#batch);
    clock.clearTimeout(this.#heartbeat);
    for (const { response } of this.#listeners) response.end();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  #hear(picture: ContentionUnder): void {
    this.#keeper.add(picture);
    for (const path of picture.changed) this.#changed.set(path, [path, picture.lines.get(path) ?? null]);
    this.#batch ??= this.#options.clock.setTimeout(() => {
      this.#flush();
    }, BATCH_MS);
  }

  #goStale(): void {
    const { board } = this.#keeper;
    if (board.freshness === 'stale') return;
    this.#keeper.add({ lines: new Map(), changed: [], freshness: 'stale', asOf: board.asOf });
    this.#batch ??= this.#options.clock.setTimeout(() => {
      this.#flush();
    }, BATCH_MS);
  }

  #flush(): void {
    this.#batch = undefined;
    const { asOf, freshness } = this.#keeper.board;
    const text = writeChange({
      asOf,
      freshness,
      lines: freshness === 'stale' ? [] : [...this.#changed.values()],
    });
    this.#changed.clear();
    for (const listener of this.#listeners) {
      if (!listener.behind) this.#send(listener, 'change', text);
    }
  }

  #send(listener: Listener, event: string, text: string): void {
    const { response } = listener;
    response.write(`event: ${event}\ndata: ${text}\n\n`);
    if (response.writableLength <= listener.allowance) return;
    listener.behind = true;
    response.once('drain', () => {
      listener.behind = false;
      this.#sendBoard(listener);
    });
  }

  /** However large a snapshot is, it is no reason to send another. */
  #sendBoard(listener: Listener): void {
    const text = this.#hello();
    listener.allowance = 2 * text.length + CHANGES_BACKLOG;
    this.#send(listener, 'board', text);
  }

  #hello(): string {
    const { connectString, actions, clock } = this.#options;
    return writeHello({
      board: this.#keeper.board,
      connectString,
      allowBreak: actions !== undefined,
      allowRevoke: actions?.revokeClaim !== undefined,
      nowMs: clock.wallNow(),
    });
  }

  #beat(): void {
    const { clock } = this.#options;
    for (const { response, behind } of this.#listeners) {
      if (!behind) response.write(`event: beat\ndata: ${clock.wallNow()}\n\n`);
    }
    this.#heartbeat = clock.setTimeout(() => {
      this.#beat();
    }, HEARTBEAT_MS);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('cache-control', 'no-store');
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('referrer-policy', 'no-referrer');
    response.setHeader(
      'content-security-policy',
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    );
    const [target = '/', base] = [request.url, 'http://dashboard.invalid'];
    if (!URL.canParse(target, base)) {
      refuse(response, 400, 'the address is none');
      return;
    }
    const url = new URL(target, base);
    if (!this.#isLocalName(request)) {
      refuse(response, 403, 'this dashboard is asked by a name that is not its own');
      return;
    }
    if (!this.#hasToken(request, url, response)) {
      refuse(response, 401, 'a token is needed: open the address that holdfast dashboard printed');
      return;
    }
    if (request.method === 'POST') await this.#act(request, url, response);
    else if (request.method !== 'GET') refuse(response, 405, 'GET or POST');
    else if (url.pathname === '/events') this.#listen(response);
    else if (url.pathname === '/records') this.#tellRecords(response);
    else if (url.pathname === '/claim') await this.#tellClaim(url, response);
    else await this.#givePage(url, response);
  }

  /** Keeps other sites' pages from asking us under a name that they made point here (DNS rebinding). */
  #isLocalName({ headers: { host } }: IncomingMessage): boolean {
    if (this.#options.token !== undefined) return true;
    const name = (host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
    return LOOPBACK.test(name);
  }

  #hasToken(request: IncomingMessage, url: URL, response: ServerResponse): boolean {
    const { token } = this.#options;
    if (token === undefined) return true;
    const cookie = /(?:^|;\s*)holdfast=([^;]*)/.exec(request.headers.cookie ?? '')?.[1];
    const given = url.searchParams.get('token') ?? decoded(cookie ?? '');
    if (!sameSecret(given, token)) return false;
    if (url.searchParams.has('token'))
      response.setHeader(
        'set-cookie',
        `holdfast=${encodeURIComponent(token)}; HttpOnly; SameSite=Strict; Path=/`,
      );
    return true;
  }

  #listen(response: ServerResponse): void {
    beginEvents(response);
    const listener: Listener = { response, allowance: 0, behind: false };
    this.#listeners.add(listener);
    response.on('close', () => this.#listeners.delete(listener));
    this.#sendBoard(listener);
  }

  #tellRecords(response: ServerResponse): void {
    beginEvents(response);
    const subscription = this.#options.records$?.subscribe((record) => {
      // A viewer that does not keep up is sent away: it comes again, and what was kept is told first then.
      if (response.writableLength > LONGEST_BACKLOG) response.destroy();
      else response.write(`data: ${JSON.stringify(record)}\n\n`);
    });
    response.on('close', () => subscription?.unsubscribe());
  }

  async #tellClaim(url: URL, response: ServerResponse): Promise<void> {
    const path = url.searchParams.get('path') ?? '';
    if (!this.#isShown(path)) {
      refuse(response, 404, `${path} stands in no line under ${this.#options.root}`);
      return;
    }
    const data = await this.#options.readClaim(path);
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify({ path, data }));
  }

  #isShown(claim: string): boolean {
    const card = this.#keeper.board.cards.get(claim.slice(0, claim.lastIndexOf('/')));
    return card?.line.contenders.some(({ path }) => path === claim) ?? false;
  }

  async #act(request: IncomingMessage, url: URL, response: ServerResponse): Promise<void> {
    const { actions } = this.#options;
    const action = { '/break': actions?.breakClaim, '/revoke': actions?.revokeClaim }[url.pathname];
    if (actions === undefined) {
      refuse(response, 403, 'breaking and revoking are off: start the dashboard with --allow-break');
      return;
    }
    if (action === undefined) {
      refuse(response, 404, `${url.pathname} is nothing that can be done here`);
      return;
    }
    // A page of another site can send a form, but not this header.
    if (request.headers['content-type'] !== 'application/json') {
      refuse(response, 415, 'application/json');
      return;
    }
    const asked = await readRequest(request);
    if (asked === null) {
      refuse(response, 400, `a JSON object of at most ${LONGEST_BODY} characters is needed`);
      return;
    }
    const { claim, by, why } = asked;
    if (typeof claim !== 'string' || !this.#isShown(claim)) {
      refuse(response, 404, `${String(claim)} stands in no line any more`);
      return;
    }
    if (typeof by !== 'string' || by.trim() === '') {
      refuse(response, 400, 'say who you are: it goes into the audit');
      return;
    }
    await action({ claim, by: by.trim(), why: typeof why === 'string' ? why : '' });
    response.writeHead(204).end();
  }

  async #givePage(url: URL, response: ServerResponse): Promise<void> {
    const name = /^\/(page\.(?:js|css))$/.exec(url.pathname)?.[1] ?? 'index.html';
    if (name === 'index.html' && url.pathname !== '/') {
      refuse(response, 404, `${url.pathname} is not here`);
      return;
    }
    const body = await readFile(new URL(name, this.#options.page));
    response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream' });
    response.end(body);
  }
}

function beginEvents(response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    connection: 'keep-alive',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${why}\n`);
}

/** Null: it is too long, or no JSON object. */
async function readRequest(request: IncomingMessage): Promise<Partial<ActionRequest> | null> {
  let body = '';
  request.setEncoding('utf8');
  for await (const chunk of request) {
    body += chunk as string;
    // Left in the middle, the connection would be closed before the answer is read.
    if (body.length > LONGEST_BODY) body = ' '.repeat(LONGEST_BODY + 1);
  }
  if (body.length > LONGEST_BODY) return null;
  try {
    const asked: unknown = JSON.parse(body);
    return typeof asked === 'object' ? asked : null;
  } catch {
    return null;
  }
}

/** A token from a cookie's value; empty when it is not one that we wrote. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return '';
  }
}

/** Serves a dashboard. Rejects when the port is taken, or when others could reach it without a token. */
export async function serveDashboard(options: DashboardOptions): Promise<Dashboard> {
  const server = new DashboardServer(options);
  await server.start();
  return server;
}
