import { KvError } from '../../ports/error.js';
import type { Policy } from '../../ports/policy-reader.js';
import { decodeLoose } from '../bytes.js';
import { POLICY_PATH, POLICY_REF, trackingRef } from '../refs.js';
import { newestRef } from './chunks-tip.js';
import type { Clone } from './clone.js';

/**
 * The policy that the Stargate published, as last fetched; null when this clone has none. It only spares a writer a
 * refusal: what counts is the policy that the Stargate has in force when the push arrives.
 */
export async function knownPolicy(clone: Clone): Promise<Policy | null> {
  const text = await publishedPolicyText(clone);
  if (text === null) return null;
  try {
    return (await clone.policyReader()).parse(text, POLICY_REF);
  } catch (error) {
    // A newer Stargate may publish what this program can't read; it judges the write all the same.
    if (KvError.is(error) && error.code === 'CONFIG_INVALID') return null;
    throw error;
  }
}

/** The published policy's text, newest source first. */
export async function publishedPolicyText(clone: Clone): Promise<string | null> {
  const names = [trackingRef('stargate', POLICY_REF), trackingRef('mirror', POLICY_REF), POLICY_REF];
  const best = await newestRef(clone, names);
  if (best === undefined) return null;
  const [blob] = await clone.store.readPaths(best, [POLICY_PATH]);
  return blob ? decodeLoose(blob.body) : null;
}
