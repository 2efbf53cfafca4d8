import type { Clock } from '../../../ports/clock.js';
import type { GitStore, NewObject } from '../../../ports/git-store.js';
import type { RefUpdate } from '../../../ports/vocabulary.js';
import { utf8 } from '../../git/bytes.js';
import { decodeCommit, encodeCommit, stamp } from '../../git/commit.js';
import type { ObjectNamer } from '../../git/object.js';
import { POLICY_REF } from '../../ledger/refs.js';
import { MODE_FILE } from '../../git/tree.js';
import { seal, TreeDraft } from '../../git/tree-draft.js';
import { STARGATE_IDENTITY } from '../../ledger/watchlog.js';

/** Who changed a policy and how it came into force, as far as is known: names of trailers (without `KV-Policy-`) and what they say. */
export type PolicyOrigin = readonly (readonly [name: string, value: string])[];

/** Writes the commit that publishes a policy's text; gives the move of `refs/kv-policy/current`, or none when it says so already. */
export async function publishPolicy(
  store: GitStore,
  namer: ObjectNamer,
  clock: Clock,
  text: string,
  origin: PolicyOrigin = [],
): Promise<RefUpdate[]> {
  const objects: NewObject[] = [];
  const blob = namer.object('blob', utf8(text));
  objects.push(blob);
  const root = new TreeDraft(null);
  const folder = new TreeDraft(null);
  folder.put('policy.yaml', MODE_FILE, blob.oid);
  root.dirs.set('.kv', folder);
  const tree = seal(root, namer, objects) as string;
  const old = (await store.refs([POLICY_REF])).get(POLICY_REF) ?? null;
  if (old !== null) {
    const [object] = await store.read([old]);
    if (object && decodeCommit(object.body, old, store.objectFormat).tree === tree) return [];
  }
  const ident = stamp(STARGATE_IDENTITY, clock.now());
  const commit = {
    tree,
    parents: old === null ? [] : [old],
    author: ident,
    committer: ident,
    signature: null,
    message: policyMessage(origin),
  };
  const object = namer.object('commit', encodeCommit(commit, namer.format));
  await store.write([...objects, object]);
  return [{ ref: POLICY_REF, old, next: object.oid }];
}

const MAX_VALUE = 200;

function policyMessage(origin: PolicyOrigin): string {
  const plain = (value: string): string =>
    value
      .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
      .trim()
      .slice(0, MAX_VALUE);
  const trailers = origin.map(([name, value]) => `KV-Policy-${name}: ${plain(value) || '-'}\n`);
  return trailers.length === 0 ? 'kv-policy: in force\n' : `kv-policy: in force\n\n${trailers.join('')}`;
}
