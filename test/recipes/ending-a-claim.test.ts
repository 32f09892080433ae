/** Asking for, and ending, what stands in no lock's line: a leader, a permit, a member of a double barrier. In virtual time. */
import type { Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Observed, Ownership, Session } from '../../src/index.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const REQUEST = { by: 'ops', why: 'maintenance', graceMs: 5_000 };

let ensemble: VirtualEnsemble;
let operator: Session;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
  operator = ensemble.session();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

/** What a contender hears; whoever still waits when its session is closed hears an error. */
async function hear(ownership$: Observable<Ownership<unknown>>) {
  const heard: Ownership<unknown>[] = [];
  ownership$.subscribe({
    next: (ownership) => heard.push(ownership),
    error: () => undefined,
  });
  await ensemble.clock.advance(300);
  return heard;
}

const KINDS = [
  {
    kind: 'a leader',
    claimsAt: '/elections/a',
    stand: (id: string): Observable<Ownership<unknown>> =>
      ensemble.session().election('/elections/a', { id }),
  },
  {
    kind: 'a permit',
    claimsAt: '/semaphores/a/leases',
    stand: (owner: string): Observable<Ownership<unknown>> =>
      ensemble.session().semaphore('/semaphores/a', 1, { owner }),
  },
];

describe.each(KINDS)('$kind', ({ claimsAt, stand }) => {
  /** Anna holds, ben waits. */
  const line = async () => {
    const anna = await hear(stand('anna'));
    const [claim = ''] = ensemble.claims(claimsAt);
    return { anna, ben: await hear(stand('ben')), claim };
  };

  it('that is asked to give up hears by whom and why, and after the grace the next one holds', async () => {
    const { anna, ben, claim } = await line();
    const revoking = operator.revoke(claim, REQUEST);
    await ensemble.clock.advance(4_000);
    expect(anna.at(-1)).toMatchObject({
      status: 'held',
      revokeRequested: REQUEST,
    });
    const entry = await ensemble.until(revoking);
    expect(entry).toMatchObject({ claim, by: 'ops', why: 'maintenance' });
    await ensemble.clock.advance(1_000);
    expect(anna.at(-1)).toMatchObject({ status: 'expired', reason: 'revoked' });
    expect(ben.at(-1)?.status).toBe('held');
    expect(ensemble.claims(claimsAt)).toHaveLength(1);
    expect(ensemble.claims('/holdfast/audit').sort()).toEqual([
      entry?.path,
      '/holdfast/audit/revoke-0000000000',
    ]);
  });

  it('that is broken hears that its claim was deleted, and the next one holds', async () => {
    const { anna, ben, claim } = await line();
    const entry = await ensemble.until(operator.breakClaim(claim, { by: 'ops' }));
    await ensemble.clock.advance(1_000);
    expect(anna.at(-1)).toMatchObject({
      status: 'expired',
      reason: 'node-deleted',
    });
    expect(ben.at(-1)?.status).toBe('held');
    expect(ensemble.claims(claimsAt)).toHaveLength(1);
    expect(ensemble.claims('/holdfast/audit')).toEqual([entry.path]);
  });
});

it('a leader that is asked to give up is known by its id all the while', async () => {
  const seen: Observed[] = [];
  ensemble
    .session()
    .election('/elections/a')
    .observe()
    .subscribe((observed) => seen.push(observed));
  await hear(ensemble.session().election('/elections/a', { id: 'anna' }));
  const [claim = ''] = ensemble.claims('/elections/a');
  const revoking = operator.revoke(claim, REQUEST);
  await ensemble.clock.advance(1_000);
  expect(await ensemble.until(operator.readClaim(claim))).toBe('anna');
  await ensemble.until(revoking);
  expect(new Set(seen.flatMap(({ leader }) => (leader === null ? [] : [leader.id])))).toEqual(
    new Set(['anna']),
  );
});

it('a member of a double barrier that is broken inside counts as one who left', async () => {
  const enter = () => ensemble.session().doubleBarrier('/barriers/a', 2).enter();
  const entering = [enter(), enter()];
  const [one, other] = await ensemble.until(Promise.all(entering));
  if (one === undefined || other === undefined) throw new Error('two entered');
  const leaving = other.leave();
  await ensemble.until(operator.breakClaim(one.claimPath, { by: 'ops' }));
  await ensemble.until(leaving);
  await ensemble.clock.advance(1_000);
  expect(one.signal.reason).toMatchObject({
    code: 'LOCK_LOST',
    reason: 'node-deleted',
  });
  expect(ensemble.claims('/barriers/a')).toEqual([]);
});

it.each(['lease', 'member'])('what only looks like a %s is left alone', async (name) => {
  await expect(operator.breakClaim(`/settings/${name}-0000000001`, { by: 'ops' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
});
