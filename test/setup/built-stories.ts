/** Vitest's global setup for the stories: their pages, built from what is here now. */
import { buildStories } from '../../stories/storybook.mjs';

export async function setup(): Promise<void> {
  await buildStories();
}
