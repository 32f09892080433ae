/** By name. */
import { barrier } from './barrier.js';
import { doubleBarrier } from './double-barrier.js';
import { lock } from './lock.js';
import { multiLock } from './multi-lock.js';
import { readWrite } from './read-write.js';
import { semaphore } from './semaphore.js';
import type { Workload } from './workload.js';

export const WORKLOADS = {
  lock,
  'read-write': readWrite,
  semaphore,
  'multi-lock': multiLock,
  barrier,
  'double-barrier': doubleBarrier,
} as const satisfies Record<string, Workload>;

export type WorkloadName = keyof typeof WORKLOADS;
