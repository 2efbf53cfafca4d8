import { POLICY_PATH, POLICY_REF } from '../../ledger/refs.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { PolicyKey, PolicyReader } from '../../../ports/stargate/policy-reader.js';

/**
 * The OpenPGP keys of every policy that was published at the mirror, old ones too: what a signature in the adopted history can be
 * checked against. An SSH signature brings its key along.
 */
export async function adoptedKeys(store: GitStore, reader: PolicyReader): Promise<PolicyKey[]> {
  const tip = (await store.refs([POLICY_REF])).get(POLICY_REF);
  if (tip === undefined) return [];
  const keys = new Map<string, PolicyKey>();
  for await (const commit of store.history({ tip })) {
    const [blob] = await store.readPaths(commit, [POLICY_PATH]);
    if (!blob) continue;
    for (const key of keysOf(reader, new TextDecoder().decode(blob.body))) keys.set(key.material, key);
  }
  return [...keys.values()];
}

function keysOf(reader: PolicyReader, text: string): PolicyKey[] {
  try {
    const policy = reader.parse(text, POLICY_REF);
    const all = [...policy.admins, ...[...policy.namespaces.values()].flatMap(({ writers }) => writers)];
    return all.filter(({ kind }) => kind === 'openpgp');
  } catch (error) {
    // A policy of another version of git-kv: its keys are then not at hand, and a signature of theirs says so.
    if (KvError.is(error) && error.code === 'CONFIG_INVALID') return [];
    throw error;
  }
}
