/** Two processes at one path of a real server, both with contenders that share claims and with one that does not. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, inject, it } from 'vitest';
import { NO_DATA, tcpClient } from '../embedded/connected-client.js';

const worker = fileURLToPath(new URL('local-handover-worker.mjs', import.meta.url));

it('tokens grow from holder to holder across processes, and a claim is handed on four times at most', async () => {
  const log = `/local-handover-${process.pid}`;
  const client = await tcpClient(inject('zookeeper'));
  try {
    await client.create(log, NO_DATA);
    const run = () =>
      promisify(execFile)(process.execPath, [worker, inject('zookeeper'), `${log}-lock`, log]);
    await Promise.all([run(), run()]);
    const { children } = await client.getChildren(log);
    const inOrder = [...children].sort();
    const tokens: bigint[] = [];
    for (const name of inOrder) {
      const { data } = await client.getData(`${log}/${name}`);
      tokens.push(BigInt(new TextDecoder().decode(data)));
    }
    expect(tokens).toHaveLength(200);
    expect(tokens.filter((token, index) => index > 0 && token <= (tokens[index - 1] ?? 0n))).toEqual([]);
    const numbers = tokens.map((token) => Number(token % 1024n));
    expect(Math.max(...numbers)).toBeLessThanOrEqual(4);
    expect(Math.max(...numbers)).toBeGreaterThan(0);
    await Promise.all(inOrder.map((name) => client.delete(`${log}/${name}`, -1)));
    await client.delete(log, -1);
  } finally {
    await client.close();
  }
});
