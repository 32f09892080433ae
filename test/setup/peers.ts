/** Other languages' clients, compiled once for a run: `inject('peers')` says how to run them. Vitest's global setup. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { compilePeers, type PeerCommands } from './peers-installation.mjs';
import { Undertaker } from './undertaker.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** How to run each peer of `test/interop/peers/`. */
    peers: PeerCommands;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-peers-'));
  const undertaker = new Undertaker(folder);
  try {
    project.provide('peers', await compilePeers(folder));
  } catch (error) {
    await undertaker.dismiss();
    throw error;
  }
  return () => undertaker.dismiss();
}
