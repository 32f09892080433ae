/** Vitest's global setup for the tests of the native client: `npm ci` takes its folder away with the packages. */
import { findNativePackages, installNativePackage, NATIVE_REMEDY } from './native-installation.mjs';

export function setup(): void {
  if (findNativePackages() === undefined && !installNativePackage()) throw new Error(NATIVE_REMEDY);
}
