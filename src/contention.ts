/**
 * TELL: the line at a path as everybody sees it, as a state stream. Built from the znodes alone, so it shows the queues of
 * clients that never heard of this package as well.
 */
import { Observable } from 'rxjs';
import { decodeClaim } from './claim-data.js';
import { type Contender, lineOf, orderByCreation } from './queue.js';
import type { Stat, ZooKeeperClient } from './zookeeper/client.js';
import { isZooKeeperError } from './zookeeper/errors.js';
import type { SessionPort } from './zookeeper/session-port.js';

/** Somebody in line. What its client did not write is missing. */
export interface ContenderInLine extends Contender {
  readonly path: string;
  /** 0 holds. */
  readonly position: number;
  readonly owner?: string;
  readonly host?: string;
  readonly pid?: number;
  /** When it came, by the leader's clock, epoch ms. */
  readonly sinceMs: number;
  /** Its session, hex; `'0'` for a claim that outlives sessions. */
  readonly session: string;
  readonly czxid: bigint;
}

/** A line at one moment. */
export interface Contention {
  readonly path: string;
  readonly holder: ContenderInLine | null;
  /** In the order they will hold, the holder included. */
  readonly contenders: readonly ContenderInLine[];
  /** Children that do not stand in line. */
  readonly foreign: readonly string[];
  /** Clients that do not see each other stand in this line: two may hold at once. */
  readonly unsafeMix: boolean;
  /** When it was listed, epoch ms. */
  readonly asOf: number;
  /** `stale`: cut off since; the line may have changed. */
  readonly freshness: 'live' | 'stale';
}

interface Known {
  readonly stat: Stat;
  readonly data: ReturnType<typeof decodeClaim>;
}

/** The present line at once, then after every change; again after every reconnect. Errors when the path may not be listed. */
export function contention(session: SessionPort, path: string): Observable<Contention> {
  return new Observable((subscriber) => {
    const known = new Map<string, Known>();
    let last: Contention | null = null;
    let round = 0;
    let forget: () => void = () => undefined;

    const look = () => {
      forget();
      round += 1;
      const mine = round;
      const current = () => mine === round && !subscriber.closed;
      const { client } = session;
      const watcher = () => {
        if (current()) look();
      };
      forget = () => {
        client.removeWatch(path, watcher);
      };
      list(client, path, watcher, known).then(
        (listed) => {
          if (!current()) return;
          last = { path, ...listed, asOf: session.clock.wallNow(), freshness: 'live' };
          subscriber.next(last);
        },
        (error: unknown) => {
          if (!current()) return;
          if (
            isZooKeeperError(error) &&
            (error.retryable || error.code === 'SessionEnded' || error.code === 'Closed')
          )
            return;
          subscriber.error(error);
        },
      );
    };

    const stop = session.onNews((news) => {
      switch (news.type) {
        case 'session.connected':
          look();
          return;
        case 'session.closed':
          subscriber.complete();
          return;
        case 'session.suspended':
        case 'session.lost':
          round += 1;
          if (last?.freshness === 'live') {
            last = { ...last, freshness: 'stale' };
            subscriber.next(last);
          }
          return;
        case 'validity.passed':
          return;
      }
    });
    return () => {
      stop();
      forget();
    };
  });
}

/** Every line under `root`, at one moment: a path counts when somebody stands in line there. Empty when `root` is not there. */
export async function linesUnder(session: SessionPort, root: string): Promise<Contention[]> {
  const { client } = session;
  const found: Contention[] = [];
  const visit = async (path: string): Promise<void> => {
    let children: readonly string[];
    try {
      ({ children } = await client.getChildren(path));
    } catch (error) {
      if (isZooKeeperError(error, 'NoNode', 'NoAuth')) return;
      throw error;
    }
    const { contenders, foreign } = lineOf(children);
    if (contenders.length > 0) {
      const listed = await list(client, path, undefined, new Map());
      if (listed.holder !== null)
        found.push({ path, ...listed, asOf: session.clock.wallNow(), freshness: 'live' });
    }
    const below = path === '/' ? '' : path;
    await Promise.all(
      foreign.filter((name) => below !== '' || name !== 'zookeeper').map((name) => visit(`${below}/${name}`)),
    );
  };
  await visit(root);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

type Listed = Omit<Contention, 'path' | 'asOf' | 'freshness'>;

async function list(
  client: ZooKeeperClient,
  path: string,
  watcher: (() => void) | undefined,
  known: Map<string, Known>,
): Promise<Listed> {
  let names: readonly string[];
  try {
    names = (await client.getChildren(path, watcher)).children;
  } catch (error) {
    if (!isZooKeeperError(error, 'NoNode')) throw error;
    // A path that is not there is an empty line; its creation is watched. It may have been made in between.
    if (watcher !== undefined && (await client.exists(path, watcher)) !== null)
      return list(client, path, watcher, known);
    return { holder: null, contenders: [], foreign: [], unsafeMix: false };
  }
  let line = lineOf(names);
  await learn(client, path, line.contenders, known);
  if (line.pastCounterEnd) {
    line = orderByCreation(line, new Map([...known].map(([name, { stat }]) => [name, stat.czxid])));
  }
  const contenders = line.contenders
    .filter(({ name }) => known.has(name))
    .map((contender, position) => shown(path, contender, position, known.get(contender.name)));
  return { holder: contenders[0] ?? null, contenders, foreign: line.foreign, unsafeMix: line.unsafeMix };
}

/** Reads each claim once: what it says of its owner does not change while it stands in line. */
async function learn(
  client: ZooKeeperClient,
  path: string,
  contenders: readonly Contender[],
  known: Map<string, Known>,
) {
  const present = new Set(contenders.map(({ name }) => name));
  for (const name of known.keys()) if (!present.has(name)) known.delete(name);
  await Promise.all(
    contenders
      .filter(({ name }) => !known.has(name))
      .map(async ({ name }) => {
        try {
          const { data, stat } = await client.getData(`${path}/${name}`);
          known.set(name, { stat, data: decodeClaim(data) });
        } catch (error) {
          if (isZooKeeperError(error, 'NoNode')) return;
          if (!isZooKeeperError(error, 'NoAuth')) throw error;
          const stat = await client.exists(`${path}/${name}`);
          if (stat !== null) known.set(name, { stat, data: { rest: {} } });
        }
      }),
  );
}

function shown(
  path: string,
  contender: Contender,
  position: number,
  known: Known | undefined,
): ContenderInLine {
  const { owner, host, pid } = known?.data ?? {};
  return {
    ...contender,
    path: `${path}/${contender.name}`,
    position,
    ...(owner === undefined ? {} : { owner }),
    ...(host === undefined ? {} : { host }),
    ...(pid === undefined ? {} : { pid }),
    sinceMs: known?.stat.ctimeMs ?? 0,
    session: known?.stat.ephemeralOwner ?? '0',
    czxid: known?.stat.czxid ?? 0n,
  };
}
