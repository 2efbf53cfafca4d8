import type { Direction, FetchRequest } from '../../ports/git/git-remote.js';
import type { RefName } from '../../ports/vocabulary.js';
import { utf8 } from '../git/bytes.js';
import { isEpochLabel, isNamespace } from '../../ports/grammar/namespace.js';

/** The refs of a namespace, as the repository model names them. */
export const ledgerRef = (ns: string): RefName => `refs/kv/${ns}`;
/** Where a namespace's prefix index stands. */
export const indexRef = (ns: string): RefName => `refs/kv-index/${ns}`;
/** Where the chunks of an epoch's large values stand. */
export const chunksRef = (ns: string, epoch: string): RefName => `refs/kv-chunks/${ns}@${epoch}`;
/** Where the first ledger commit of a namespace's current epoch is kept. */
export const epochRef = (ns: string): RefName => `refs/kv-epoch/${ns}`;
/** Where the last tips of an epoch that has ended are kept. */
export const archiveRef = (ns: string, epoch: string): RefName => `refs/kv-archive/${ns}@${epoch}`;
/** Where the accepted transactions of an epoch are listed, by the Stargate alone. */
export const watchlogRef = (ns: string, epoch: string): RefName => `refs/kv-watchlog/${ns}@${epoch}`;
/** Where the signed intents of an epoch are kept, by the Stargate alone. */
export const intentsRef = (ns: string, epoch: string): RefName => `refs/kv-intents/${ns}@${epoch}`;
/** What a signed intent is pushed to; it is never there, since what comes of it is a ledger commit. */
export const intentRef = (ns: string, txn: string): RefName => `refs/kv-intent/${ns}/${txn}`;
/** There since an epoch was compacted away, so that its label is not used again. */
export const compactedRef = (ns: string, epoch: string): RefName => `refs/kv-compacted/${ns}@${epoch}`;
/** The refs of which an epoch that there is or was has at least one. */
export const refsOfLabel = (ns: string, epoch: string): RefName[] => [
  archiveRef(ns, epoch),
  chunksRef(ns, epoch),
  watchlogRef(ns, epoch),
  intentsRef(ns, epoch),
  compactedRef(ns, epoch),
];
/** Where a namespace's watermark stands: the newest ledger commit that the mirror is known to show. */
export const mirrorRef = (ns: string): RefName => `refs/kv-mirror/${ns}`;
/** Where a ledger is kept that was begun in a clone before it had a Stargate, and that the Stargate's doesn't go on from. */
export const strandedRef = (ns: string): RefName => `refs/kv-local/${ns}`;
/** Where the Stargate publishes the policy in force. */
export const POLICY_REF: RefName = 'refs/kv-policy/current';
/** Where the policy lies, in a work tree, on a branch and in the published commit. */
export const POLICY_PATH = '.kv/policy.yaml';

/** Where a clone keeps what it has fetched: one tree of refs a source. */
export type Source = 'mirror' | 'stargate';
/** Which of a remote's two sides a source is. */
export const directionOf = (source: Source): Direction => (source === 'mirror' ? 'read' : 'write');
/** A clone's own copy of a ref, or of a pattern of refs, as it was last fetched from a source. */
export const trackingRef = (source: Source, ref: RefName): RefName => ref.replace(/^refs\//, `refs/kv-tracking/${source}/`);
/** Every name under which a clone may have a ref: as the Stargate had it, as the mirror had it, and the clone's own. */
export const trackedNames = (ref: RefName): RefName[] => [trackingRef('stargate', ref), trackingRef('mirror', ref), ref];
/** Asks a source for a ref, into the tracking ref that this source has. */
export const trackingRequest = (source: Source, ref: RefName): FetchRequest => ({
  remoteRef: ref,
  localRef: trackingRef(source, ref),
});
/** A watch's own copy of the ledger's tip: two processes that fetch into the same ref at once get in each other's way. */
export const watchTrackingRef = (source: Source, ns: string): RefName => `refs/kv-tracking/${source}/kv-watch/${ns}`;

type KvRefKind = 'ledger' | 'index' | 'chunks' | 'epoch' | 'archive' | 'watchlog' | 'intents' | 'compacted' | 'mirror' | 'policy';

/** A ref, taken apart. `branch` and `tag` are the ordinary ones; `other` is anything that has no place here. */
export type RefClass =
  | { readonly kind: KvRefKind; readonly ns: string; readonly epoch: string | null }
  | { readonly kind: 'branch' | 'tag' | 'other' };

interface Family {
  readonly kind: KvRefKind;
  /** Its refs end in `@` and an epoch's label. */
  readonly perEpoch: boolean;
}

const FAMILIES: Readonly<Record<string, Family>> = {
  kv: { kind: 'ledger', perEpoch: false },
  'kv-index': { kind: 'index', perEpoch: false },
  'kv-chunks': { kind: 'chunks', perEpoch: true },
  'kv-epoch': { kind: 'epoch', perEpoch: false },
  'kv-archive': { kind: 'archive', perEpoch: true },
  'kv-watchlog': { kind: 'watchlog', perEpoch: true },
  'kv-intents': { kind: 'intents', perEpoch: true },
  'kv-compacted': { kind: 'compacted', perEpoch: true },
  'kv-mirror': { kind: 'mirror', perEpoch: false },
};
/** What follows `refs/` in the refs of a namespace. */
export const KV_FAMILIES: readonly string[] = Object.keys(FAMILIES);

/** Longer names don't fit into a pkt-line with a reason beside them, nor into every host's file system. Bytes. */
const MAX_REF = 1000;
const MAX_REF_PART = 250;

/**
 * Names that are one thing here and another, or nothing, at the mirror: too long ones, spaces that only some programs take for
 * spaces, and branches or tags that begin with `refs/`, which make the ref of the rest ambiguous to git.
 */
function isTroublesome(ref: RefName): boolean {
  const parts = ref.split('/');
  if (ref.length > MAX_REF || parts.some((part) => utf8(part).length > MAX_REF_PART)) return true;
  return /[\s\p{Cc}\p{Cf}\p{Zs}\ufffd]/u.test(ref) || /^refs\/(?:heads|tags)\/refs(?:\/|$)/.test(ref);
}

/** Takes a ref apart. A name that is no ref of a namespace, branch or tag, or could be taken for another, is `other`. */
export function classifyRef(ref: RefName): RefClass {
  if (isTroublesome(ref)) return { kind: 'other' };
  if (ref.startsWith('refs/heads/')) return { kind: 'branch' };
  if (ref.startsWith('refs/tags/')) return { kind: 'tag' };
  if (ref === POLICY_REF) return { kind: 'policy', ns: '', epoch: null };
  const match = /^refs\/(kv[a-z-]*)\/([^/]+)$/.exec(ref);
  if (match === null) return { kind: 'other' };
  const [, family = '', name = ''] = match;
  const found = FAMILIES[family];
  if (found === undefined) return { kind: 'other' };
  const { kind, perEpoch } = found;
  if (!perEpoch) return isNamespace(name) ? { kind, ns: name, epoch: null } : { kind: 'other' };
  const at = name.indexOf('@');
  if (at < 0) return { kind: 'other' };
  const ns = name.slice(0, at);
  const epoch = name.slice(at + 1);
  return isNamespace(ns) && isEpochLabel(epoch) ? { kind, ns, epoch } : { kind: 'other' };
}
