import { expect, it } from 'vitest';
import { textOf } from '../setup/source-files.js';

it("docs/interop.md shows the subclass of kazoo's lock that these tests run", () => {
  const [, shown = ''] =
    /```python\nclass SharedLock\(.*\):\n([^`]*)```/.exec(textOf('docs/interop.md')) ?? [];
  expect(shown).toContain('_NODE_NAME');
  expect(textOf('test/interop/peers/kazoo_peer.py')).toContain(shown);
});
