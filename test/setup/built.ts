/** Vitest's global setup for what runs on the built files in processes of its own. */
import { ensureBuilt } from '../../src/cli/bootstrap.mjs';

export async function setup(): Promise<void> {
  await ensureBuilt();
}
