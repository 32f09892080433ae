/** Ending somebody else's claim: exactly that one, with a trace of who did it and why. In virtual time. */
import { filter, firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Lock, Ownership, Session } from '../../src/index.js';
import type { ClientFactory } from '../../src/zookeeper/client.js';
import { bytes, NO_DATA, text } from '../embedded/connected-client.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const AUDIT = '/holdfast/audit';

/** A client without transactions. */
const withoutMulti =
  (factory: ClientFactory): ClientFactory =>
  (options) => {
    const client = factory(options);
    return Object.defineProperty(client, 'capabilities', {
      value: { ...client.capabilities, multi: false },
    });
  };

/** A session that may ask already. */
async function connected(ensemble: VirtualEnsemble, client = ensemble.zookeeper.client()): Promise<Session> {
  const session = ensemble.session({ client });
  await ensemble.until(firstValueFrom(session.state.pipe(filter(({ kind }) => kind === 'connected'))));
  return session;
}

function hear(lock: Lock): Ownership[] {
  const told: Ownership[] = [];
  // Who still waits at the end of a test hears that its session is closed.
  lock.subscribe({ next: (ownership) => told.push(ownership), error: () => undefined });
  return told;
}

/** Anna holds, ben and carl wait. */
async function line(ensemble: VirtualEnsemble) {
  const told: Record<string, Ownership[]> = {};
  for (const owner of ['anna', 'ben', 'carl']) {
    told[owner] = hear(ensemble.lock('/locks/a', { owner }));
    await ensemble.clock.advance(100);
  }
  const holding = told['anna']?.at(-1);
  if (holding?.status !== 'held') throw new Error('anna does not hold');
  return { told, claim: holding.lease.claimPath };
}

describe.each(['a transaction', 'single requests'])('breaking a claim, by %s', (means) => {
  const clientOf = (ensemble: VirtualEnsemble) => {
    const factory = ensemble.zookeeper.client();
    return means === 'a transaction' ? factory : withoutMulti(factory);
  };
  const operator = (ensemble: VirtualEnsemble) => connected(ensemble, clientOf(ensemble));

  it('ends exactly that claim: its holder hears why, the next one holds, and the audit is all that is left', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const { told, claim } = await line(ensemble);
    const before = ensemble.claims('/locks/a');
    const entry = await ensemble.until(
      (await operator(ensemble)).breakClaim(claim, { by: 'olga', why: 'it hangs' }),
    );
    await ensemble.clock.advance(1_000);
    expect(ensemble.claims('/locks/a')).toEqual(before.filter((each) => each !== claim));
    expect(told['anna']?.at(-1)).toMatchObject({ status: 'expired', reason: 'node-deleted' });
    expect(told['ben']?.at(-1)?.status).toBe('held');
    expect(told['carl']?.at(-1)?.status).toBe('waitingOnPredecessor');
    expect(ensemble.claims('/holdfast')).toEqual([AUDIT, entry.path]);
  });

  it('writes down whose it was, who broke it and why', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const { claim } = await line(ensemble);
    const outsider = await ensemble.outsider();
    const stat = await ensemble.until(outsider.exists(claim));
    const entry = await ensemble.until(
      (await operator(ensemble)).breakClaim(claim, { by: 'olga', why: 'it hangs' }),
    );
    const facts = { claim, by: 'olga', why: 'it hangs', owner: 'anna', session: stat?.ephemeralOwner };
    expect(entry).toMatchObject({ ...facts, czxid: stat?.czxid });
    const { data, stat: written } = await ensemble.until(outsider.getData(entry.path));
    expect(JSON.parse(text(data))).toEqual({ ...facts, czxid: String(stat?.czxid) });
    expect(written.ephemeralOwner).toMatch(/^(0x)?0+$/);
  });

  it('numbers the entries of several breaks', async () => {
    await using ensemble = await VirtualEnsemble.start();
    await line(ensemble);
    const session = await operator(ensemble);
    const paths: string[] = [];
    for (const claim of ensemble.claims('/locks/a'))
      paths.push((await ensemble.until(session.breakClaim(claim, { by: 'olga' }))).path);
    expect(new Set(paths).size).toBe(3);
    expect([...paths].sort()).toEqual(paths);
    expect(ensemble.claims('/locks/a')).toEqual([]);
  });

  it('ends one that waits, and leaves the holder alone', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const { told, claim } = await line(ensemble);
    const ben = ensemble.claims('/locks/a').find((each) => each !== claim && each.endsWith('1'))!;
    await ensemble.until((await operator(ensemble)).breakClaim(ben, { by: 'olga' }));
    await ensemble.clock.advance(1_000);
    expect(told['anna']?.at(-1)?.status).toBe('held');
    expect(told['carl']?.at(-1)).toMatchObject({ status: 'waitingOnPredecessor', position: 1 });
  });

  it('says that a claim has gone, and leaves no entry', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const gone = (await operator(ensemble)).breakClaim('/locks/a/lock-0000000007', { by: 'olga' });
    await expect(ensemble.until(gone)).rejects.toMatchObject({ code: 'CLAIM_GONE' });
    expect(ensemble.claims('/holdfast')).toEqual([]);
  });

  it.each(['breakClaim', 'revoke'] as const)('leaves alone what is no claim: %s', async (ending) => {
    await using ensemble = await VirtualEnsemble.start();
    await ensemble.until((await ensemble.outsider()).create('/settings', bytes('{}')));
    const session = await operator(ensemble);
    await expect(session[ending]('/settings', { by: 'olga' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('/settings') as string,
    });
    expect(await ensemble.until((await ensemble.outsider()).exists('/settings'))).not.toBeNull();
    expect(ensemble.claims('/holdfast')).toEqual([]);
  });

  it('leaves a claim alone that changed in that moment', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const { claim } = await line(ensemble);
    const outsider = await ensemble.outsider();
    const session = await connected(ensemble, (options) => {
      const client = clientOf(ensemble)(options);
      const getData = client.getData.bind(client);
      // Between the look and the deletion.
      client.getData = async (path) => {
        const got = await getData(path);
        await outsider.setData(claim, bytes('{"owner":"anna"}'), -1);
        return got;
      };
      return client;
    });
    await expect(ensemble.until(session.breakClaim(claim, { by: 'olga' }))).rejects.toMatchObject({
      code: 'LOCKING_FAILED',
      message: expect.stringContaining('changed') as string,
    });
    expect(ensemble.claims('/locks/a')).toContain(claim);
  });

  it('says which permission is missing, and leaves the claim', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const outsider = await ensemble.outsider();
    await ensemble.until(outsider.create('/guarded', NO_DATA));
    const claim = '/guarded/lock-0000000001';
    await ensemble.until(outsider.create(claim, bytes('{}')));
    await ensemble.until(
      outsider.setAcl('/guarded', [{ permissions: 1 | 4, scheme: 'world', id: 'anyone' }], -1),
    );
    await expect(
      ensemble.until((await operator(ensemble)).breakClaim(claim, { by: 'olga' })),
    ).rejects.toMatchObject({
      code: 'LOCKING_FAILED',
      message: expect.stringContaining('DELETE on /guarded') as string,
    });
    expect(ensemble.claims('/guarded')).toEqual([claim]);
  });

  it('ends a claim that may not be read, whose owner is then not known', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const outsider = await ensemble.outsider();
    await ensemble.until(outsider.create('/guarded', NO_DATA));
    const claim = '/guarded/lock-0000000001';
    const acl = [{ permissions: 16, scheme: 'world', id: 'anyone' }];
    await ensemble.until(outsider.create(claim, bytes('{"owner":"anna"}'), { acl }));
    const entry = await ensemble.until((await operator(ensemble)).breakClaim(claim, { by: 'olga' }));
    expect(entry.owner).toBeUndefined();
    expect(ensemble.claims('/guarded')).toEqual([]);
  });
});

it('asks for a claim and for who breaks it', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const session = ensemble.session();
  await expect(session.breakClaim('no path', { by: 'olga' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  await expect(session.breakClaim('/locks/a/lock-0000000001', { by: '' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  await ensemble.until(session.close());
  await expect(session.breakClaim('/locks/a/lock-0000000001', { by: 'olga' })).rejects.toMatchObject({
    code: 'SESSION_CLOSED',
  });
});

it('reads a claim as it is stored, and null where there is none', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const { claim } = await line(ensemble);
  const session = await connected(ensemble);
  expect(await ensemble.until(session.readClaim(claim))).toContain('"anna"');
  expect(await ensemble.until(session.readClaim('/locks/a/lock-0000000099'))).toBeNull();
});
