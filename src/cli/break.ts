/** `holdfast break`: ends a claim by force, at once. */
import { type Command, EXIT } from './command.js';
import { ENDING_OPTIONS, endClaim } from './ending-a-claim.js';

export const breakCommand: Command = {
  name: 'break',
  summary: "end a holder's claim by force, at once, with an entry in the audit",
  usage: '<path of a lock, election, semaphore or claim> --by name --why text [--yes] [options]',
  example: "holdfast break /locks/orders --by ada --why 'its host is gone' --yes",
  options: ENDING_OPTIONS,
  notes: [
    'The holder may go on working for a moment: only fencing tokens keep its late writes out. holdfast revoke asks first.',
    'Prints the path of the entry under /holdfast/audit. 66: nobody holds it, or the claim has gone.',
  ],
  run: (parsed, io) =>
    endClaim(
      parsed,
      io,
      (holder, claim) => `Delete ${claim} of ${holder}? It may go on working for a moment.`,
      async ({ session, claim, by, why }) => {
        const entry = await session.breakClaim(claim, { by, why });
        io.stdout.write(`${entry.path}\n`);
        return EXIT.ok;
      },
    ),
};
