/** A worker whose vitest was killed ends as well: it may hold servers and child processes that wait for it. Said once in files that share one. */
const said = Symbol.for('holdfast: an orphan ends');
const worker = globalThis as Record<symbol, unknown>;
if (process.connected && worker[said] === undefined) {
  worker[said] = true;
  process.once('disconnect', () => process.exit(1));
}
