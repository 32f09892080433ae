/** What `holdfast revoke` and `holdfast break` share: whose claim is meant, who wants it ended, and whether really. */
import { filter, firstValueFrom } from 'rxjs';
import { decodeClaim } from '../claim-data.js';
import type { ContenderInLine } from '../contention.js';
import { isClaimName } from '../queue.js';
import type { Session } from '../session.js';
import { isZooKeeperError } from '../zookeeper/errors.js';
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
  const path = onePositional(
    parsed,
    'the path of a lock, an election or a semaphore, such as /locks/orders, or the path of one claim',
  );
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

type Found = Pick<Ending, 'claim' | 'holder'>;

const isClaim = (path: string) => isClaimName(path.slice(path.lastIndexOf('/') + 1));

/**
 * The claim at this path, or who holds the lock, leads the election or has the only permit of the semaphore at it; null when nobody
 * does. Throws a {@link UsageError} where several hold and none is the first: which of them is meant is not ours to say.
 */
async function claimAt(session: Session, path: string): Promise<Found | null> {
  const line = (lockPath: string) =>
    firstValueFrom(session.contention(lockPath).pipe(filter(({ freshness }) => freshness === 'live')));
  asUsage(() => session.contention(path));
  const above = path.slice(0, path.lastIndexOf('/'));
  if (above !== '') {
    const { contenders, foreign } = await line(above);
    const found = contenders.find((contender) => contender.path === path);
    if (found !== undefined) return { claim: path, holder: nameOf(found) };
    if (isClaim(path) && foreign.includes(path.slice(above.length + 1))) return outOfLine(session, path);
  }
  const { holder, foreign: members } = await line(path);
  if (holder !== null) return { claim: holder.path, holder: nameOf(holder) };
  const { leader } = await firstValueFrom(
    session
      .election(path)
      .observe()
      .pipe(filter(({ freshness }) => freshness === 'live')),
  );
  if (leader !== null) return outOfLine(session, leader.claimPath);
  const { foreign: permits } = await line(`${path}/leases`);
  const names = [...members, ...permits.map((name) => `leases/${name}`)].filter(isClaim);
  const [only, ...rest] = names.map((name) => `${path}/${name}`);
  if (only === undefined) return null;
  if (rest.length === 0) return outOfLine(session, only);
  throw new UsageError(
    `${names.length} claims are at ${path}, none ahead of the others: give the path of one: ${[only, ...rest].sort().join(', ')}`,
  );
}

/** A claim that stands in no lock's line, and what it says of its holder; null when it has gone. */
async function outOfLine(session: Session, claim: string): Promise<Found | null> {
  try {
    const said = await session.readClaim(claim);
    if (said === null) return null;
    const data = decodeClaim(new TextEncoder().encode(said));
    // Who wrote no JSON wrote its id, or its address.
    const label = /^[^\p{C}\ufffd{]{1,200}$/u.test(said) && data.revoke === undefined ? said : undefined;
    const known = data.owner ?? data.host ?? label;
    return { claim, holder: known === undefined ? 'its holder' : nameOf({ ...data, label, session: '' }) };
  } catch (error) {
    if (!isZooKeeperError(error, 'NoAuth')) throw error;
    return { claim, holder: 'its holder' };
  }
}

function required(parsed: ParsedCommand, name: string, what: string): string {
  const given = text(parsed, name);
  if (given === undefined) throw new UsageError(`--${name} is missing: ${what}, the audit keeps it`);
  return given;
}

type Said = { readonly [K in 'owner' | 'host' | 'pid' | 'label']?: ContenderInLine[K] | undefined };

function nameOf({ owner, host, pid, label, session }: Said & { readonly session: string }): string {
  const where = host === undefined ? undefined : `${host}${pid === undefined ? '' : `:${pid}`}`;
  const who = [owner || label, where].filter((part) => part !== undefined && part !== '');
  return who.length > 0 ? who.join(' on ') : `session ${session}`;
}
