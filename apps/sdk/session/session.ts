import { boundedReads } from '../../../domain/client/clone/calls/bounded-reads.js';
import type { Clone } from '../../../domain/client/clone/clone.js';
import type { MirrorRefusal } from '../../../domain/ledger/mirror-refusals.js';
import { parseTimeLimit } from '../../../ports/grammar/duration.js';
import { isNamespace, NAMESPACE_RULE } from '../../../ports/grammar/namespace.js';
import type {
  AdminClient,
  Chunker,
  Clock,
  CloneCache,
  CloneConfig,
  FetchRecord,
  GitRemote,
  GitStore,
  Hasher,
  IntentStream,
  PolicyReader,
  Randomness,
  Signer,
  TransferProgress,
} from '../../../ports/index.js';
import { KvError } from '../../../ports/error.js';
import { patientAdminClient, patientRemote } from '../../../domain/client/remote/patience.js';
import { lazyAdminClient, lenientCloneCache, lazyFetchRecord, lazyIntentStream, lazyRemote } from './lazy-ports.js';
import { type Composition, openProfile } from '../../../plugins/host/index.js';

/** A clone that was opened, and its namespace. */
export interface Session {
  readonly clone: Clone;
  /** The namespace asked for, or the clone's own default. */
  readonly ns: string;
  readonly composition: Composition;
}

/** Which clone is opened, by which adapters, and who hears what is to be known besides answers: nothing is printed here. */
export interface SessionRequest {
  /** A work tree, a folder below one, or a Git directory. */
  readonly directory: string;
  /** What git and ssh run in. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A built-in profile's name or a profile's file; `client` when absent. */
  readonly profile?: string | undefined;
  /** Absent: what `kv.namespace` says, or `main`. */
  readonly ns?: string | undefined;
  /** A reality of that namespace, which is opened instead of what is true. */
  readonly reality?: string | undefined;
  /** Hears how far what is fetched and pushed has come; undefined when nobody looks. */
  readonly onProgress: TransferProgress | undefined;
  /** Hears, once, that the other side has no room and is waited for. */
  readonly onWait: (busy: KvError) => void;
  /** Hears that the mirror refuses a namespace, once for each refusal. */
  readonly onMirrorRefusal: (ns: string, refusal: MirrorRefusal) => void;
  /** Hears, in a sentence, what is to be known of an answer besides the answer. */
  readonly onWarning: (text: string) => void;
  /** Stands around the store that the profile names. */
  readonly aroundStore?: (store: GitStore) => GitStore;
  /** Stands around the signer that the profile names. */
  readonly aroundSigner?: (signer: Signer, config: CloneConfig) => Signer;
  /** Nothing is to be fetched: not by git either, in a partial clone. The remotes are opened only when they are used all the same. */
  readonly offline?: boolean;
}

const PROFILE = 'client';

/**
 * Opens the clone that a folder lies in. Throws `GIT_ERROR` when there is none, `USAGE` for what is no namespace, `CONFIG_INVALID` for
 * configuration that can't be meant.
 */
export async function openSession(request: SessionRequest): Promise<Session> {
  const { directory, env, profile = PROFILE, ns, onProgress, offline, aroundStore, aroundSigner } = request;
  checkNamespace(ns, 'namespace');
  const composition = await openProfile(profile, {
    directory,
    env: offline === true ? { ...env, GIT_NO_LAZY_FETCH: '1' } : env,
  });
  try {
    // All at once: each starts its git process before the first of them has answered.
    const openRemote = (): Promise<GitRemote> => composition.get<GitRemote>('git-remote');
    const openRecord = (): Promise<FetchRecord> => composition.get<FetchRecord>('fetch-record');
    const cache = lenientCloneCache(composition.get<CloneCache>('clone-cache'));
    const [store, config, clock, hasher] = await Promise.all([
      composition.get<GitStore>('git-store'),
      composition.get<CloneConfig>('clone-config'),
      composition.get<Clock>('clock'),
      composition.get<Hasher>('hasher'),
      ...(offline ? [] : [openRemote(), openRecord()]),
    ]);
    checkTimeout(config.get('kv.timeout'));
    const configured = config.get('kv.namespace') ?? 'main';
    if (ns === undefined && !isNamespace(configured))
      throw notANamespace('CONFIG_INVALID', `kv.namespace ${JSON.stringify(configured)}`);
    let told = false;
    const patience = {
      clock,
      randomness: () => composition.get<Randomness>('randomness'),
      onWait: (busy: KvError) => {
        if (!told) request.onWait(busy);
        told = true; // a write that waits once waits again
      },
    };
    const signerOf = async (): Promise<Signer> => {
      const signer = await composition.get<Signer>('signer');
      return aroundSigner?.(signer, config) ?? signer;
    };
    const clone: Clone = {
      store: boundedReads(aroundStore?.(store) ?? store, config.get('kv.maxobject')),
      remotes: patientRemote(lazyRemote(openRemote), patience),
      stargate: patientAdminClient(
        lazyAdminClient(() => composition.get<AdminClient>('admin-client')),
        patience,
      ),
      intents: lazyIntentStream(() => composition.get<IntentStream>('intent-stream')),
      fetched: lazyFetchRecord(openRecord),
      cache,
      config,
      clock,
      hasher,
      remoteName: config.get('kv.remote') ?? 'origin',
      onProgress,
      onMirrorRefusal: onceEach(request.onMirrorRefusal),
      onWarning: request.onWarning,
      forWriting: async () => ({
        signer: await signerOf(),
        hasher,
        randomness: await composition.get<Randomness>('randomness'),
        zlib: async () => (await import('../../node-zlib.js')).nodeZlib,
        chunkerFor: ({ mode, ...parameters }) => composition.open<Chunker>('chunker', `chunker-${mode}`, parameters),
      }),
      policyReader: () => composition.get<PolicyReader>('policy-reader'),
    };
    return { clone: await seenFrom(clone, ns ?? configured, request.reality), ns: ns ?? configured, composition };
  } catch (error) {
    await composition.close();
    throw error;
  }
}

/** The clone itself, or as it is inside a reality, for which code is loaded that nothing else needs. */
async function seenFrom(clone: Clone, ns: string, reality: string | undefined): Promise<Clone> {
  if (reality === undefined) return clone;
  const { inReality } = await import('../../../domain/client/reality/inside.js');
  return inReality(clone, ns, reality);
}

/** Tells of each refusal once, however often it is found: a watch hears of the next one too. */
function onceEach(tell: SessionRequest['onMirrorRefusal']): SessionRequest['onMirrorRefusal'] {
  const told = new Set<string>();
  return (ns, refusal) => {
    const what = `${ns} ${refusal.since} ${refusal.code}`;
    if (!told.has(what)) tell(ns, refusal);
    told.add(what);
  };
}

/** Throws `USAGE` unless a name, where one was given, is a namespace's; `what` is what gave it. */
export function checkNamespace(ns: string | undefined, what: string): void {
  if (ns !== undefined && !isNamespace(ns)) throw notANamespace('USAGE', `${what} ${JSON.stringify(ns)}`);
}

/** What talks to a remote reads it when a connection is slow; a mistake in it should not wait for that. */
function checkTimeout(text: string | undefined): void {
  if (text === undefined || parseTimeLimit(text) !== undefined) return;
  throw new KvError('CONFIG_INVALID', `kv.timeout is ${JSON.stringify(text)}, which is no duration`, {
    hint: 'git config kv.timeout 60s',
  });
}

function notANamespace(code: 'USAGE' | 'CONFIG_INVALID', what: string): KvError {
  return new KvError(code, `${what} is no namespace name`, {
    hint: `a namespace is ${NAMESPACE_RULE}`,
  });
}
