/** A whole ZooKeeper inside the page, and sessions on it: what live stories happen in. */
import { concatMap, firstValueFrom, type Observable, scan } from 'rxjs';
import { createEmbeddedZooKeeper, type EmbeddedZooKeeper } from '../src/embedded/index.js';
import { connect, type Session } from '../src/index.js';
import {
  EMPTY_TRACE,
  type InspectionHub,
  inspectLocks,
  type Trace,
  withRecord,
} from '../src/inspect/index.js';

/** A contender: a session of its own, as a process would have. */
export interface Contender {
  readonly name: string;
  readonly session: Session;
  /** What its locks' machines did. */
  readonly hub: InspectionHub;
}

/** What a live story is given; end it when the story is left. */
export interface World {
  readonly zookeeper: EmbeddedZooKeeper;
  readonly contenders: readonly Contender[];
  /** Looks on. */
  readonly onlooker: Session;
  close(): Promise<void>;
}

/** Short, so that a visitor sees the end of one. */
const SESSION_MS = 6_000;

/** A server in this page, a session for each name, and one that looks on. */
export async function makeWorld(names: readonly string[]): Promise<World> {
  const zookeeper = await createEmbeddedZooKeeper({ tickMs: 500 });
  const open = (options: Parameters<typeof connect>[1] = {}) =>
    connect('embedded', { client: zookeeper.client(), sessionTimeoutMs: SESSION_MS, ...options });
  const contenders = names.map((name) => {
    const hub = inspectLocks();
    return { name, hub, session: open({ inspect: hub.inspect }) };
  });
  const onlooker = open();
  return {
    zookeeper,
    contenders,
    onlooker,
    close: async () => {
      zookeeper.faults.heal();
      await Promise.all([...contenders.map(({ session }) => session.close()), onlooker.close()]);
      await zookeeper.close();
    },
  };
}

/** The id of a session, once there is one. */
export const sessionIdOf = ({ state }: Session): Promise<string> =>
  firstValueFrom(state.pipe(concatMap((now) => (now.kind === 'connected' ? [now.sessionId] : []))));

/** What a hub has told so far, and then tells, as a viewer takes it. */
export const traceOf = ({ records$ }: InspectionHub): Observable<Trace> =>
  records$.pipe(scan((trace, record) => withRecord(trace, record), EMPTY_TRACE));
