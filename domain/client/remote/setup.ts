import type { PinnedHostKey } from '../../../ports/clone/admin-client.js';
import type { CloneConfigWriter } from '../../../ports/clone/clone-config.js';
import { KvError } from '../../../ports/error.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import { STATUS, type StatusReport } from '../../admin/status.js';
import { askStargate } from '../../admin/verb.js';
import { decodeLoose } from '../../git/bytes.js';
import { decodeHostKeys, HOST_KEYS_PATH, type NamedHostKey } from '../../ledger/host-keys.js';
import { POLICY_PATH, POLICY_REF, trackingRef, trackingRequest } from '../../ledger/refs.js';
import type { Clone } from '../clone/clone.js';
import { knownPolicy, publishedPolicyText } from '../clone/policy/known-policy.js';
import { noRemote } from './no-remote.js';

interface SetupRequest {
  /** Given by the user: no policy is looked for. */
  readonly url?: string;
  /** Of the Stargate's host key: ssh is to know it by this one and no other. */
  readonly fingerprint?: string;
  /** The work tree's policy file, when there is one. */
  readonly workTreePolicy: string | null;
  readonly writer: CloneConfigWriter;
}

/** A server that a write may go to once another leads. */
export interface PinnedServer {
  readonly url: string;
  readonly pinned: PinnedHostKey | null;
  readonly error: KvError | null;
}

/** What was configured, and whom it leads to. */
export interface SetupReport {
  readonly remote: string;
  readonly pushUrl: string;
  /** Where the URL came from: a file, a branch or a ref; null when the request gave it. */
  readonly source: string | null;
  readonly previousPushUrl: string | null;
  readonly fetchRefspecs: readonly string[];
  /** The refspecs that were not configured before. */
  readonly newRefspecs: readonly string[];
  /** The host key that ssh now knows the Stargate by; null when the request named none. */
  readonly pinned: PinnedHostKey | null;
  /** The other servers of a cluster, where the policy names some: what ssh now knows them by, or why it does not. */
  readonly servers: readonly PinnedServer[];
  /** The host keys that the policy at the mirror names; asked for when they matter, and empty otherwise. */
  readonly published: readonly NamedHostKey[];
  /** What the Stargate answered, or why it didn't. */
  readonly stargate:
    | { readonly reached: true; readonly status: StatusReport }
    | { readonly reached: false; readonly error: KvError };
}

/** The refs that a plain `git fetch` then brings along, into this clone's tracking refs. */
function fetchRefspecs(): string[] {
  const refs = ['refs/kv/*', 'refs/kv-index/*', 'refs/kv-epoch/*', 'refs/kv-policy/*'];
  return refs.map((ref) => `+${ref}:${trackingRef('mirror', ref)}`);
}

/**
 * Points the remote's push URL at the Stargate that the policy names, and leaves its read URL alone. Throws what `pinHostKey` throws, with
 * nothing configured then.
 */
export async function setUpRemote(clone: Clone, request: SetupRequest): Promise<SetupReport> {
  const { remoteName: remote, remotes } = clone;
  if ((await remotes.url(remote, 'read')) === null) throw noRemote(remote);
  const previousPushUrl = await remotes.url(remote, 'write');
  const { url, source } = request.url === undefined ? await discover(clone, request) : { url: request.url, source: null };
  const specs = fetchRefspecs();
  const had = clone.config.all(`remote.${remote}.fetch`);
  const newRefspecs = specs.filter((spec) => !had.includes(spec));
  const kept = had.filter((spec) => !specs.includes(spec));
  // Before anything is set: where the host shows another key, the clone stays as it was.
  const { fingerprint } = request;
  const pinned = fingerprint === undefined ? null : await clone.stargate.pinHostKey(url, fingerprint);
  await request.writer.set(`remote.${remote}.pushurl`, [url]);
  await request.writer.set(`remote.${remote}.fetch`, [...kept, ...specs]);
  const stargate = await greet(clone);
  const matters = pinned !== null || (!stargate.reached && isAboutHostKey(stargate.error));
  const published = matters ? await publishedHostKeys(clone) : [];
  const servers = fingerprint === undefined ? [] : await pinOthers(clone, url, fingerprint);
  return {
    remote,
    pushUrl: url,
    source,
    previousPushUrl,
    fetchRefspecs: specs,
    newRefspecs,
    pinned,
    servers,
    published,
    stargate,
  };
}

/** Has ssh know the other servers of a cluster by the same host key, which the user has named: a write goes to whoever leads. */
async function pinOthers(clone: Clone, url: string, fingerprint: string): Promise<PinnedServer[]> {
  const urls = Object.values((await knownPolicy(clone))?.pushUrls ?? {}).filter((one) => one !== url);
  return Promise.all(
    urls.map(async (one) => {
      try {
        return { url: one, pinned: await clone.stargate.pinHostKey(one, fingerprint), error: null };
      } catch (error) {
        if (KvError.is(error)) return { url: one, pinned: null, error }; // the set-up stands: it is not the one that is pushed to now
        throw error;
      }
    }),
  );
}

/** The Stargate was there, and ssh didn't take it for the right one. */
export const isAboutHostKey = ({ advice }: KvError): boolean =>
  advice?.id === 'compare-host-key' || advice?.id === 'host-key-changed';

/** The host keys that the mirror's copy of the policy names; none where it can't be had. */
async function publishedHostKeys(clone: Clone): Promise<readonly NamedHostKey[]> {
  const ref = trackingRef('mirror', POLICY_REF);
  try {
    await clone.remotes.fetch(clone.remoteName, 'read', [trackingRequest('mirror', POLICY_REF)]);
    const commit = (await clone.store.refs([ref])).get(ref);
    if (commit === undefined) return [];
    const [blob] = await clone.store.readPaths(commit, [HOST_KEYS_PATH]);
    return blob ? decodeHostKeys(blob.body) : [];
  } catch (error) {
    if (KvError.is(error)) return []; // they are only said besides: what was asked for has been done, or has failed already
    throw error;
  }
}

async function greet(clone: Clone): Promise<SetupReport['stargate']> {
  try {
    return { reached: true, status: await askStargate(clone.stargate, clone.remoteName, STATUS, {}) };
  } catch (error) {
    if (KvError.is(error)) return { reached: false, error }; // the set-up stands; the report says that nobody answered
    throw error;
  }
}

/** Looks in the work tree, then on the remote's default branch, then in the ref that the Stargate publishes. */
async function discover(clone: Clone, request: SetupRequest): Promise<{ url: string; source: string }> {
  const tried: string[] = [];
  const reader = await clone.policyReader();
  const look = (text: string | null, source: string): { url: string; source: string } | undefined => {
    if (text === null) {
      tried.push(`${source}: no policy`);
      return undefined;
    }
    const policy: Policy = reader.parse(text, source);
    if (policy.pushUrl === null) tried.push(`${source}: no stargate.push_url`);
    return policy.pushUrl === null ? undefined : { url: policy.pushUrl, source };
  };
  const { remoteName: remote } = clone;
  const found =
    look(request.workTreePolicy, POLICY_PATH) ??
    look(await policyOnDefaultBranch(clone), `${remote}'s default branch`) ??
    look(await published(clone), POLICY_REF);
  if (found !== undefined) return found;
  throw new KvError('CONFIG_INVALID', `no policy names the Stargate (${tried.join('; ')})`, {
    hint: 'add "stargate: { push_url: ssh://git@HOST/PATH.git }" to .kv/policy.yaml, or give the URL here',
    advice: { id: 'name-stargate' },
  });
}

async function policyOnDefaultBranch(clone: Clone): Promise<string | null> {
  const name = `refs/remotes/${clone.remoteName}/HEAD`;
  const oid = (await clone.store.refs([name])).get(name);
  if (oid === undefined) return null;
  const [blob] = await clone.store.readPaths(oid, [POLICY_PATH]);
  return blob ? decodeLoose(blob.body) : null;
}

async function published(clone: Clone): Promise<string | null> {
  await clone.remotes.fetch(clone.remoteName, 'read', [trackingRequest('mirror', POLICY_REF)]);
  return publishedPolicyText(clone);
}
