// @ts-check
/**
 * The real relay or the real receiver of `@statelyai/inspect`, in a process of its own, by its arguments: `relay`, or
 * `receiver` and the relay's port. Tells its parent, by IPC, the port or what it understood.
 */
import http from 'node:http';
import { createRequire } from 'node:module';
import process, { argv } from 'node:process';
import { pathToFileURL } from 'node:url';

const [, , folder = '', role, port] = argv;
const demand = createRequire(folder);
const load = (/** @type {string} */ name) => import(pathToFileURL(demand.resolve(name)).href);
const tell = (/** @type {object} */ news) => process.send?.(news);
process.on('disconnect', () => process.exit());

if (role === 'relay') {
  // It would listen on every interface, on a port to be known beforehand, and tell nobody when it does.
  const { createServer } = http;
  http.createServer = /** @type {typeof createServer} */ (
    (/** @type {http.RequestListener} */ listener) => {
      const server = createServer(listener);
      const listen = server.listen.bind(server);
      server.listen = /** @type {typeof server.listen} */ (
        () => listen(0, '127.0.0.1', () => tell({ type: 'listening', address: server.address() }))
      );
      return server;
    }
  );
  const { createInspectorServer } = await load('@statelyai/inspect/server');
  createInspectorServer({ autoOpen: false });
} else {
  const { createWebSocketReceiver } = await load('@statelyai/inspect');
  const { createMachine } = demand('xstate');
  /** @type {Map<string, any>} */
  const machines = new Map();
  createWebSocketReceiver({ server: `ws://127.0.0.1:${port}` }).subscribe(
    (/** @type {any} */ { type, sessionId, name, definition, snapshot, event }) => {
      if (definition) machines.set(sessionId, createMachine(JSON.parse(definition)));
      const machine = machines.get(sessionId);
      const state = snapshot && machine?.resolveState(snapshot);
      tell({
        type,
        sessionId,
        charted: machine !== undefined,
        name,
        event: event?.type,
        status: snapshot?.status,
        ...(definition ? { states: Object.keys(machine.states), initial: machine.config.initial } : {}),
        ...(state ? { value: state.value, held: state.matches('held'), context: snapshot.context } : {}),
      });
    },
  );
}
