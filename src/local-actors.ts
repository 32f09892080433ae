/**
 * Fills the lock machine's slots where contenders of one process share a claim: whoever has it talks to ZooKeeper as anybody
 * does (`lock-actors.ts`), and its line hears what was said. The others do nothing but wait.
 */
import { fromCallback } from 'xstate';
import {
  type Claim,
  type Consultation,
  type Enqueued,
  type LockEvent,
  lockMachine,
  type SlotInput,
  type WatchInput,
  type WithdrawInput,
} from '../machines/lock-machine.js';
import { attempt } from './attempt.js';
import { runFromTable } from './chart/table.js';
import type { LocalContender } from './local-line.js';
import {
  claimIn,
  consultQueue,
  createClaim,
  probeClaim,
  revalidateClaim,
  withdrawClaim,
} from './lock-actors.js';
import { watchPredecessor } from './lock-watchers.js';

const of = (input: SlotInput) => input.acquisition as LocalContender;
async function probe(contender: LocalContender, guid: string): Promise<Enqueued | null> {
  const enqueued = await probeClaim(contender.acquisition, guid);
  return enqueued === null ? null : noted(contender, enqueued);
}

function noted(contender: LocalContender, enqueued: Enqueued): Enqueued {
  contender.line?.note(contender, enqueued.claim, enqueued.verdict);
  return enqueued;
}

async function consult(contender: LocalContender, claim: Claim, sync: boolean): Promise<Consultation> {
  const consultation = await consultQueue(contender.acquisition, claim, sync);
  contender.line?.note(contender, claim, consultation.verdict);
  return consultation;
}

async function revalidate(contender: LocalContender, claim: Claim): Promise<boolean> {
  const ours = await revalidateClaim(contender.acquisition, claim);
  if (!ours) contender.line?.note(contender, claim, { kind: 'missing' });
  return ours;
}

/** Hands the claim on where it may, else deletes it; the next one asks for its own right behind that. */
async function withdraw(
  contender: LocalContender,
  { guid, claim, mayExist, cutSinceListing }: SlotInput & WithdrawInput,
  wanted: () => boolean,
): Promise<undefined> {
  const { line } = contender;
  if (line !== null && claim !== null) {
    if (await line.handOn(contender, claim, { cutSinceListing }, wanted)) return;
    if (!wanted()) return;
  }
  const withdrawing = withdrawClaim(contender.acquisition, guid, mayExist);
  line?.leave(contender);
  return withdrawing;
}

/** The machine of {@link lockLogic} with these slots. */
export const localLogic = runFromTable(lockMachine, {
  createClaim: attempt(async (input: SlotInput, wanted) =>
    noted(of(input), await createClaim(of(input).acquisition, input.guid, wanted)),
  ),
  probeClaim: attempt((input: SlotInput) => probe(of(input), input.guid)),
  consultQueue: attempt((input: SlotInput & { readonly sync: boolean }) =>
    consult(of(input), claimIn(input), input.sync),
  ),
  watchPredecessor: fromCallback<LockEvent, SlotInput & WatchInput>(({ input, sendBack }) =>
    watchPredecessor(of(input).acquisition, input, sendBack),
  ),
  watchClaim: fromCallback<LockEvent, SlotInput>(({ input, sendBack }) => {
    const contender = of(input);
    if (contender.line?.watch(contender, claimIn(input)) === true) sendBack({ type: 'claim.watched' });
  }),
  revalidateClaim: attempt((input: SlotInput) => revalidate(of(input), claimIn(input))),
  withdrawClaim: attempt((input: SlotInput & WithdrawInput, wanted) => withdraw(of(input), input, wanted)),
});
