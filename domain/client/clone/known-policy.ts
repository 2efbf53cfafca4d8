import type { CloneConfig } from '../../../ports/clone-config.js';
import { KvError } from '../../../ports/error.js';
import type { Policy } from '../../../ports/policy-reader.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { decodeLoose } from '../../git/bytes.js';
import { POLICY_PATH, POLICY_REF, trackedNames } from '../../ledger/refs.js';
import { newestRef } from './chunks-tip.js';
import type { Clone } from './clone.js';
import { keepPolicy, keptPolicy } from './policy-cache.js';

/** What was parsed last, by the clone's configuration, which all views of a clone share: a command asks several times. */
const parsed = new WeakMap<CloneConfig, { readonly commit: Oid; readonly policy: Policy | null }>();

/**
 * The policy that the Stargate published, as last fetched; null when this clone has none. It only spares a writer a
 * refusal: what counts is the policy that the Stargate has in force when the push arrives.
 */
export async function knownPolicy(clone: Clone): Promise<Policy | null> {
  const commit = await publishedPolicy(clone);
  if (commit === undefined) return null;
  const last = parsed.get(clone.config);
  if (last?.commit === commit) return last.policy;
  const policy = await readPolicy(clone, commit);
  parsed.set(clone.config, { commit, policy });
  return policy;
}

async function readPolicy(clone: Clone, commit: Oid): Promise<Policy | null> {
  const kept = clone.cache === undefined ? null : await keptPolicy(clone.cache, commit);
  if (kept !== null) return kept;
  const text = await textIn(clone, commit);
  const policy = text === null ? null : await parse(clone, text);
  if (policy !== null && clone.cache !== undefined) await keepPolicy(clone.cache, commit, policy);
  return policy;
}

/** The published policy's text, newest source first. */
export async function publishedPolicyText(clone: Clone): Promise<string | null> {
  const commit = await publishedPolicy(clone);
  return commit === undefined ? null : textIn(clone, commit);
}

function publishedPolicy(clone: Clone): Promise<Oid | undefined> {
  return newestRef(clone, trackedNames(POLICY_REF));
}

async function textIn(clone: Clone, commit: Oid): Promise<string | null> {
  const [blob] = await clone.store.readPaths(commit, [POLICY_PATH]);
  return blob ? decodeLoose(blob.body) : null;
}

async function parse(clone: Clone, text: string): Promise<Policy | null> {
  try {
    return (await clone.policyReader()).parse(text, POLICY_REF);
  } catch (error) {
    // A newer Stargate may publish what this program can't read; it judges the write all the same.
    if (KvError.is(error) && error.code === 'CONFIG_INVALID') return null;
    throw error;
  }
}
