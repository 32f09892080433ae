/** Everything that is shown of lines shared with other languages, as a function of the server. */
import { curatorRecipes } from './curator-recipes.js';
import { oneLine } from './one-line.js';
import { pathsAndCrashes } from './paths-and-crashes.js';
import { readersAndWriters } from './readers-and-writers.js';
import { requestsAndData } from './requests-and-data.js';
import type { Server } from './stage.js';
import { unsafeMixes } from './unsafe-mixes.js';

export function besideOthers(where: string, start: () => Promise<Server>): void {
  for (const show of [
    oneLine,
    unsafeMixes,
    readersAndWriters,
    curatorRecipes,
    requestsAndData,
    pathsAndCrashes,
  ])
    show(where, start);
}
