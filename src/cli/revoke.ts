/** `holdfast revoke`: asks a holder to give up, and breaks its claim when the grace is over. */
import { type Command, EXIT, milliseconds } from './command.js';
import { ENDING_OPTIONS, endClaim } from './ending-a-claim.js';

const DEFAULT_GRACE_MS = 30_000;

export const revoke: Command = {
  name: 'revoke',
  summary: 'ask a holder to give up; when the grace is over, end its claim by force',
  usage: '<path of a lock, election, semaphore or claim> --by name --why text [--grace ms] [--yes] [options]',
  example: "holdfast revoke /locks/orders --by ada --why 'maintenance at noon' --grace 60000 --yes",
  options: {
    grace: {
      type: 'string',
      placeholder: 'ms',
      help: `how long the holder has; default: ${DEFAULT_GRACE_MS}`,
    },
    ...ENDING_OPTIONS,
  },
  notes: [
    'Holders of this package and of Curator hear it; others hear nothing. Ctrl-C within the grace: nothing is broken.',
    'Leaves an entry under /holdfast/audit; prints the path of a second one if it came to force. 66: nobody holds it, or the claim has gone.',
  ],
  run: (parsed, io) => {
    const graceMs = milliseconds(parsed, 'grace') ?? DEFAULT_GRACE_MS;
    return endClaim(
      parsed,
      io,
      (holder, claim) => `Ask ${holder} to give up ${claim}, and take it by force after ${graceMs} ms?`,
      async ({ session, claim, holder, by, why }) => {
        const onAsked = () => {
          io.stderr.write(`holdfast: asked ${holder} to give up ${claim} within ${graceMs} ms\n`);
        };
        const entry = await session.revoke(claim, { by, why, graceMs, onAsked });
        if (entry === null) io.stderr.write(`holdfast: ${holder} has let go\n`);
        else io.stdout.write(`${entry.path}\n`);
        return EXIT.ok;
      },
    );
  },
};
