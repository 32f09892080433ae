/** The port's contract: run once for every client on every server, so that each is as good as the others. */
import { describe } from 'vitest';
import type { Harness } from './harness.js';
import { requestContract } from './request-contract.js';
import { sessionContract } from './session-contract.js';
import { watchContract } from './watch-contract.js';

export type { Harness } from './harness.js';

export function clientContract(name: string, start: () => Promise<Harness>): void {
  describe(name, () => {
    requestContract(start);
    watchContract(start);
    sessionContract(start);
  });
}
