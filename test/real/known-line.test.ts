/** A server before 3.9 keeps one kind of watch for a path and session: the lock's and the onlooker's are not to undo each other. */
import { firstValueFrom, ReplaySubject } from 'rxjs';
import { filter } from 'rxjs/operators';
import { afterEach, expect, inject, it } from 'vitest';
import type { Contention } from '../../src/contention.js';
import { connect, type Session } from '../../src/index.js';
import { freshPath } from '../lock/behaviour.js';
import { fourLetterWord } from '../setup/zookeeper-process.js';

const sessions: Session[] = [];
const open = (): Session => {
  const session = connect(inject('zookeeper'), { sessionTimeoutMs: 15_000 });
  sessions.push(session);
  return session;
};
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

const cycles = async (session: Session, path: string, count: number) => {
  for (let cycle = 0; cycle < count; cycle += 1) await (await session.lock(path).acquire()).release();
};

const told = (pictures: ReplaySubject<Contention>, wanted: (line: Contention) => boolean) =>
  firstValueFrom(pictures.pipe(filter(wanted)));

/** Looks on at the path's line in this session. */
async function look(session: Session, path: string) {
  const pictures = new ReplaySubject<Contention>(1);
  const looking = session.contention(path).subscribe(pictures);
  await told(pictures, ({ freshness }) => freshness === 'live');
  return { pictures, looking };
}

it.each([
  ['before', 0, 4],
  ['after', 3, 4],
])(
  'who began to look on %s the session had taken the lock time and again sees who comes',
  async (_, before, after) => {
    const path = freshPath('known-line');
    const session = open();
    await cycles(open(), path, 1);
    await cycles(session, path, before);
    const { pictures } = await look(session, path);
    await cycles(session, path, after);
    const lease = await open().lock(path).acquire({ owner: 'ada' });
    await told(pictures, ({ holder }) => holder?.owner === 'ada');
    await lease.release();
    await told(pictures, ({ contenders }) => contenders.length === 0);
  },
);

it('who looked on at a line that the session knew hears no more of it', async () => {
  const path = freshPath('known-line');
  const session = open();
  await cycles(session, path, 3);
  (await look(session, path)).looking.unsubscribe();
  const state = await firstValueFrom(session.state);
  const id = state.kind === 'connected' ? state.sessionId : '';
  const port = Number(inject('zookeeper').split(':')[1]);
  const sent = async () => {
    const connections = (await fourLetterWord(port, 'cons')).split('\n');
    return Number(/sent=(\d+)/.exec(connections.find((line) => line.includes(`sid=0x${id},`)) ?? '')?.[1]);
  };
  const before = await sent();
  await cycles(open(), path, 100);
  // Each of the others' claims would have set it off twice; pings apart.
  expect((await sent()) - before).toBeLessThan(20);
});
