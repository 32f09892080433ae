/** What goes wrong: each fault finds itself a victim, does its harm, and leaves the way back with the world. */
import { breakClaim } from '../../src/claim-break.js';
import { revokeClaim } from '../../src/claim-revoke.js';
import { opcode } from '../../src/zookeeper/records.js';
import type { Chance } from './chance.js';
import type { Participant } from './participant.js';
import type { World } from './world.js';

type Fault = (world: World, chance: Chance) => void;

/** The more often, the more depends on it. */
const LOSABLE = [
  opcode.create2,
  opcode.create2,
  opcode.create2,
  opcode.getChildren2,
  opcode.getChildren2,
  opcode.delete,
  opcode.delete,
  opcode.delete,
  opcode.getData,
  opcode.setData,
  opcode.exists,
  opcode.sync,
  opcode.multi,
  opcode.removeWatches,
];

/** Trouble likes holders. */
const somebody = (world: World, chance: Chance): Participant | undefined => {
  const alive = world.participants.filter(({ clock, closed }) => !clock.dead && !closed);
  const holding = world.attempts.flatMap(({ pending, doing, participant }) =>
    pending && doing === 'holding' && alive.includes(participant) ? [participant] : [],
  );
  const choices = holding.length > 0 && chance.happens(0.6) ? holding : alive;
  return choices.length === 0 ? undefined : chance.pick(choices);
};

/** Mostly short, now and then longer than a session. */
const duration = (world: World, chance: Chance): number =>
  chance.happens(0.4) ? chance.between(20, 1_500) : chance.between(0.2, 2) * world.sessionTimeoutMs;

const onRequest =
  (button: 'loseNextReply' | 'loseNextRequest' | 'cutAfterNextReply'): Fault =>
  (world, chance) => {
    const type = chance.pick(LOSABLE);
    world.ensemble.zookeeper.faults[button]((request) => request.type === type);
  };

const claimToHarm = (world: World, chance: Chance): string | undefined => {
  if (world.lines.length === 0) return undefined;
  const path = chance.pick(world.lines);
  const line = world.lineAt(path);
  return line.length === 0 ? undefined : `${path}/${chance.pick(line).name}`;
};

const follower = (world: World, chance: Chance) => {
  const { followers } = world.ensemble;
  return followers.length === 0 ? undefined : chance.pick(followers);
};

export const FAULTS = {
  /** A connection breaks; each side notices sooner, later, or not at all. */
  cut(world, chance) {
    for (const link of somebody(world, chance)?.links ?? []) {
      link.cut({
        client: chance.happens(0.3) ? null : chance.between(0, 300),
        server: chance.happens(0.4) ? null : chance.between(0, 300),
        arrives: chance.happens(0.5),
      });
    }
  },
  /** Nothing gets through, and nobody is told. */
  silence(world, chance) {
    const which = chance.pick(['toServer', 'toClient', 'both'] as const);
    const participant = somebody(world, chance);
    for (const link of [...(participant?.links ?? [])]) {
      if (which !== 'toClient') link.toServer.stall();
      if (which !== 'toServer') link.toClient.stall();
      const broken = chance.happens(0.3);
      world.lasting(duration(world, chance), () => {
        if (broken) link.cut({ client: 0, server: chance.between(0, 100), arrives: false });
        link.flow();
        if (participant !== undefined) participant.silentUntilMs = world.clock.now();
      });
    }
  },
  slow(world, chance) {
    const participant = somebody(world, chance);
    if (participant === undefined) return;
    participant.slowMs = chance.between(50, 0.4 * world.sessionTimeoutMs);
    world.settleMs = world.sessionTimeoutMs;
    world.lasting(duration(world, chance), () => {
      participant.slowMs = 0;
    });
  },
  loseReply: onRequest('loseNextReply'),
  loseRequest: onRequest('loseNextRequest'),
  cutAfterReply: onRequest('cutAfterNextReply'),
  /** The event loop stands still. */
  block(world, chance) {
    const goOn = somebody(world, chance)?.clock.block();
    if (goOn !== undefined) world.lasting(duration(world, chance), goOn);
  },
  /** Not long enough for the session's end to be sure. */
  blockForMostOfASession(world, chance) {
    const goOn = somebody(world, chance)?.clock.block();
    if (goOn !== undefined) world.lasting(chance.between(0.75, 1.05) * world.sessionTimeoutMs, goOn);
  },
  /** The machine sleeps. */
  suspend(world, chance) {
    const participant = somebody(world, chance);
    if (participant === undefined || participant.setBack) return;
    participant.slept = true;
    world.lasting(duration(world, chance), participant.clock.suspend());
  },
  wallForward(world, chance) {
    somebody(world, chance)?.clock.setWall(chance.between(10, 60_000));
  },
  wallBack(world, chance) {
    const participant = somebody(world, chance);
    if (participant === undefined || participant.slept) return;
    participant.setBack = true;
    participant.clock.setWall(-chance.between(10, 60_000));
  },
  kill(world, chance) {
    somebody(world, chance)?.kill(chance.happens(0.7));
    if (chance.happens(0.7)) world.join();
  },
  close(world, chance) {
    const participant = somebody(world, chance);
    if (participant !== undefined) world.leave(participant);
  },
  /**
   * The leader stands still. For a follower's clients that is being cut off from it (T37): where they trust in pings, no longer than
   * the guard covers.
   */
  freeze(world, chance) {
    const covered = world.ensemble.followers.length > 0 && world.profile.heartbeat === 'ping';
    // Not again before it has heard from its followers.
    if (covered && world.clock.now() < world.frozenUntilMs + 2 * world.tickMs) return;
    world.ensemble.freeze();
    const forMs = covered ? chance.between(20, 700) : duration(world, chance);
    world.frozenUntilMs = world.clock.now() + forMs;
    world.lasting(forMs, () => {
      world.ensemble.thaw();
    });
  },
  /** As an operator, or a confused server, may end a session: whoever trusts in it cannot know. */
  expireEarly(world, chance) {
    const sessions = world.ensemble.zookeeper.sessions();
    if (sessions.length === 0) return;
    const { id } = chance.pick(sessions);
    for (const path of world.ensemble.zookeeper.server.tree.ephemeralsOf(id)) world.rob(path);
    world.ensemble.zookeeper.expireSession(id);
  },
  expireLate(world, chance) {
    const sessions = world.ensemble.zookeeper.sessions();
    if (sessions.length === 0) return;
    world.ensemble.zookeeper.faults.expireLater(
      chance.pick(sessions).id,
      chance.between(0, world.sessionTimeoutMs),
    );
  },
  /** The claims of a session outlive it, and are there when its owner comes back with another one (T01). */
  lateDeletion(world, chance) {
    const { faults } = world.ensemble.zookeeper;
    faults.delayEphemeralDeletion(chance.between(100, world.sessionTimeoutMs));
    world.lasting(chance.between(1, 3) * world.sessionTimeoutMs, () => {
      faults.delayEphemeralDeletion(0);
    });
  },
  deleteClaim(world, chance) {
    const path = claimToHarm(world, chance);
    if (path === undefined) return;
    world.rob(path);
    world.ensemble.zookeeper.deleteNode(path);
  },
  /** An operator asks whoever stands there to give up, and takes the claim when the grace is over. */
  revoke(world, chance) {
    const claim = claimToHarm(world, chance);
    const operator = somebody(world, chance);
    if (claim === undefined || operator === undefined) return;
    const request = { by: operator.name, why: '', graceMs: chance.between(0, 4_000) };
    world.operate(operator, `revoking ${claim}`, () =>
      revokeClaim(operator.supervisor, claim, request, () => undefined),
    );
  },
  /** An operator takes a claim without a word. */
  breakClaim(world, chance) {
    const claim = claimToHarm(world, chance);
    const operator = somebody(world, chance);
    if (claim === undefined || operator === undefined) return;
    world.operate(operator, `breaking ${claim}`, () =>
      breakClaim(operator.supervisor.client, claim, { by: operator.name }),
    );
  },
  deletePath(world, chance) {
    const path = chance.pick(world.paths);
    for (const line of world.workload.linesAt(path))
      for (const { name } of world.lineAt(line)) world.rob(`${line}/${name}`);
    world.ensemble.zookeeper.deleteNode(path);
  },
  foreignChild(world, chance) {
    const { strangersAt } = world.workload;
    const path = chance.pick(world.paths);
    const name = chance.pick(['team-1', 'config', 'lock', 'x-72057594037927936-0000000001', 'lock-12345']);
    const line = strangersAt === undefined ? path : strangersAt(path);
    if (line !== null) world.makeNode(`${line}/${name}`);
  },
  reap(world) {
    world.ensemble.zookeeper.faults.reapContainers();
  },
  /** A replica falls behind, and goes on answering. */
  lag(world, chance) {
    const behind = follower(world, chance);
    behind?.lag();
    if (behind !== undefined)
      world.lasting(duration(world, chance), () => {
        behind.catchUp();
      });
  },
  followerCrash(world, chance) {
    const down = follower(world, chance);
    // Somebody's first word after a long silence may not have come to the leader yet: for that nobody's guard is enough.
    const justHeard = world.participants.some(
      ({ clock, silentUntilMs }) => world.clock.now() - Math.max(clock.wokeMs, silentUntilMs) < world.tickMs,
    );
    if (justHeard && world.profile.heartbeat === 'ping') return;
    down?.shutDown();
    // Whoever knows no other server is to lose its session.
    const forMs = world.profile.oneHost
      ? chance.between(1, 2) * world.sessionTimeoutMs
      : duration(world, chance);
    if (down !== undefined)
      world.lasting(forMs, () => {
        down.rejoin();
      });
  },
  /** The way to the leader and back takes long. */
  slowRelay(world, chance) {
    const slow = follower(world, chance);
    if (slow === undefined) return;
    slow.slowMs = chance.between(100, 3_000);
    world.settleMs = world.sessionTimeoutMs;
    world.lasting(duration(world, chance), () => {
      slow.slowMs = 0;
    });
  },
  /** Cut off from its leader, a follower goes on answering until it notices (T37). */
  isolate(world, chance) {
    const alone = follower(world, chance);
    alone?.isolate();
    if (alone !== undefined)
      world.lasting(chance.between(0.5, 3) * world.sessionTimeoutMs, () => {
        alone.rejoin();
      });
  },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;
