import type { CloneConfig } from '../../../../ports/clone/clone-config.js';
import { KvError } from '../../../../ports/error.js';
import type { Policy, PolicyKey } from '../../../../ports/stargate/policy-reader.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { decodeLoose } from '../../../git/bytes.js';
import { decodeRepositoryId, REPOSITORY_ID_PATH } from '../../../ledger/repository-id.js';
import { decodeSequencerKeys, SEQUENCER_KEYS_PATH } from '../../../ledger/intent/sequencer-keys.js';
import { POLICY_PATH, POLICY_REF, trackedNames } from '../../../ledger/refs.js';
import { newestRef } from '../chunks-tip.js';
import type { Clone } from '../clone.js';
import { keepPolicy, keptPolicy } from './policy-cache.js';

/** What was parsed last, by the clone's configuration, which all views of a clone share: a command asks several times. */
const parsed = new WeakMap<CloneConfig, { readonly commit: Oid; readonly published: Published }>();

/** What a clone knows of what the Stargate published; nulls for what it doesn't. */
export interface Published {
  readonly policy: Policy | null;
  readonly repositoryId: string | null;
  readonly sequencers: readonly PolicyKey[];
}

/** What a clone knows that has fetched nothing. */
export const NOTHING_PUBLISHED: Published = { policy: null, repositoryId: null, sequencers: [] };

/**
 * The policy that the Stargate published, as last fetched; null when this clone has none. It only spares a writer a
 * refusal: what counts is the policy that the Stargate has in force when the push arrives.
 */
export async function knownPolicy(clone: Clone): Promise<Policy | null> {
  return (await knownPublished(clone)).policy;
}

/** The same, with the id of the Stargate's repository, which transactions are to name. */
export async function knownPublished(clone: Clone): Promise<Published> {
  const commit = await publishedPolicy(clone);
  if (commit === undefined) return NOTHING_PUBLISHED;
  const last = parsed.get(clone.config);
  if (last?.commit === commit) return last.published;
  const published = await readPublished(clone, commit);
  parsed.set(clone.config, { commit, published });
  return published;
}

async function readPublished(clone: Clone, commit: Oid): Promise<Published> {
  const kept = clone.cache === undefined ? null : await keptPolicy(clone.cache, commit);
  if (kept !== null) return kept;
  const paths = [POLICY_PATH, REPOSITORY_ID_PATH, SEQUENCER_KEYS_PATH];
  const [text, id, keys] = await clone.store.readPaths(commit, paths);
  const policy = text ? await parse(clone, decodeLoose(text.body)) : null;
  const repositoryId = id ? decodeRepositoryId(id.body) : null;
  const sequencers = keys ? decodeSequencerKeys(keys.body) : [];
  if (policy !== null && clone.cache !== undefined) await keepPolicy(clone.cache, commit, { policy, repositoryId, sequencers });
  return { policy, repositoryId, sequencers };
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
