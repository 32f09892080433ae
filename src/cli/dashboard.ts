/** `holdfast dashboard`: contention on a page, for people under pressure. */
import type { Observable } from 'rxjs';
import { systemClock } from '../clock.js';
import {
  type ActionRequest,
  type Dashboard,
  type DashboardActions,
  serveDashboard,
} from '../dashboard/server.js';
import type { Session } from '../session.js';
import {
  asUsage,
  type Command,
  EXIT,
  flag,
  type Io,
  milliseconds,
  port,
  text,
  UsageError,
} from './command.js';
import { CONNECTION_OPTIONS, connectString, openSession } from './connection.js';
import { inkFor } from './ink.js';

const DEFAULT_ROOT = '/locks';

export const dashboard: Command = {
  name: 'dashboard',
  summary: 'show contention on a page in the browser, live',
  usage: '[--root path] [options]',
  example: 'holdfast dashboard --connect zk1:2181,zk2:2181 --root /locks --port 8080',
  options: {
    root: {
      type: 'string',
      placeholder: 'path',
      help: `what to look at; / for everything; default: ${DEFAULT_ROOT}`,
    },
    port: { type: 'string', placeholder: 'n', help: 'the port; default: any free one' },
    host: {
      type: 'string',
      placeholder: 'address',
      help: 'the address to serve on; any but loopback needs --token; default: 127.0.0.1',
    },
    token: {
      type: 'string',
      placeholder: 'secret',
      help: 'asked of every visitor; default: HOLDFAST_DASHBOARD_TOKEN',
    },
    'allow-break': {
      type: 'boolean',
      help: 'let visitors break and revoke claims; each is confirmed and audited',
    },
    'revoke-grace': {
      type: 'string',
      placeholder: 'ms',
      help: 'how long a holder has that a visitor asks to give up; default: 30000',
    },
    ...CONNECTION_OPTIONS,
  },
  notes: [
    'Nothing is loaded from outside. A break or a revoke leaves an entry under /holdfast/audit. The token is better given as',
    'HOLDFAST_DASHBOARD_TOKEN: a command line can be read by everybody on this machine.',
  ],
  async run(parsed, io) {
    const [extra] = parsed.positionals;
    if (extra !== undefined)
      throw new UsageError(`${JSON.stringify(extra)} is one too many: give the root with --root ${extra}`);
    const session = openSession(parsed, io);
    let served: Dashboard | undefined;
    try {
      served = await startDashboard(session, io, {
        root: text(parsed, 'root') ?? DEFAULT_ROOT,
        connectString: connectString(parsed, io),
        host: text(parsed, 'host'),
        port: port(parsed, 'port'),
        token: text(parsed, 'token') ?? (io.env['HOLDFAST_DASHBOARD_TOKEN'] || undefined),
        allowBreak: flag(parsed, 'allow-break'),
        revokeGraceMs: milliseconds(parsed, 'revoke-grace'),
      });
      io.stdout.write(`dashboard on ${inkFor(io.stdout).accent(served.url)}\n`);
      await new Promise<void>((resolve) => {
        if (io.signal.aborted) resolve();
        io.signal.addEventListener(
          'abort',
          () => {
            resolve();
          },
          { once: true },
        );
      });
      return EXIT.ok;
    } finally {
      await served?.close();
      await session.close();
    }
  },
};

/** What a dashboard shows, and to whom. */
export interface DashboardPlan {
  readonly root: string;
  readonly connectString: string;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly token?: string | undefined;
  readonly allowBreak: boolean;
  /** What a holder gets that is asked to give up; default: {@link Session.revoke}'s. */
  readonly revokeGraceMs?: number | undefined;
  readonly records$?: Observable<object>;
}

/** Serves the page over `session`. Rejects with a {@link UsageError} when it cannot be served like that. */
export async function startDashboard(session: Session, io: Io, plan: DashboardPlan): Promise<Dashboard> {
  const { root, connectString, host, port, token, allowBreak, revokeGraceMs, records$ } = plan;
  const contention$ = asUsage(() => session.contentionUnder(root));
  const tell = ({ by, claim, why }: ActionRequest, did: string, how: string) => {
    io.stderr.write(`holdfast: ${by} ${did} ${claim}${why === '' ? '' : ` (${why})`}: ${how}\n`);
  };
  const actions: DashboardActions = {
    breakClaim: async (request) => {
      const { claim, by, why } = request;
      tell(request, 'broke', (await session.breakClaim(claim, { by, why })).path);
    },
    // The page hears that the holder was asked; how it ends, everybody sees in the line.
    revokeClaim: (request) =>
      new Promise((resolve, reject) => {
        const { claim, by, why } = request;
        const grace = revokeGraceMs === undefined ? {} : { graceMs: revokeGraceMs };
        session.revoke(claim, { by, why, ...grace, onAsked: resolve }).then(
          (entry) => {
            tell(request, 'revoked', entry === null ? 'the holder let go' : `by force, ${entry.path}`);
          },
          (error: unknown) => {
            tell(request, 'revoked', String(error));
            reject(error instanceof Error ? error : new Error(String(error)));
          },
        );
      }),
  };
  try {
    return await serveDashboard({
      root,
      connectString,
      contention$,
      readClaim: (claim) => session.readClaim(claim),
      clock: systemClock,
      page: new URL('../dashboard/page/', import.meta.url),
      ...(records$ === undefined ? {} : { records$ }),
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(token === undefined ? {} : { token }),
      ...(allowBreak ? { actions } : {}),
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
