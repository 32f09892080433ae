/** What `holdfast revoke` and `holdfast break` share: whose claim is meant, who wants it ended, and whether really. */
import { filter, firstValueFrom } from 'rxjs';
import type { ContenderInLine } from '../contention.js';
import type { Session } from '../session.js';
import {
  asUsage,
  type EndingSignal,
  EXIT,
  flag,
  type Io,
  onePositional,
  type ParsedCommand,
  text,
  UsageError,
} from './command.js';
import { CONNECTION_OPTIONS, openSession } from './connection.js';
import { signalled } from './hold.js';

/** For both commands, besides their own. */
export const ENDING_OPTIONS = {
  by: { type: 'string', placeholder: 'name', help: 'who you are; required, the audit keeps it' },
  why: { type: 'string', placeholder: 'text', help: 'the reason; required, the holder and the audit get it' },
  yes: { type: 'boolean', short: 'y', help: 'do not ask; required where nobody sits at a terminal' },
  ...CONNECTION_OPTIONS,
} as const;

const OTHER_CLAIM = /-(?:lease|latch)-(?:-\d{9,10}|\d{10})$/;

/** A claim that is to be ended, and on whose word. */
export interface Ending {
  readonly session: Session;
  readonly claim: string;
  /** The claim's owner, or whatever else it says of itself. */
  readonly holder: string;
  readonly by: string;
  readonly why: string;
}

/** Finds the claim, asks whether really, and then does it. Resolves with the exit code. */
export async function endClaim(
  parsed: ParsedCommand,
  io: Io,
  question: (holder: string, claim: string) => string,
  end: (ending: Ending) => Promise<number>,
): Promise<number> {
  const path = onePositional(parsed, 'a lock path such as /locks/orders, or the path of one claim');
  const by = required(parsed, 'by', 'say who you are');
  const why = required(parsed, 'why', 'say why');
  const sure = flag(parsed, 'yes');
  if (!sure && io.ask === null)
    throw new UsageError('nobody can be asked whether to end the claim: give --yes');
  const session = openSession(parsed, io, { connectTimeoutMs: 10_000 });
  const close = () => void session.close();
  io.signal.addEventListener('abort', close, { once: true });
  try {
    const found = await claimAt(session, path);
    if (found === null) {
      io.stderr.write(`holdfast: nobody holds ${path}: there is nothing to end\n`);
      return EXIT.gone;
    }
    const { claim, holder } = found;
    if (!sure && !/^y(es)?$/i.test((await io.ask?.(`${question(holder, claim)} [y/N] `)) ?? '')) {
      io.stderr.write('holdfast: left as it is\n');
      return EXIT.failed;
    }
    return await end({ session, claim, holder, by, why });
  } catch (error) {
    if (!io.signal.aborted) throw error;
    io.stderr.write(
      'holdfast: interrupted before the claim was broken; a request that was written stays in it\n',
    );
    return signalled(io.signal.reason as EndingSignal);
  } finally {
    io.signal.removeEventListener('abort', close);
    await session.close();
  }
}

/** The claim at this path, or who holds the lock at it; null when nobody does. */
async function claimAt(session: Session, path: string): Promise<Pick<Ending, 'claim' | 'holder'> | null> {
  const line = (lockPath: string) =>
    firstValueFrom(session.contention(lockPath).pipe(filter(({ freshness }) => freshness === 'live')));
  asUsage(() => session.contention(path));
  const above = path.slice(0, path.lastIndexOf('/'));
  if (above !== '') {
    const { contenders } = await line(above);
    const found = contenders.find((contender) => contender.path === path);
    if (found !== undefined) return { claim: path, holder: nameOf(found) };
    // What stands in no lock's line: a lease of a semaphore, a candidate of an election.
    if (OTHER_CLAIM.test(path) && (await session.readClaim(path)) !== null)
      return { claim: path, holder: 'its holder' };
  }
  const { holder } = await line(path);
  return holder && { claim: holder.path, holder: nameOf(holder) };
}

function required(parsed: ParsedCommand, name: string, what: string): string {
  const given = text(parsed, name);
  if (given === undefined) throw new UsageError(`--${name} is missing: ${what}, the audit keeps it`);
  return given;
}

function nameOf({ owner, host, pid, label, session }: ContenderInLine): string {
  const where = host === undefined ? undefined : `${host}${pid === undefined ? '' : `:${pid}`}`;
  const who = [owner || label, where].filter((part) => part !== undefined && part !== '');
  return who.length > 0 ? who.join(' on ') : `session ${session}`;
}
