/** Histories that broke a guarantee once, and must never again. A fixed defect also lives on as a mutant, which some seed must find. */
import { expect, it } from 'vitest';
import { runHistory } from './history.js';
import type { ProfileName } from './profiles.js';
import type { WorkloadName } from './workloads/index.js';

const ONCE_BROKEN: readonly {
  readonly seed: number;
  /** Default: locks. */
  readonly workload?: WorkloadName;
  readonly profile: ProfileName;
  readonly broke: string;
  readonly because: string;
  readonly since: string;
}[] = [
  {
    seed: 45,
    profile: 'network',
    broke: 'no claim left behind',
    because: 'an acquisition that was given up while its parents were made stood in line afterwards',
    since: '2026-11-24',
  },
  ...[17_605, 20_094, 25_775].map((seed) => ({
    seed,
    profile: 'everything' as const,
    broke: 'a claim outlives the belief in it',
    because:
      'a process that had stood still for most of its session trusted a follower, whose word came to the leader too late',
    since: '2026-11-24',
  })),
  {
    seed: 6_733,
    profile: 'everything',
    broke: 'no claim left behind',
    because: 'the checker did not wait for the session of a process whose good-bye was lost',
    since: '2026-11-24',
  },
  {
    seed: 9_656,
    profile: 'one-follower-each',
    broke: 'a claim outlives the belief in it',
    because:
      'a follower died just after it answered a ping, and the guard was less than the time between pings',
    since: '2026-11-24',
  },
  {
    seed: 426,
    workload: 'semaphore',
    profile: 'everything',
    broke: 'everybody settles',
    because: 'whoever learned the size as the session was closed stood in line for a session that was over',
    since: '2026-11-24',
  },
  {
    seed: 715,
    workload: 'semaphore',
    profile: 'frozen-quorum',
    broke: 'whoever asks first takes first',
    because: 'a permit was taken behind a place in line that was lost in the moment it was won',
    since: '2026-11-24',
  },
  ...[541, 547].map((seed) => ({
    seed,
    workload: 'barrier' as const,
    profile: 'followers' as const,
    broke: 'a barrier holds back until it is lowered',
    because: 'waiting and lowering believed a server that was behind and knew of no barrier',
    since: '2026-11-24',
  })),
  {
    seed: 342,
    workload: 'double-barrier',
    profile: 'followers',
    broke: 'a group begins together and ends together',
    because:
      'a server that was behind showed a member of a dead round, so its `ready` stayed and let one in alone',
    since: '2026-11-24',
  },
  {
    seed: 484,
    workload: 'double-barrier',
    profile: 'everything',
    broke: 'a group begins together and ends together',
    because: 'a late leaver of one round deleted the `ready` of the next',
    since: '2026-11-24',
  },
  {
    seed: 21_928,
    workload: 'double-barrier',
    profile: 'everything',
    broke: 'a group begins together and ends together',
    because: 'one whose claim had gone created `ready` late, into the next round',
    since: '2026-11-24',
  },
  {
    seed: 19_392,
    workload: 'double-barrier',
    profile: 'frozen-quorum',
    broke: 'a group begins together and ends together',
    because: 'the `ready` of those who had gone let one in beside another one who was giving up',
    since: '2026-11-28',
  },
  {
    seed: 10_074,
    workload: 'double-barrier',
    profile: 'network',
    broke: 'a group begins together and ends together',
    because: 'one who came while it was open and looked late was waited for inside, and waited outside',
    since: '2026-11-28',
  },
  {
    seed: 904_074,
    workload: 'multi-lock',
    profile: 'everything',
    broke: 'no watch left behind',
    because: 'the checker took what a session that is over had watched for left behind',
    since: '2026-11-28',
  },
];

it.each(ONCE_BROKEN)('seed $seed ($profile): $broke; once, $because', async ({ seed, workload, profile }) => {
  const { broken } = await runHistory(seed, { workload, profile });
  expect(broken?.message).toBeUndefined();
});
