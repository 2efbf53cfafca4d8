import type { AdminClient } from '../../../ports/clone/admin-client.js';
import type { Chunker, ChunkingSpec } from '../../../ports/chunker.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import type { CloneCache } from '../../../ports/clone/clone-cache.js';
import type { CloneConfig } from '../../../ports/clone/clone-config.js';
import type { FetchRecord } from '../../../ports/git/fetch-record.js';
import type { GitRemote, TransferProgress } from '../../../ports/git/git-remote.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { IntentStream } from '../../../ports/clone/intent-stream.js';
import type { PolicyReader } from '../../../ports/stargate/policy-reader.js';
import type { Signer } from '../../../ports/clone/signer.js';
import type { Span } from '../../../ports/tracing.js';
import { ObjectNamer } from '../../git/object.js';
import type { Zlib } from '../../git/pack/zlib.js';
import { oidBytesIn } from '../../git/tree/tree.js';
import type { MirrorRefusal } from '../../ledger/mirror-refusals.js';

/** A developer's clone, as the use cases see it. The ports that only writing needs are asked for when a write comes. */
export interface Clone {
  readonly store: GitStore;
  readonly remotes: GitRemote;
  /** The Stargate's admin verbs. */
  readonly stargate: AdminClient;
  /** Ways to the Stargate for intents; a clone without them pushes its intents. */
  readonly intents?: IntentStream | undefined;
  /** When a namespace's refs were last fetched. */
  readonly fetched: FetchRecord;
  /** What earlier commands have worked out; a clone without one works it out each time. */
  readonly cache?: CloneCache | undefined;
  readonly config: CloneConfig;
  readonly clock: Clock;
  readonly hasher: Hasher;
  /** The reality that this is a view of, in which writes are tried and go nowhere; absent: what is true. */
  readonly reality?: string | undefined;
  /** The remote's name, `origin` unless `kv.remote` says otherwise. */
  readonly remoteName: string;
  readonly forWriting: () => Promise<WritingPorts>;
  readonly policyReader: () => Promise<PolicyReader>;
  /** Fires when what is done with this view of the clone is to end; absent: it never is. */
  readonly ended?: AbortSignal | undefined;
  /** What is traced, whatever is done; absent: nothing is. */
  readonly span?: Span | undefined;
  /** Hears how far what is fetched and pushed has come. */
  readonly onProgress?: TransferProgress | undefined;
  /** Hears that what is read from the mirror may be old: at each read that finds it so. */
  readonly onMirrorRefusal?: ((ns: string, refusal: MirrorRefusal) => void) | undefined;
  /** Hears, in a sentence, what is to be known of an answer besides the answer. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

/** What only a write needs. */
export interface WritingPorts {
  readonly signer: Signer;
  /** The clone's own: what is written is named by it. */
  readonly hasher: Hasher;
  readonly randomness: Randomness;
  /** Reads packs that come with an answer; absent where nobody can. */
  readonly zlib?: () => Promise<Zlib>;
  /** The chunker that a policy names, with exactly these parameters. */
  readonly chunkerFor: (spec: ChunkingSpec) => Promise<Chunker>;
}

/** Names objects as this clone's repository does. */
export function namerOf(clone: Clone, hasher: Hasher = clone.hasher): ObjectNamer {
  return new ObjectNamer(hasher, clone.store.objectFormat);
}

/** How many bytes an object id has in this clone's repository. */
export const oidBytesOf = (clone: Clone): number => oidBytesIn(clone.store.objectFormat);
