// @ts-check
/**
 * Loads the native client in a process of its own, so that a crash is seen as one: requests without end, and turns at a lock.
 * Arguments: connect string, session timeout. Tells its parent its states and turns; any message ends it in order.
 */
import process, { argv } from 'node:process';
import { connect } from 'holdfast';
import { nativeClient } from 'holdfast/native';

const [, , connectString = '', sessionTimeoutMs = ''] = argv;
const EVERY_MS = 5;
const AT_ONCE = 5;
const MOST_OUTSTANDING = 500;

/** @param {object} news */
const tell = (news) => void process.send?.(news);
const factory = nativeClient();
const root = `/native-load-${process.pid}`;
const nothing = new Uint8Array();
const count = { issued: 0, settled: 0, turns: 0 };
/** @type {Record<string, number>} */
const failures = {};
/** @type {Set<string>} */
const sessions = new Set();

const clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimeout: /** @type {(fn: () => void, delayMs: number) => unknown} */ (setTimeout),
  clearTimeout: /** @type {(handle: unknown) => void} */ (clearTimeout),
};
const client = factory({
  connectString,
  sessionTimeoutMs: Number(sessionTimeoutMs),
  maxReplyBytes: 1 << 24,
  auth: [],
  clock,
  random: Math.random,
});
client.onState((state) => {
  if (state.kind === 'connected') sessions.add(state.sessionId);
  tell({ state: state.kind });
});

/** @param {unknown} error */
function noteFailure(error) {
  const { code = 'aborted' } = /** @type {{ code?: string }} */ (error);
  failures[code] = (failures[code] ?? 0) + 1;
}

/**
 * @template T
 * @param {Promise<T>} work
 */
function counted(work) {
  count.issued += 1;
  return work.then(
    (value) => {
      count.settled += 1;
      return value;
    },
    (/** @type {unknown} */ error) => {
      count.settled += 1;
      noteFailure(error);
      return undefined;
    },
  );
}

async function cycle() {
  const creating = client.create(`${root}/n-`, nothing, { mode: 'ephemeralSequential' });
  const [created] = await Promise.all([counted(creating), counted(client.getChildren(root))]);
  if (created !== undefined) await counted(client.delete(created.path, -1));
}

const ending = new AbortController();
process.once('message', () => {
  ending.abort();
});

async function takeTurns() {
  const session = connect(connectString, { client: factory, sessionTimeoutMs: Number(sessionTimeoutMs) });
  const lock = session.lock(`${root}/lock`);
  while (!ending.signal.aborted) {
    try {
      const lease = await lock.acquire({ signal: ending.signal });
      lease.assertHeld();
      await lease.release();
      count.turns += 1;
      tell({ turn: count.turns });
    } catch (error) {
      noteFailure(error);
    }
  }
  await session.close();
}

await client.connect({ deadlineMs: 60_000 });
await client.create(root, nothing);
const turns = takeTurns();
/** @type {Set<Promise<void>>} */
const cycles = new Set();
const load = setInterval(() => {
  for (let each = 0; each < AT_ONCE && count.issued - count.settled < MOST_OUTSTANDING; each += 1) {
    const one = cycle();
    cycles.add(one);
    void one.then(() => cycles.delete(one));
  }
}, EVERY_MS);
await new Promise((resolve) => {
  ending.signal.addEventListener('abort', resolve);
});
clearInterval(load);
await Promise.all([...cycles, turns]);
await client.close();
tell({ summary: { ...count, failures, sessions: sessions.size } });
process.disconnect();
