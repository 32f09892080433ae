// @ts-check
/**
 * Rules of what is built from locks, each switched off by itself, as in `mutants.mjs`.
 *
 * @typedef {import('./mutants.mjs').Mutant} Mutant
 */

const READERS = "return contenders.findLastIndex(({ kind }, other) => other < index && kind !== 'read');";
const WRITERS = "if (contenders[index]?.kind !== 'read') return index - 1;";
const ALONE = 'a writer holds alone';
const SETTLES = 'everybody settles';
const BARRIER = 'a barrier holds back until it is lowered';
const TOGETHER = 'a group begins together and ends together';

/** The line is listed and watched, and what that listing says is not looked at. */
const FIRST_LISTING = {
  file: 'src/lock-watchers.ts',
  from: 'return watchChildren(client, lockPath).subscribe({\n    next: ({ children }) => {\n',
  to: 'let first = true;\n  return watchChildren(client, lockPath).subscribe({\n    next: ({ children }) => {\n      if (first) {\n        first = false;\n        return;\n      }\n',
};
/** Whoever is unsubscribed keeps the claims that he has. */
const KEPT = {
  file: 'src/recipes/joint-acquisition.ts',
  from: 'following?.unsubscribe();\n      claim.unsubscribe();',
  to: 'following?.unsubscribe();',
};

/** @type {Record<string, Mutant>} */
export const RECIPE_MUTANTS = {
  'a reader waits for nobody': {
    checker: ALONE,
    workload: 'read-write',
    profile: 'crowd',
    replacements: [{ file: 'src/queue.ts', from: READERS, to: 'return -1;' }],
  },
  'a reader looks at his immediate predecessor only': {
    checker: ALONE,
    workload: 'read-write',
    profile: 'crowd',
    replacements: [
      {
        file: 'src/queue.ts',
        from: READERS,
        to: "return contenders[index - 1]?.kind === 'read' ? -1 : index - 1;",
      },
    ],
  },
  'a reader waits for the writer who holds, and for none who waits': {
    checker: 'nobody overtakes',
    workload: 'read-write',
    profile: 'crowd',
    replacements: [
      { file: 'src/queue.ts', from: READERS, to: "return contenders[0]?.kind === 'read' ? -1 : 0;" },
    ],
  },
  'a writer waits for writers only': {
    checker: ALONE,
    workload: 'read-write',
    profile: 'crowd',
    replacements: [
      {
        file: 'src/queue.ts',
        from: WRITERS,
        to: "if (contenders[index]?.kind === 'exclusive') return index - 1;",
      },
    ],
  },
  'a downgrade stands in line under a new number (T48)': {
    checker: 'a downgrade keeps its place',
    workload: 'read-write',
    profile: 'crowd',
    replacements: [
      {
        file: 'src/lock-actors.ts',
        from: 'const path = `${lockPath}/${nameInPlaceOf(writer.name, guid)}`;',
        to: "const path = `${lockPath}/${claimPrefix(guid, '__READ__')}`;",
      },
      {
        file: 'src/lock-actors.ts',
        from: "data: record.fresh(), mode: 'ephemeral', acl },",
        to: 'data: record.fresh(), mode: EPHEMERAL, acl },',
      },
      {
        file: 'src/lock-actors.ts',
        from: "return { path, stat: created?.type === 'create' ? created.stat : null };",
        to: 'return { path: created.path, stat: created.stat };',
      },
    ],
  },
  'a semaphore counts without the mutex': {
    checker: SETTLES,
    workload: 'semaphore',
    profile: 'crowd',
    replacements: [
      {
        file: 'src/recipes/semaphore.ts',
        from: 'request.noWait ? taking() : through(claiming(this.#gate, request), taking),',
        to: 'taking(),',
      },
    ],
  },
  'a semaphore has one permit too many': {
    checker: 'no more permits out than there are',
    workload: 'semaphore',
    profile: 'crowd',
    replacements: [
      {
        file: 'src/recipes/semaphore.ts',
        from: 'if (queueLength <= size)',
        to: 'if (queueLength <= size + 1)',
      },
    ],
  },
  'a semaphore keeps the permits of those who gave up (T15)': {
    checker: 'everything can be had again',
    workload: 'semaphore',
    profile: 'crowd',
    replacements: [KEPT],
  },
  'a permit is taken before it is the turn': {
    checker: 'whoever asks first takes first',
    workload: 'semaphore',
    profile: 'crowd',
    replacements: [
      {
        file: 'src/recipes/joint-acquisition.ts',
        from: "if (ownership.status === 'held') {\n          ({ claimPath } = ownership.lease);",
        to: "if (ownership.status === 'waitingOnPredecessor') return noted$();\n        if (ownership.status === 'held') {\n          ({ claimPath } = ownership.lease);",
      },
    ],
  },
  'a permit that was given back before the watch stood wakes nobody': {
    checker: SETTLES,
    workload: 'semaphore',
    profile: 'network',
    firstSeed: 55,
    replacements: [FIRST_LISTING],
  },
  'a multi-lock asks in the order that it was given (T56)': {
    checker: SETTLES,
    workload: 'multi-lock',
    profile: 'crowd',
    replacements: [
      {
        file: 'src/recipes/multi-lock.ts',
        from: 'const sorted = [...locks].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));',
        to: 'const sorted = [...locks];',
      },
    ],
  },
  'a multi-lock that fails keeps what it had (T56)': {
    checker: 'no claim left behind',
    workload: 'multi-lock',
    profile: 'crowd',
    replacements: [KEPT],
  },
  'a multi-lock holds when it has the first': {
    checker: 'nobody overtakes',
    workload: 'multi-lock',
    profile: 'crowd',
    replacements: [
      {
        file: 'src/recipes/multi-lock.ts',
        from: 'attempt: () => inTurn(locks.map((lock) => claiming(lock, request))),',
        to: 'attempt: () => inTurn(locks.slice(0, 1).map((lock) => claiming(lock, request))),',
      },
    ],
  },
  'a barrier is looked at once (T22)': {
    checker: BARRIER,
    workload: 'barrier',
    profile: 'crowd',
    replacements: [
      {
        file: 'src/recipes/znode-watches.ts',
        from: 'if (armed === watcher) armed = null;\n        if (!subscriber.closed) look();',
        to: 'if (armed === watcher) armed = null;',
      },
    ],
  },
  'whoever waits at a barrier trusts a server that is behind (T49)': {
    checker: BARRIER,
    workload: 'barrier',
    profile: 'followers',
    firstSeed: 535,
    replacements: [
      {
        file: 'src/recipes/barrier.ts',
        from: 'merge(defer(() => client.sync(path)).pipe(ignoreElements()), presence(client, path))',
        to: 'presence(client, path)',
      },
    ],
  },
  'whoever lowers a barrier trusts a server that is behind (T49)': {
    checker: BARRIER,
    workload: 'barrier',
    profile: 'followers',
    firstSeed: 765,
    replacements: [
      {
        file: 'src/recipes/barrier.ts',
        from: 'await afterSync(client, path, () => client.exists(path))',
        to: 'await client.exists(path)',
      },
    ],
  },
  'a double barrier opens for one less': {
    checker: TOGETHER,
    workload: 'double-barrier',
    profile: 'crowd',
    replacements: [
      {
        file: 'src/recipes/barrier-round.ts',
        from: 'if (queueLength >= members ||',
        to: 'if (queueLength >= members - 1 ||',
      },
    ],
  },
  'who came between the listing and the watch of a double barrier is not seen': {
    checker: TOGETHER,
    workload: 'double-barrier',
    profile: 'process-on-follower',
    firstSeed: 20,
    replacements: [FIRST_LISTING],
  },
  'whose `ready` it is does not matter': {
    checker: TOGETHER,
    workload: 'double-barrier',
    profile: 'server',
    replacements: [
      {
        file: 'src/recipes/barrier-round.ts',
        from: 'if (claim.czxid < stat.mzxid) return true;',
        to: 'if (claim.czxid !== stat.mzxid) return true;',
      },
    ],
  },
  'a `ready` that is late opens the next round': {
    checker: TOGETHER,
    workload: 'double-barrier',
    profile: 'everything',
    firstSeed: 22_100,
    replacements: [
      {
        file: 'src/recipes/barrier-round.ts',
        from: "await client.multi([{ type: 'check', path: witness }, write]);",
        to: 'await client.multi([write]);',
      },
    ],
  },
  'who came late and has not looked yet is left behind': {
    checker: TOGETHER,
    workload: 'double-barrier',
    profile: 'network',
    firstSeed: 10_060,
    replacements: [
      {
        file: 'src/recipes/passage.ts',
        from: 'others.length === 0 ? others :',
        to: 'others.length > 0 ? others :',
      },
    ],
  },
  'a member leaves without the others': {
    checker: TOGETHER,
    workload: 'double-barrier',
    profile: 'crowd',
    replacements: [
      {
        file: 'src/recipes/passage.ts',
        from: 'return somebody === undefined ? of<true>(true)',
        to: 'return somebody !== path ? of<true>(true)',
      },
    ],
  },
};
