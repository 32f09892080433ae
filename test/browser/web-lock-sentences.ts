/**
 * What the W3C's "Web Locks API" says, sentence by sentence, as a program that any `LockManager` can be given: the browser's own, and
 * ours. Each tells what it saw; both must have seen the same.
 */

/** A `LockManager`, and a name that nobody else uses. */
type Sentence = (locks: LockManager, name: string) => Promise<unknown>;

interface Hold {
  readonly given: (Lock | null)[];
  readonly begun: Promise<void>;
  readonly callback: (lock: Lock | null) => Promise<string>;
  readonly finish: () => void;
}

/** A callback that holds until it is told to finish. */
function hold(says = 'done'): Hold {
  let begin: () => void = () => undefined;
  let finish: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const over = new Promise<string>((resolve) => {
    finish = () => {
      resolve(says);
    };
  });
  const given: (Lock | null)[] = [];
  const callback = (lock: Lock | null) => {
    given.push(lock);
    begin();
    return over;
  };
  return {
    given,
    begun,
    callback,
    finish: () => {
      finish();
    },
  };
}

/** How a promise ends, as something that can be compared. */
const end = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    (value) => `fulfilled: ${String(value)}`,
    (error: unknown) => `rejected: ${error instanceof Error ? error.name : String(error)}`,
  );

const shown = (lock: Lock | null) => (lock === null ? null : [lock.name, lock.mode]);
const never = () => 'was called';

/** How a request ends whose arguments cannot be meant. */
const refusal = (locks: LockManager, ...given: readonly unknown[]): Promise<string> =>
  end((locks.request as (...all: unknown[]) => Promise<unknown>).apply(locks, [...given]));

export const SENTENCES: Readonly<Record<string, Sentence>> = {
  'the callback is given name and mode, and the promise what the callback returns': async (locks, name) => [
    await locks.request(name, (lock) => JSON.stringify(shown(lock)).replace(name, 'it')),
    await locks.request(name, { mode: 'shared' }, (lock) => shown(lock)?.[1]),
  ],

  'the promise ends as the callback does': async (locks, name) => [
    await end(
      locks.request(name, () => {
        throw new RangeError('mine');
      }),
    ),
    await end(locks.request(name, () => Promise.reject(new RangeError('mine')))),
    await end(locks.request(name, () => Promise.resolve('well'))),
    await end(locks.request(name, () => 'free again')),
  ],

  'exclusive requests are granted one at a time, in order': async (locks, name) => {
    const order: string[] = [];
    const one = hold();
    const requests = [
      locks.request(name, one.callback),
      ...['two', 'three', 'four'].map((each) => locks.request(name, () => order.push(each))),
    ];
    await one.begun;
    order.push('one');
    one.finish();
    await Promise.all(requests);
    return order;
  },

  'shared requests are granted together, and none of them overtakes an exclusive one': async (
    locks,
    name,
  ) => {
    const [a, b, writing, late] = [hold(), hold(), hold(), hold()];
    const shared = { mode: 'shared' } as const;
    const requests = [
      locks.request(name, shared, a.callback),
      locks.request(name, shared, b.callback),
      locks.request(name, writing.callback),
      locks.request(name, shared, late.callback),
    ];
    await Promise.all([a.begun, b.begun]);
    const { held, pending } = await locks.query();
    const before = [writing.given.length, late.given.length];
    a.finish();
    b.finish();
    await writing.begun;
    const during = late.given.length;
    writing.finish();
    late.finish();
    await Promise.all(requests);
    const modes = (all: LockInfo[] | undefined) =>
      all?.filter((each) => each.name === name).map(({ mode }) => mode);
    return [modes(held), modes(pending), before, during];
  },

  'ifAvailable gives null instead of waiting, also within its own callback': async (locks, name) => {
    const free = await locks.request(name, { ifAvailable: true }, (lock) => lock?.mode);
    const within = await locks.request(name, () =>
      locks.request(name, { ifAvailable: true }, (lock) => shown(lock)),
    );
    const beside = await locks.request(name, { mode: 'shared' }, () =>
      locks.request(name, { ifAvailable: true, mode: 'shared' }, (lock) => shown(lock)?.[1]),
    );
    return [free, within, beside];
  },

  'steal takes it from whoever holds, ahead of those who wait': async (locks, name) => {
    const [victim, thief] = [hold(), hold('stolen')];
    const robbed = end(locks.request(name, victim.callback));
    await victim.begun;
    const waiting = hold('waited');
    const waits = locks.request(name, waiting.callback);
    const steals = locks.request(name, { steal: true }, thief.callback);
    await thief.begun;
    const told = [await robbed, waiting.given.length];
    thief.finish();
    waiting.finish();
    return [...told, await steals, await waits];
  },

  'steal takes it from all who share, and a thief can be robbed': async (locks, name) => {
    const [a, b, first, second] = [hold(), hold(), hold(), hold('last')];
    const readers = [a, b].map(({ callback }) => end(locks.request(name, { mode: 'shared' }, callback)));
    await Promise.all([a.begun, b.begun]);
    const thief = end(locks.request(name, { steal: true }, first.callback));
    await first.begun;
    const last = end(locks.request(name, { steal: true }, second.callback));
    await second.begun;
    second.finish();
    return Promise.all([...readers, thief, last]);
  },

  'a signal gives up a wait with its reason, and minds nothing that is granted': async (locks, name) => {
    const holding = hold();
    const controller = new AbortController();
    const held = end(locks.request(name, { signal: controller.signal }, holding.callback));
    await holding.begun;
    const waiting = new AbortController();
    const waits = end(locks.request(name, { signal: waiting.signal }, never));
    waiting.abort('enough');
    const gaveUp = await waits;
    controller.abort();
    holding.finish();
    return [gaveUp, await held, await refusal(locks, name, { signal: AbortSignal.abort() }, never)];
  },

  'a name may be any text that does not start with a dash': async (locks, name) => {
    const names = ['', '.', '..', 'a/b', `${name} ä 💥`, '%2E', '\ud800', '\u0000', '__proto__', '*', ' -'];
    const given: unknown[] = [];
    for (const each of names)
      given.push((await locks.request(each, (lock) => Promise.resolve(shown(lock)?.[0]))) === each);
    return [...given, await refusal(locks, '-', never), await refusal(locks, '-a', never)];
  },

  'what cannot be meant is refused by a rejection': async (locks, name) => {
    const { signal } = new AbortController();
    const answers: string[] = [];
    for (const given of [
      [],
      [name],
      [name, {}],
      [name, {}, 'later'],
      [name, 'shared', never],
      [name, { mode: 'write' }, never],
      [name, { mode: null }, never],
      [name, { mode: Symbol('shared') }, never],
      [name, { mode: Object('shared') as unknown }, (lock: Lock | null) => lock?.mode],
      [Symbol('name'), never],
      [name, { signal: {} }, never],
      [name, { steal: true, ifAvailable: true }, never],
      [name, { steal: true, mode: 'shared' }, never],
      [name, { steal: true, signal }, never],
      [name, { ifAvailable: true, signal }, never],
      [name, { ifAvailable: true, signal: AbortSignal.abort() }, never],
      ['-', { signal: AbortSignal.abort() }, never],
      [name, null, never],
      [name, undefined, never],
      [name, { mode: undefined, signal: undefined }, never],
      [7, never],
    ])
      answers.push(await refusal(locks, ...given));
    return answers;
  },

  'the snapshot tells name, mode and one client': async (locks, name) => {
    const holding = hold();
    const held = locks.request(name, holding.callback);
    await holding.begun;
    const waits = locks.request(name, { mode: 'shared' }, never);
    // Answered behind the one that waits.
    await locks.request(name, { ifAvailable: true }, never);
    const snapshot = await locks.query();
    holding.finish();
    await Promise.all([held, waits]);
    const ours = [...(snapshot.held ?? []), ...(snapshot.pending ?? [])].filter((each) => each.name === name);
    return [ours.map(({ mode }) => mode), new Set(ours.map(({ clientId }) => clientId)).size];
  },
};
