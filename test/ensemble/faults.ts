/** What is done to three servers, the network and the workers. Each fault ends with everything healed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Ensemble, EnsembleServer } from './ensemble.js';
import type { Workforce } from './workforce.js';

/** Where faults strike. */
export interface Stage {
  readonly ensemble: Ensemble;
  readonly workforce: Workforce;
  readonly sessionMs: number;
  /** In [0, 1), from the run's seed. */
  readonly random: () => number;
}

const some = <T>({ random }: Stage, of: readonly T[]): T => of[Math.floor(random() * of.length)]!;

/** Between two thirds of a session, when a silent server is given up, and its end. */
const BEYOND_TWO_THIRDS = 0.8;
const BEYOND_THE_SESSION = 1.5;

/** The worker that enters next, and the server that its session is on. */
async function nextHolder({
  ensemble,
  workforce,
}: Stage): Promise<{ worker: string; server: EnsembleServer }> {
  for (;;) {
    const { worker } = await workforce.next('enter');
    const server = ensemble.behind(workforce.serverOf(worker) ?? '');
    if (server !== undefined) return { worker, server };
  }
}

async function killAndStart({ random, sessionMs, ensemble }: Stage, server: EnsembleServer): Promise<void> {
  await server.process.kill();
  await delay(random() * sessionMs);
  await ensemble.heal();
}

async function freeze(
  { ensemble, sessionMs }: Stage,
  server: EnsembleServer,
  sessions: number,
): Promise<void> {
  server.process.freeze();
  await delay(sessions * sessionMs);
  await ensemble.heal();
}

async function stopWorker({ workforce, sessionMs }: Stage, sessions: number): Promise<void> {
  const { worker } = await workforce.next('enter');
  await workforce.stop(worker);
  await delay(sessions * sessionMs);
  workforce.resume(worker);
}

/** By what is done. */
export const FAULTS: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  'kill -9 of the leader': async (stage) => killAndStart(stage, await stage.ensemble.leader()),
  'kill -9 of a follower': async (stage) =>
    killAndStart(stage, some(stage, await stage.ensemble.followers())),
  "kill -9 of the holder's server": async (stage) => killAndStart(stage, (await nextHolder(stage)).server),
  'kill -9 of the whole ensemble': async ({ ensemble }) => {
    await Promise.all(ensemble.servers.map((server) => server.process.kill()));
    await ensemble.heal();
  },
  'SIGSTOP of the leader beyond two thirds of the session': async (stage) =>
    freeze(stage, await stage.ensemble.leader(), BEYOND_TWO_THIRDS),
  'SIGSTOP of the leader beyond the session': async (stage) =>
    freeze(stage, await stage.ensemble.leader(), BEYOND_THE_SESSION),
  "SIGSTOP of the holder's server beyond two thirds of the session": async (stage) =>
    freeze(stage, (await nextHolder(stage)).server, BEYOND_TWO_THIRDS),
  "SIGSTOP of the holder's server beyond the session": async (stage) =>
    freeze(stage, (await nextHolder(stage)).server, BEYOND_THE_SESSION),
  'a rolling restart': async ({ ensemble }) => {
    for (const { process } of ensemble.servers) {
      await process.kill('SIGTERM');
      await process.start();
      await ensemble.serving();
    }
  },
  'a cut of every connection': async (stage) => {
    await nextHolder(stage);
    for (const { door } of stage.ensemble.servers) door.cut();
  },
  'an answer that is lost': async (stage) => {
    await (await nextHolder(stage)).server.door.dropNextReply();
  },
  'an answer that is lost, and the connection with it': async (stage) => {
    await (await nextHolder(stage)).server.door.cutAtNextReply();
  },
  'a black hole before a server, beyond the session': async (stage) => {
    const { door } = (await nextHolder(stage)).server;
    door.weather.blackhole = true;
    await delay(BEYOND_THE_SESSION * stage.sessionMs);
    await stage.ensemble.heal();
  },
  'a black hole before every server, beyond the session': async (stage) => {
    await nextHolder(stage);
    for (const { door } of stage.ensemble.servers) door.weather.blackhole = true;
    await delay(BEYOND_THE_SESSION * stage.sessionMs);
    await stage.ensemble.heal();
  },
  'everything held back before every server, and delivered late': async (stage) => {
    await nextHolder(stage);
    for (const { door } of stage.ensemble.servers) door.hold();
    await delay(stage.random() * BEYOND_THE_SESSION * stage.sessionMs);
    await stage.ensemble.heal();
  },
  'answers that are slow': async (stage) => {
    for (const { door } of stage.ensemble.servers) door.weather.replyDelayMs = 20 + stage.random() * 200;
    for (let count = 0; count < 5; count += 1) await nextHolder(stage);
    await stage.ensemble.heal();
  },
  'a follower that is cut off from the leader': async (stage) => {
    stage.ensemble.cutOff(some(stage, await stage.ensemble.followers()));
    await delay(BEYOND_THE_SESSION * stage.sessionMs);
    await stage.ensemble.heal();
  },
  'a leader that is cut off from its followers': async (stage) => {
    stage.ensemble.cutOff(await stage.ensemble.leader());
    await delay(BEYOND_THE_SESSION * stage.sessionMs);
    await stage.ensemble.heal();
  },
  'kill -9 of a holder': async ({ workforce }) => {
    const { worker } = await workforce.next('enter');
    await workforce.kill(worker);
    workforce.hire();
  },
  'SIGSTOP of a holder beyond two thirds of the session': (stage) => stopWorker(stage, BEYOND_TWO_THIRDS),
  'SIGSTOP of a holder beyond the session': (stage) => stopWorker(stage, BEYOND_THE_SESSION),
};
