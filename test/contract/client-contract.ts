/** The port's contract: run once for every client on every server, so that each is as good as the others. */
import { describe } from 'vitest';
import type { Harness } from './harness.js';
import { networkContract } from './network-contract.js';
import { requestContract } from './request-contract.js';
import { sessionContract } from './session-contract.js';
import { watchContract } from './watch-contract.js';

export type { Harness } from './harness.js';

/** `network: false` where there is none between the client and its server. */
export function clientContract(name: string, start: () => Promise<Harness>, { network = true } = {}): void {
  describe(name, () => {
    requestContract(start);
    watchContract(start);
    sessionContract(start);
    if (network) networkContract(start);
  });
}
