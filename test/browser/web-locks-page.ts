/** The page: the browser's own locks, and ours over a ZooKeeper that runs in it. */
import { connect } from 'holdfast';
import { createEmbeddedZooKeeper } from 'holdfast/embedded';
import { SENTENCES } from './web-lock-sentences.js';

/** What each sentence saw, of the browser's locks and of ours. */
async function play() {
  const zookeeper = await createEmbeddedZooKeeper({ port: false });
  const session = connect('embedded', { client: zookeeper.client() });
  const seen: { says: string; browser: unknown; ours: unknown }[] = [];
  for (const [says, sentence] of Object.entries(SENTENCES)) {
    const [browser, ours] = await Promise.all(
      [navigator.locks, session.locks].map((locks) => sentence(locks, `about ${seen.length}`)),
    );
    seen.push({ says, browser, ours });
  }
  await session.close();
  await zookeeper.close();
  return seen;
}

Object.assign(globalThis, { play });
