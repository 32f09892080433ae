/** A worker whose vitest was killed ends as well: it may hold servers and child processes that wait for it. */
if (process.connected) process.once('disconnect', () => process.exit(1));
