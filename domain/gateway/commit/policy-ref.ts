import type { Clock } from '../../../ports/clock.js';
import type { GitStore, NewObject } from '../../../ports/git-store.js';
import type { RefUpdate } from '../../../ports/vocabulary.js';
import { decodeLoose, utf8 } from '../../git/bytes.js';
import { decodeCommit, encodeCommit, stamp } from '../../git/commit.js';
import type { ObjectNamer } from '../../git/object.js';
import { encodeHostKeys, HOST_KEYS_PATH, type NamedHostKey } from '../../ledger/host-keys.js';
import { POLICY_PATH, POLICY_REF } from '../../ledger/refs.js';
import { MODE_FILE } from '../../git/tree.js';
import { seal, TreeDraft } from '../../git/tree-draft.js';
import { STARGATE_IDENTITY } from '../../ledger/watchlog.js';

/** The text of the policy that was published last; null when none was. */
export async function publishedText(store: GitStore): Promise<string | null> {
  const commit = (await store.refs([POLICY_REF])).get(POLICY_REF);
  if (commit === undefined) return null;
  const [blob] = await store.readPaths(commit, [POLICY_PATH]);
  return blob ? decodeLoose(blob.body) : null;
}

/** What is published for clients. */
export interface Published {
  /** The policy's text. */
  readonly policy: string;
  /** Empty where there is no SSH server: then nothing is said of them. */
  readonly hostKeys: readonly NamedHostKey[];
}

/** Writes the commit that publishes a policy; gives the move of `refs/kv-policy/current`, or none when it says so already. */
export async function publishPolicy(
  store: GitStore,
  namer: ObjectNamer,
  clock: Clock,
  { policy, hostKeys }: Published,
): Promise<RefUpdate[]> {
  const objects: NewObject[] = [];
  const root = new TreeDraft(null);
  const put = (path: string, bytes: Uint8Array): void => {
    const [folder = '', name = ''] = path.split('/');
    const blob = namer.object('blob', bytes);
    objects.push(blob);
    const draft = root.dirs.get(folder) ?? new TreeDraft(null);
    draft.put(name, MODE_FILE, blob.oid);
    root.dirs.set(folder, draft);
  };
  put(POLICY_PATH, utf8(policy));
  if (hostKeys.length > 0) put(HOST_KEYS_PATH, encodeHostKeys(hostKeys));
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
    message: 'kv-policy: in force\n',
  };
  const object = namer.object('commit', encodeCommit(commit, namer.format));
  await store.write([...objects, object]);
  return [{ ref: POLICY_REF, old, next: object.oid }];
}
