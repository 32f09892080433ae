/** Where a program's messages go: pino fits as it is, in its types and at work. */
import pino from 'pino';
import { expect, it } from 'vitest';
import type { ConnectOptions } from '../src/index.js';
import { VirtualEnsemble } from './setup/virtual-ensemble.js';

interface Line {
  readonly level: number;
  readonly msg: string;
}

it('pino is a logger, and hears of the connection as it comes, goes and comes back', async () => {
  const lines: Line[] = [];
  const logger = pino({ level: 'debug' }, { write: (line) => lines.push(JSON.parse(line) as Line) });
  // A child is one too, with what it adds to each line.
  const options: ConnectOptions = { logger: logger.child({ part: 'locks' }) };
  await using ensemble = await VirtualEnsemble.start();
  await ensemble.until(ensemble.lock('/locks/a', {}, options).acquire());
  ensemble.zookeeper.faults.refuseConnections(true);
  ensemble.zookeeper.faults.cut();
  await ensemble.clock.advance(100);
  ensemble.zookeeper.faults.refuseConnections(false);
  await ensemble.clock.advance(5_000);
  for (const { id } of ensemble.zookeeper.sessions()) ensemble.zookeeper.expireSession(id);
  await ensemble.clock.advance(5_000);
  const { info = 0, warn = 0 } = pino.levels.values;
  expect(lines).toMatchObject([
    {
      level: info,
      msg: expect.stringMatching(/^embedded: connected to .+, session \w+$/) as string,
      part: 'locks',
    },
    { level: warn, msg: expect.stringMatching(/^embedded: connection lost \(.+\); reconnecting$/) as string },
    { level: info, msg: expect.stringMatching(/^embedded: connected to/) as string },
    { level: warn, msg: expect.stringMatching(/^embedded: connection lost/) as string },
    { level: warn, msg: expect.stringMatching(/^embedded: session \w+ is over \(expired\)$/) as string },
    { level: info, msg: expect.stringMatching(/^embedded: connected to/) as string },
  ]);
});

it('pino hears of a release that went wrong and that nobody awaits', async () => {
  const lines: Line[] = [];
  const logger = pino({}, { write: (line) => lines.push(JSON.parse(line) as Line) });
  await using ensemble = await VirtualEnsemble.start();
  await ensemble.lock('/locks/a', {}, { logger }).releaseAndLog({ owner: 'nobody' });
  expect(lines).toMatchObject([
    { level: pino.levels.values['error'], msg: expect.stringContaining('/locks/a') as string },
  ]);
});
