// @ts-check
/**
 * Rules of the product, each switched off by itself. A checker that bites finds every one of them: `mutants.test.ts`. The texts must
 * be in the sources exactly once, so that a rule which moves takes its mutant along.
 *
 * @typedef {object} Mutant
 * @property {string} checker The guarantee that is then found broken, looked after alone.
 * @property {string} [workload] What people do; default: locks.
 * @property {string} profile The kind of history that finds it.
 * @property {number} [firstSeed] Where to begin, when it takes many histories; default 1.
 * @property {{ file: string, from: string, to: string }[]} replacements
 */

import { RECIPE_MUTANTS } from './recipe-mutants.mjs';

const ONE_HOLDER = 'at most one holder';
const OUTLIVES = 'a claim outlives the belief in it';
const NO_CLAIM_LEFT = 'no claim left behind';
const NOBODY_WAITS = 'nobody waits while first';
const TAKEN = 'a holder hears who asks, and why it lost its claim';

/** @type {Record<string, Mutant>} */
const LOCK_MUTANTS = {
  'whatever the number, whoever was alone is alone again': {
    checker: ONE_HOLDER,
    profile: 'over-and-over',
    replacements: [
      {
        file: 'src/known-lines.ts',
        from: 'if (numberOf(rule, name) !== sequence || ',
        to: 'if (',
      },
    ],
  },
  'the next number says that nobody is there, also before our own claim is gone': {
    checker: ONE_HOLDER,
    profile: 'over-and-over',
    replacements: [
      {
        file: 'src/known-lines.ts',
        from: 'last?.gone === true && last.repeated &&',
        to: 'last?.repeated === true &&',
      },
    ],
  },
  'the numbers of a path are those of the one before it': {
    checker: ONE_HOLDER,
    profile: 'over-and-over',
    firstSeed: 500,
    replacements: [
      {
        file: 'src/known-lines.ts',
        from: 'if (this.#watched.get(path) !== watched) return;',
        to: 'return;',
      },
    ],
  },
  'the line is ordered by name': {
    checker: ONE_HOLDER,
    profile: 'crowd',
    replacements: [
      {
        file: 'src/queue.ts',
        from: 'contenders.sort((a, b) => a.sequence - b.sequence || amongEquals(a, b));',
        to: 'contenders.sort((a, b) => byText(a.name, b.name));',
      },
    ],
  },
  "at the counter's end the number still orders (T45)": {
    checker: ONE_HOLDER,
    profile: 'counter-end',
    replacements: [
      {
        file: 'src/queue.ts',
        from: 'if (sequence === COUNTER_END || sequence < 0) pastCounterEnd = true;',
        to: '',
      },
    ],
  },
  'whoever is ahead may leave: it is a grant (T25)': {
    checker: ONE_HOLDER,
    profile: 'crowd',
    replacements: [{ file: 'src/queue.ts', from: 'inherits: position === 1 && ', to: 'inherits: ' }],
  },
  'who looked ahead takes any deletion for the grant': {
    checker: ONE_HOLDER,
    profile: 'crowd',
    replacements: [
      {
        file: 'src/look-ahead.ts',
        from: 'consultation: { verdict, asOf',
        to: "consultation: { verdict: verdict.kind === 'waits' ? { ...verdict, inherits: true } : verdict, asOf",
      },
    ],
  },
  'the claim of another session is adopted (T01, T02)': {
    checker: OUTLIVES,
    profile: 'server',
    replacements: [
      {
        file: 'machines/lock-machine.ts',
        from: "target: '#lock.creatingNode',\n      reenter: true,",
        to: "target: '#lock.creatingNode.probing',\n      reenter: true,",
      },
      {
        file: 'machines/lock-setup.ts',
        from: 'guid: context.newGuid(),',
        to: 'guid: context.guid || context.newGuid(),',
      },
      {
        file: 'src/lock-actors.ts',
        from: 'else if (claim === null && stat.ephemeralOwner === client.sessionId)',
        to: 'else if (claim === null)',
      },
    ],
  },
  'an unanswered creation is asked for again (T06)': {
    checker: 'one claim for one acquisition',
    profile: 'network',
    replacements: [
      {
        file: 'machines/lock-machine.ts',
        from: "{ guard: 'outcomeUnknown', target: 'probing' },",
        to: "{ guard: 'outcomeUnknown', target: 'awaitingSession' },",
      },
    ],
  },
  'a probe trusts a listing without sync': {
    checker: 'one claim for one acquisition',
    profile: 'followers',
    replacements: [
      {
        file: 'src/lock-actors.ts',
        from: 'return afterSync(client, lockPath, () => listOrNothing(client, lockPath));',
        to: 'return listOrNothing(client, lockPath);',
      },
    ],
  },
  'given up while its parents are made, it goes on': {
    checker: NO_CLAIM_LEFT,
    profile: 'network',
    replacements: [
      {
        file: 'src/lock-actors.ts',
        from: 'if (!wanted()) throw new Error(`nobody waits',
        to: 'if (lockPath === guid) throw new Error(`nobody waits',
      },
    ],
  },
  'nothing is looked at again after a reconnect (T23)': {
    checker: NOBODY_WAITS,
    profile: 'network',
    replacements: [
      {
        file: 'machines/lock-machine.ts',
        from: "'session.suspended': { target: '.awaitingSession', actions: ['stopClaimWatch', 'noteDisconnected'] },",
        to: "'session.suspended': { actions: 'noteDisconnected' },",
      },
      {
        file: 'src/zookeeper/wire-session.ts',
        from: 'this.watches.batches(WATCH_BATCH_BYTES)',
        to: '[]',
      },
    ],
  },
  'a predecessor that is gone before it is watched wakes nobody (T21)': {
    checker: NOBODY_WAITS,
    profile: 'crowd',
    replacements: [
      {
        file: 'src/zookeeper/watches.ts',
        from: "if (isZooKeeperError(error, 'NoNode')) heard({ type: 'gone', witnessed: false });",
        to: "if (isZooKeeperError(error, 'NoNode')) return;",
      },
    ],
  },
  'our own claim is not watched (T03)': {
    checker: 'a holder whose claim is gone hears of it',
    profile: 'znodes',
    replacements: [
      {
        file: 'src/lock-watchers.ts',
        from: 'look();\n  return () => {\n    stopped = true;\n    stopAttending();',
        to: 'return () => {\n    stopped = true;\n    stopAttending();',
      },
    ],
  },
  'a claim is deleted once, or not at all (T12–T14)': {
    checker: NO_CLAIM_LEFT,
    profile: 'network',
    replacements: [
      {
        file: 'machines/lock-withdrawal.ts',
        from: "{ guard: 'retryable', target: 'retrying' },\n          { target: refused, actions: 'noteNotReleased' },",
        to: '{ target: settled },',
      },
      {
        file: 'machines/lock-withdrawal.ts',
        from: "{ guard: 'sessionDown', target: 'retrying' },",
        to: "{ guard: 'sessionDown', target: settled },",
      },
    ],
  },
  'what ran out of time stays in line (T13)': {
    checker: NO_CLAIM_LEFT,
    profile: 'crowd',
    replacements: [
      {
        file: 'machines/lock-machine.ts',
        from: "failed: {\n      entry: 'stopDeadline',\n      initial: 'deleting',",
        to: "failed: {\n      entry: 'stopDeadline',\n      initial: 'settled',",
      },
    ],
  },
  'nobody hears an abort': {
    checker: NO_CLAIM_LEFT,
    profile: 'crowd',
    replacements: [
      {
        file: 'machines/lock-machine.ts',
        from: "abort: { target: '#lock.failed', actions: { type: 'fail', params: { kind: 'aborted' } } },",
        to: '',
      },
    ],
  },
  'a deadline is not kept (T28)': {
    checker: 'every promise settles by its deadline',
    profile: 'network',
    replacements: [
      {
        file: 'machines/lock-setup.ts',
        from: "enqueue.raise({ type: 'deadline.passed' }, { delay: 'timeout', id: 'deadline' });",
        to: 'return;',
      },
    ],
  },
  'there is no validity bound (T31)': {
    checker: ONE_HOLDER,
    profile: 'process',
    replacements: [
      {
        file: 'src/zookeeper/supervisor.ts',
        from: 'const bound = timeoutMs * (1 - this.#options.clockDrift) - guardMs;',
        to: 'const bound = 1_000_000 * timeoutMs + guardMs;',
      },
    ],
  },
  'the bound is heard of, never computed (T39)': {
    checker: ONE_HOLDER,
    profile: 'process',
    replacements: [
      {
        file: 'src/lease.ts',
        from: "if (policy !== 'session' && session.remainingValidityMs() <= 0) {",
        to: "if (policy !== 'session' && session.closed) {",
      },
    ],
  },
  'the bound counts from the receipt of an answer (T32)': {
    checker: OUTLIVES,
    profile: 'late-answers',
    replacements: [
      {
        file: 'src/zookeeper/connection.ts',
        from: 'this.#acknowledge(ping.monotonicMs, ping.wallMs);',
        to: 'this.#acknowledge(this.#clock.now(), this.#clock.wallNow());',
      },
    ],
  },
  'a follower is trusted after any silence': {
    checker: OUTLIVES,
    profile: 'process-on-follower',
    replacements: [
      {
        file: 'src/zookeeper/heartbeat.ts',
        from: 'if (unheardMs <= timeoutMs * TRUSTED_SILENCE) return true;',
        to: 'if (unheardMs > 0) return true;',
      },
    ],
  },
  'sleep does not count (T38)': {
    checker: ONE_HOLDER,
    profile: 'process',
    replacements: [
      {
        file: 'src/clock.ts',
        from: 'return Math.max(clock.now() - since.monotonicMs, clock.wallNow() - since.wallMs);',
        to: 'return clock.now() - since.monotonicMs;',
      },
    ],
  },
  'through a follower nothing is taken off the bound': {
    checker: OUTLIVES,
    profile: 'one-follower-each',
    firstSeed: 180,
    replacements: [
      {
        file: 'src/zookeeper/supervisor.ts',
        from: 'const guardMs = Math.min(this.#options.guardMs ?? paceMs(timeoutMs), timeoutMs / 4);',
        to: 'const guardMs = 0;',
      },
    ],
  },
  'the quorum heartbeat trusts its newest answer (T37)': {
    checker: OUTLIVES,
    profile: 'isolated-quorum',
    firstSeed: 180,
    replacements: [
      {
        file: 'src/zookeeper/quorum-heartbeat.ts',
        from: '(exchange) => exchange.acknowledgedMs <= before.sent.monotonicMs - this.#relayMs,',
        to: '() => true,',
      },
    ],
  },
  'a time to live counts from the asking (K01)': {
    checker: ONE_HOLDER,
    profile: 'time-to-live',
    replacements: [
      {
        file: 'src/claim-record.ts',
        from: 'return this.#verbatim ?? encodeClaim(this.#data, this.#madeMs);',
        to: 'return this.#verbatim ?? encodeClaim({ ...this.#data, ttlMs: 1_000 }, this.#madeMs);',
      },
    ],
  },
  'a watch stays when the wait is over (T19)': {
    checker: 'no watch left behind',
    profile: 'crowd',
    replacements: [
      {
        file: 'src/zookeeper/watches.ts',
        from: 'stopped = true;\n    if (armed !== null) client.removeWatch(path, armed);',
        to: 'stopped = true;',
      },
    ],
  },
  'who asked for it does not lose the lock with the connection': {
    checker: 'ownership streams are well-formed',
    profile: 'network',
    replacements: [
      {
        file: 'machines/lock-setup.ts',
        from: "standardPolicy: ({ context }) => context.onSuspend === 'standard',",
        to: 'standardPolicy: () => false,',
      },
    ],
  },
  'an expired stream does not end': {
    checker: 'ownership streams are well-formed',
    profile: 'process',
    replacements: [
      {
        file: 'src/lock.ts',
        from: "else if (ownership.status === 'released' || ownership.status === 'expired') subscriber.complete();",
        to: "else if (ownership.status === 'released') subscriber.complete();",
      },
    ],
  },
  'the token is the sequence number (T04)': {
    checker: 'fencing tokens only grow',
    profile: 'znodes',
    replacements: [
      {
        file: 'src/lease.ts',
        from: '(czxid << HAND_OVER_BITS)',
        to: '((czxid && BigInt(this.parts.claim.name.slice(-10))) << HAND_OVER_BITS)',
      },
    ],
  },
  'where locks are stolen, the token says when it was asked for': {
    checker: 'fencing tokens only grow',
    profile: 'web-locks',
    replacements: [
      {
        file: 'src/recipes/stamped-lease.ts',
        from: 'this.#granted << HAND_OVER_BITS',
        to: 'this.parts.claim.czxid << HAND_OVER_BITS',
      },
    ],
  },
  'a thief does not mind who keeps readers from holding': {
    checker: ONE_HOLDER,
    profile: 'web-locks-shared',
    replacements: [
      {
        file: 'src/lock-actors.ts',
        from: '...(guard === undefined || guard.name === claim.name',
        to: '...(guard === undefined || guard.name !== guid',
      },
    ],
  },
  'a thief robs only the first of those who share': {
    checker: ONE_HOLDER,
    profile: 'web-locks-shared',
    replacements: [{ file: 'src/queue.ts', from: 'holders: [first, ...others]', to: 'holders: [first]' }],
  },
  'a claim that is handed on keeps its token': {
    checker: 'fencing tokens only grow',
    profile: 'local',
    replacements: [
      { file: 'src/lease.ts', from: ' | BigInt(handOver)', to: ' | BigInt(handOver - handOver)' },
    ],
  },
  'a claim is handed on without end': {
    checker: 'a claim is handed on no more often than it may be',
    profile: 'local',
    replacements: [
      { file: 'src/local-line.ts', from: '(claim.handOver ?? 0) < handover.max', to: 'handover.max > 0' },
    ],
  },
  'whoever is handed a claim holds, whatever it was worth': {
    checker: ONE_HOLDER,
    profile: 'local',
    replacements: [
      {
        file: 'src/local-line.ts',
        from: 'from.granted && !cutSinceListing && session.remainingValidityMs() > 0',
        to: 'session.clock !== null',
      },
    ],
  },
  'a local contender that gives up tells nobody': {
    checker: NOBODY_WAITS,
    profile: 'local',
    replacements: [
      { file: 'src/acquisition.ts', from: 'this.#local?.line?.leave(this.#local);', to: '' },
      { file: 'src/local-actors.ts', from: 'line?.leave(contender);', to: '' },
    ],
  },
  'a claim that is handed on is not withdrawn by whoever has it then': {
    checker: NO_CLAIM_LEFT,
    profile: 'local',
    replacements: [{ file: 'src/local-line.ts', from: 'heir.acquisition.made.add(claim.path);', to: '' }],
  },
  'a loss is not waited out': {
    checker: 'a loss is waited out',
    profile: 'losses',
    replacements: [
      {
        file: 'src/unclean-loss.ts',
        from: 'if (remainingMs > 0)',
        to: 'if (remainingMs > 2 * lossDelay.ms)',
      },
    ],
  },
  'who lost what it held takes its mark along': {
    checker: 'a loss is waited out',
    profile: 'losses',
    replacements: [
      {
        file: 'machines/lock-setup.ts',
        from: "mark: context.expiredBecause === null ? context.mark : 'none'",
        to: 'mark: context.mark',
      },
    ],
  },
  'a release leaves its mark': {
    checker: 'a clean release delays nobody',
    profile: 'losses',
    replacements: [
      {
        file: 'src/lock-actors.ts',
        from: "return claim === null || mark === 'none'",
        to: "return claim === null || mark !== 'possible'",
      },
    ],
  },
  'whoever is asked for a lock hears nothing': {
    checker: TAKEN,
    profile: 'operators',
    firstSeed: 240,
    replacements: [
      {
        file: 'src/lock-watchers.ts',
        from: "if (revoke !== undefined) sendBack({ type: 'claim.revokeRequested', request: revoke });",
        to: '',
      },
    ],
  },
  'whoever was asked is not told that this is why': {
    checker: TAKEN,
    profile: 'operators',
    replacements: [
      {
        file: 'machines/lock-setup.ts',
        from: "context.revokeRequested === null ? ('node-deleted' as const) : ('revoked' as const)",
        to: "'node-deleted' as const",
      },
    ],
  },
};

export const MUTANTS = { ...LOCK_MUTANTS, ...RECIPE_MUTANTS };
