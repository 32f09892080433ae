/** `holdfast server`: the embedded ZooKeeper on a port. */
import { createEmbeddedZooKeeper } from '../embedded/index.js';
import { type Command, EXIT, port, UsageError } from './command.js';
import { inkFor } from './ink.js';

const DEFAULT_PORT = 2181;

export const server: Command = {
  name: 'server',
  summary: 'run the in-memory ZooKeeper, for trying things out',
  usage: '[--port n]',
  example: 'holdfast server --port 2181',
  options: {
    port: {
      type: 'string',
      placeholder: 'n',
      help: `the port on 127.0.0.1; 0 takes a free one; default: ${DEFAULT_PORT}`,
    },
  },
  async run(parsed, io) {
    const [extra] = parsed.positionals;
    if (extra !== undefined) {
      throw new UsageError(`${JSON.stringify(extra)} is one too many: holdfast server takes options only`);
    }
    const wanted = port(parsed, 'port') ?? DEFAULT_PORT;
    let zookeeper: Awaited<ReturnType<typeof createEmbeddedZooKeeper>>;
    try {
      zookeeper = await createEmbeddedZooKeeper({ port: wanted });
    } catch (error) {
      io.stderr.write(
        `holdfast: port ${wanted} cannot be had (${error instanceof Error ? error.message : String(error)}): choose another with --port\n`,
      );
      return EXIT.failed;
    }
    io.stdout.write(`ZooKeeper, in memory, on ${zookeeper.connectString}\n`);
    io.stdout.write(
      `${inkFor(io.stdout).faint('Everything is gone when it ends: for development and tests, not for production. Ctrl-C ends it.')}\n`,
    );
    await new Promise<void>((resolve) => {
      if (io.signal.aborted) resolve();
      io.signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
    });
    await zookeeper.close();
    return EXIT.ok;
  },
};
