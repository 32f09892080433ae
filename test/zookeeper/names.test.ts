import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConnectString } from '../../src/zookeeper/connect-string.js';
import { ZooKeeperError } from '../../src/zookeeper/errors.js';
import { pathFault, withChroot, withoutChroot } from '../../src/zookeeper/znode-path.js';

describe('a connect string', () => {
  it.each([
    ['zk', [{ host: 'zk', port: 2181 }], ''],
    [
      'a:1, b:2 ,c',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
        { host: 'c', port: 2181 },
      ],
      '',
    ],
    ['a:1/', [{ host: 'a', port: 1 }], ''],
    [
      'a:1,b:2/app/locks',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
      '/app/locks',
    ],
    [
      '[::1]:2182,[fe80::1%eth0]',
      [
        { host: '::1', port: 2182 },
        { host: 'fe80::1%eth0', port: 2181 },
      ],
      '',
    ],
  ])('%j names hosts and a chroot', (text, hosts, chroot) => {
    expect(parseConnectString(text)).toEqual({ hosts, chroot });
  });

  it.each([
    ['', 'names no host'],
    ['   ', 'names no host'],
    ['/chroot', 'names no host'],
    ['a:1,,b:2', 'empty entry'],
    ['a:1,', 'empty entry'],
    ['zk://a:1', 'scheme must go'],
    ['a:0', '"0"'],
    ['a:65536', '"65536"'],
    ['a:', '""'],
    ['a:1e3', 'a port that is not 1 to 65535'],
    ['a:-1', '"-1"'],
    [':2181', 'without a host name'],
    ['::1', 'brackets'],
    ['user@a:1', 'give them as auth'],
    ['a b:1', 'no host can be called'],
    ['a:1/app/', 'ends with "/"'],
    ['a:1/app/../b', 'relative segment'],
  ])('%j is refused with the fault and the remedy', (text, words) => {
    expect(() => parseConnectString(text)).toThrow(ZooKeeperError);
    expect(() => parseConnectString(text)).toThrow(words);
    expect(() => parseConnectString(text)).toThrow('write it like "a:2181,b:2181"');
  });

  it.each([
    'user:hunter2@a:2181',
    'user:hunter2@a:2181,b:2181/app',
    'user:hunter2/x@a:2181',
    'zk://user:hunter2@a:2181',
    'digest:user:hunter2',
    'digest:user:hunter2@a:2181',
    'a:2181,sasl:user:hunter2',
    'user:hunter2',
  ])('that holds credentials is refused without repeating them (%#)', (text) => {
    let message = '';
    try {
      parseConnectString(text);
    } catch (error) {
      message = String(error);
      expect(error).toMatchObject({ code: 'BadArguments' });
    }
    expect(message).toContain('write it like "a:2181,b:2181"');
    expect(message).not.toContain('hunter2');
  });

  it('may have an "@" in its chroot', () => {
    expect(parseConnectString('a:1/team@here').chroot).toBe('/team@here');
  });

  it('is understood or refused, typed, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.anything()), (text) => {
        try {
          expect(parseConnectString(text as string).hosts.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toMatchObject({ code: 'BadArguments' });
        }
      }),
    );
  });
});

describe('a path', () => {
  it.each(['/', '/a', '/a/b', '/a.b', '/...', '/.a', '/ü/名', '/a b'])('%j can be one', (path) => {
    expect(pathFault(path)).toBeUndefined();
  });

  it.each([
    ['', 'empty'],
    ['a', 'does not start'],
    ['/a/', 'ends with'],
    ['//a', 'empty segment'],
    ['/a/./b', 'relative'],
    ['/a/..', 'relative'],
    ['/a\u0000', 'U+0000 at 2'],
    ['/a\u009f', 'U+009f'],
    ['/\ud800', 'U+d800'],
    ['/\u{1f600}', 'U+d83d'],
    ['/\ufff0', 'U+fff0'],
  ])('%j cannot, and the fault is named', (path, words) => {
    expect(pathFault(path)).toContain(words);
  });

  it('may end with a slash or dots where the server appends a number', () => {
    expect(pathFault('/a/', true)).toBeUndefined();
    expect(pathFault('/a/..', true)).toBeUndefined();
    expect(pathFault('/a//', true)).toContain('empty segment');
  });

  it('goes under a chroot and comes back', () => {
    const segment = fc.stringMatching(/^[a-z]{1,5}$/);
    const path = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`);
    fc.assert(
      fc.property(path, path, (chroot, visible) => {
        const root = chroot === '/' ? '' : chroot;
        expect(withoutChroot(root, withChroot(root, visible))).toBe(visible);
      }),
    );
    expect(withoutChroot('/app', '/apple/a')).toBeUndefined();
    expect(withoutChroot('/app', '/')).toBeUndefined();
  });
});
