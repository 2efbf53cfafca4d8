import type { Check } from './check.js';
import { DISK } from './disk.js';
import { HOST_KEY } from './host-key.js';
import { JOURNAL } from './journal.js';
import { LOCK } from './lock.js';
import { MIRROR } from './mirror.js';
import { POLICY } from './policy.js';
import { SEQUENCER } from './sequencer-key.js';
import { PERMISSIONS, PLACE, PROFILE, PROGRAMS, REPOSITORY } from './repository.js';

/** All that a start needs, in the order in which one depends on another. */
export const CHECKS: readonly Check[] = [
  PROFILE,
  PROGRAMS,
  REPOSITORY,
  PERMISSIONS,
  DISK,
  HOST_KEY,
  SEQUENCER,
  JOURNAL,
  LOCK,
  POLICY,
  MIRROR,
];

/** What is asked before all else: where it finds a fault, there is nothing that the others could look at. */
export const FIRST: readonly Check[] = [PLACE];
