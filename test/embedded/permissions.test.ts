import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  authenticate,
  digestId,
  isAllowed,
  maskedAcl,
  permission,
  storedAcl,
} from '../../src/embedded/permissions.js';
import { sha1 } from '../../src/embedded/sha1.js';

const anyone = { permissions: 31, scheme: 'world', id: 'anyone' };
const ann = { scheme: 'digest', id: digestId('ann:secret') };

test('SHA-1 is what Node says it is, for any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(Buffer.from(sha1(bytes)).toString('hex')).toBe(createHash('sha1').update(bytes).digest('hex'));
    }),
  );
});

test('a digest identity is the one of the ZooKeeper documentation', () => {
  expect(digestId('super:test')).toBe('super:D/InIHSb7yEEbrWz8b9l71RjZJU=');
  expect(authenticate('digest', new TextEncoder().encode('ann:secret'), '')).toEqual(ann);
});

test('an unknown scheme proves nobody', () => {
  expect(authenticate('kerberos', new Uint8Array(0), '127.0.0.1')).toBeUndefined();
});

test('a permission counts only for whom it was given', () => {
  const acl = [{ permissions: permission.read | permission.write, ...ann }];
  expect(isAllowed(acl, permission.read, [ann])).toBe(true);
  expect(isAllowed(acl, permission.delete, [ann])).toBe(false);
  expect(isAllowed(acl, permission.read, [{ scheme: 'digest', id: digestId('ann:wrong') }])).toBe(false);
  expect(isAllowed([anyone], permission.admin, [])).toBe(true);
});

test('addresses match by their leading bits', () => {
  const acl = [{ permissions: 1, scheme: 'ip', id: '10.1.0.0/16' }];
  expect(isAllowed(acl, 1, [{ scheme: 'ip', id: '10.1.200.3' }])).toBe(true);
  expect(isAllowed(acl, 1, [{ scheme: 'ip', id: '10.2.0.1' }])).toBe(false);
});

test('"auth" stands for whoever asks, and for nobody before they proved who they are', () => {
  const asked = [{ permissions: 31, scheme: 'auth', id: '' }];
  expect(storedAcl(asked, [ann, { scheme: 'ip', id: '127.0.0.1' }])).toEqual([{ permissions: 31, ...ann }]);
  expect(storedAcl(asked, [{ scheme: 'ip', id: '127.0.0.1' }])).toBeUndefined();
});

test('an empty list, an unknown scheme and a digest that is none are refused', () => {
  expect(storedAcl([], [])).toBeUndefined();
  for (const [scheme, id] of [
    ['sasl', 'ann'],
    ['world', 'ann'],
    ['digest', 'ann'],
    ['digest', 'ann:'],
    ['ip', '1.2.3'],
    ['ip', '1.2.3.4/33'],
  ] as const) {
    expect(storedAcl([{ permissions: 31, scheme, id }], [ann]), `${scheme}:${id}`).toBeUndefined();
  }
});

test('an entry given twice counts once', () => {
  expect(storedAcl([anyone, anyone], [])).toEqual([anyone]);
});

test('who may not change a list does not see the digests in it', () => {
  expect(maskedAcl([{ permissions: 1, ...ann }, anyone])).toEqual([
    { permissions: 1, scheme: 'digest', id: 'ann:x' },
    anyone,
  ]);
});
