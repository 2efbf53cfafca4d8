import type { Clock } from '../../../ports/clock.js';
import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { PolicyKey } from '../../../ports/stargate/policy-reader.js';
import type { RefUpdate } from '../../../ports/vocabulary.js';
import { decodeLoose, utf8 } from '../../git/bytes.js';
import { decodeCommit, encodeCommit, stamp } from '../../git/commit.js';
import type { ObjectNamer } from '../../git/object.js';
import { encodeHostKeys, HOST_KEYS_PATH, type NamedHostKey } from '../../ledger/host-keys.js';
import {
  decodeMirrorRefusals,
  encodeMirrorRefusals,
  MIRROR_REFUSES_PATH,
  type MirrorRefusals,
} from '../../ledger/mirror-refusals.js';
import { decodeRepositoryId, encodeRepositoryId, REPOSITORY_ID_PATH } from '../../ledger/repository-id.js';
import { POLICY_PATH, POLICY_REF } from '../../ledger/refs.js';
import { decodeSequencerKeys, encodeSequencerKeys, SEQUENCER_KEYS_PATH } from '../../ledger/intent/sequencer-keys.js';
import { MODE_FILE } from '../../git/tree/tree.js';
import { seal, TreeDraft } from '../../git/tree/tree-draft.js';
import { STARGATE_IDENTITY } from '../../ledger/transaction/watchlog.js';

/** Who changed a policy and how it came into force, as far as is known: names of trailers (without `KV-Policy-`) and what they say. */
export type PolicyOrigin = readonly (readonly [name: string, value: string])[];

/** The text of the policy that was published last; null when none was. */
export async function publishedText(store: GitStore): Promise<string | null> {
  const body = await publishedFile(store, POLICY_PATH);
  return body === null ? null : decodeLoose(body);
}

/** What was published last of what the mirror refuses. */
export async function publishedRefusals(store: GitStore): Promise<MirrorRefusals> {
  const body = await publishedFile(store, MIRROR_REFUSES_PATH);
  return body === null ? new Map() : decodeMirrorRefusals(body);
}

/** The sequencers' keys that were published last, the one in use first. */
export async function publishedSequencers(store: GitStore): Promise<PolicyKey[]> {
  const body = await publishedFile(store, SEQUENCER_KEYS_PATH);
  return body === null ? [] : decodeSequencerKeys(body);
}

async function publishedFile(store: GitStore, path: string): Promise<Uint8Array | null> {
  const commit = (await store.refs([POLICY_REF])).get(POLICY_REF);
  if (commit === undefined) return null;
  const [blob] = await store.readPaths(commit, [path]);
  return blob?.body ?? null;
}

/**
 * The id of this repository as it was published last; null when none ever was. An earlier version may have published the policy since, and
 * nothing beside it.
 */
export async function publishedRepositoryId(store: GitStore): Promise<string | null> {
  const tip = (await store.refs([POLICY_REF])).get(POLICY_REF);
  if (tip === undefined) return null;
  for await (const commit of store.history({ tip })) {
    const [blob] = await store.readPaths(commit, [REPOSITORY_ID_PATH]);
    const id = blob ? decodeRepositoryId(blob.body) : null;
    if (id !== null) return id;
  }
  return null;
}

/** What is published for clients. */
export interface Published {
  /** The policy's text. */
  readonly policy: string;
  /** Empty where there is no SSH server: then nothing is said of them. */
  readonly hostKeys: readonly NamedHostKey[];
  /** This repository's id. */
  readonly repositoryId: string;
  /** The keys that ledger commits made of intents are signed with, the one in use first; absent or empty: there are no such commits. */
  readonly sequencers?: readonly PolicyKey[];
  /** Absent or empty: there is nothing to say of it. */
  readonly refused?: MirrorRefusals;
  /** Said in the commit's message; absent: nothing is known. */
  readonly origin?: PolicyOrigin | undefined;
}

/** Writes the commit that publishes a policy; gives the move of `refs/kv-policy/current`, or none when it says so already. */
export async function publishPolicy(
  store: GitStore,
  namer: ObjectNamer,
  clock: Clock,
  { policy, hostKeys, repositoryId, sequencers = [], refused, origin = [] }: Published,
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
  put(REPOSITORY_ID_PATH, encodeRepositoryId(repositoryId));
  if (sequencers.length > 0) put(SEQUENCER_KEYS_PATH, encodeSequencerKeys(sequencers));
  if (hostKeys.length > 0) put(HOST_KEYS_PATH, encodeHostKeys(hostKeys));
  if (refused !== undefined && refused.size > 0) put(MIRROR_REFUSES_PATH, encodeMirrorRefusals(refused));
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
