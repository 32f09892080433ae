/** The real receiver of `@xstate/inspect` 0.8, in a process of its own: tells its parent, by IPC, what it understood. */
const { createRequire } = require('node:module');

const [folder, server] = process.argv.slice(2);
const demand = createRequire(folder);
globalThis.WebSocket = demand('ws');
const { createWebSocketReceiver } = demand('@xstate/inspect');
createWebSocketReceiver({ server }).subscribe(({ type, machine, state }) => {
  process.send({
    type,
    ...(machine ? { machine: machine.id, states: Object.keys(machine.states) } : {}),
    ...(state ? { value: state.value, held: state.matches('held') } : {}),
  });
});
process.on('disconnect', () => process.exit());
