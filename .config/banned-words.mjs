// @ts-check
/**
 * Words that have one home each. ESLint refuses them elsewhere as they are typed; `test/house.test.ts` refuses
 * them whatever a comment tells ESLint to overlook.
 */

/**
 * @typedef {object} Ban
 * @property {string} rule The sentence that a failure quotes.
 * @property {string[]} home The files that may use the words, as globs.
 * @property {string[]} globals Names that need no import.
 * @property {string[]} members `object.property`, where the object itself is not banned.
 * @property {string[]} modules
 */

/** @type {Ban[]} */
export const BANS = [
  {
    rule: 'Time has one home, src/clock.ts: take a Clock, or a delay in a machine.',
    home: ['src/clock.ts'],
    globals: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'performance'],
    members: ['Date.now'],
    modules: ['node:timers', 'node:timers/promises', 'node:perf_hooks'],
  },
  {
    rule: "Nothing waits for the next turn of the event loop but what must leave the native client's stack.",
    home: ['src/zookeeper/native-connection.ts'],
    globals: ['setImmediate'],
    members: [],
    modules: [],
  },
  {
    rule: 'Chance and identity have one home, src/host.ts: take them as arguments.',
    home: ['src/host.ts', 'src/host.browser.ts'],
    globals: ['crypto'],
    members: ['Math.random'],
    modules: ['node:crypto', 'node:os'],
  },
  {
    rule: 'Only the command line, src/cli/, speaks to the terminal: elsewhere take a logger.',
    home: [],
    globals: ['console'],
    members: [],
    modules: ['node:readline'],
  },
  {
    rule: 'Only the command line, src/cli/, reads the process; src/host.ts says who it is.',
    // The socket gathers a tick's writes with nextTick; it reads nothing.
    home: ['src/host.ts', 'src/zookeeper/socket.ts'],
    globals: ['process'],
    members: [],
    modules: ['node:process', 'node:child_process'],
  },
  {
    rule: 'Bytes are Uint8Array, so that the code runs in a page; only the socket and the listener meet a Buffer.',
    home: ['src/zookeeper/socket.ts', 'src/embedded/listener.ts'],
    globals: ['Buffer', 'global', '__dirname', '__filename', 'require'],
    members: [],
    modules: ['node:buffer'],
  },
];
