import { resolve } from 'node:path';
import { boundedReads } from '../../../domain/client/clone/bounded-reads.js';
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
import { note, warn } from '../io/terminal.js';
import { lazyAdminClient, lazyCloneCache, lazyFetchRecord, lazyIntentStream, lazyRemote } from './lazy-ports.js';
import { type Composition, openProfile } from '../../../plugins/host/index.js';

/** What a command works with. */
export interface Session {
  readonly clone: Clone;
  /** The namespace asked for, or the clone's own default. */
  readonly ns: string;
  readonly composition: Composition;
}

interface SessionRequest {
  readonly ns?: string | undefined;
  /** Hears how far what is fetched and pushed has come; undefined when nobody looks. */
  readonly onProgress: TransferProgress | undefined;
  /** Nothing is to be fetched: not by git either, in a partial clone. The remotes are opened only when they are used all the same. */
  readonly offline?: boolean;
}

const PROFILE = 'client';

/** Where git looks for the repository: `git --git-dir=… kv` says it in the environment. */
function startFolder(): string {
  return resolve(process.env['GIT_DIR'] ?? '.');
}

/** Opens the clone around the current folder. Throws `GIT_ERROR` when there is none. */
export async function openSession({ ns, onProgress, offline }: SessionRequest): Promise<Session> {
  if (ns !== undefined && !isNamespace(ns)) throw notANamespace('USAGE', `--ns ${JSON.stringify(ns)}`);
  const composition = await openProfile(PROFILE, {
    directory: startFolder(),
    env: offline === true ? { ...process.env, GIT_NO_LAZY_FETCH: '1' } : process.env,
  });
  try {
    // All at once: each starts its git process before the first of them has answered.
    const openRemote = (): Promise<GitRemote> => composition.get<GitRemote>('git-remote');
    const openRecord = (): Promise<FetchRecord> => composition.get<FetchRecord>('fetch-record');
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
        if (!told) note(`${busy.message}: waiting for room`);
        told = true; // a write that waits once waits again
      },
    };
    const clone: Clone = {
      store: boundedReads(store, config.get('kv.maxobject')),
      remotes: patientRemote(lazyRemote(openRemote), patience),
      stargate: patientAdminClient(
        lazyAdminClient(() => composition.get<AdminClient>('admin-client')),
        patience,
      ),
      intents: lazyIntentStream(() => composition.get<IntentStream>('intent-stream')),
      fetched: lazyFetchRecord(openRecord),
      cache: lazyCloneCache(() => composition.get<CloneCache>('clone-cache')),
      config,
      clock,
      hasher,
      remoteName: config.get('kv.remote') ?? 'origin',
      onProgress,
      onMirrorRefusal: warnOnce(),
      onWarning: warn,
      forWriting: async () => ({
        signer: saysWhichKey(await composition.get<Signer>('signer'), config),
        hasher,
        randomness: await composition.get<Randomness>('randomness'),
        chunkerFor: ({ mode, ...parameters }) => composition.open<Chunker>('chunker', `chunker-${mode}`, parameters),
      }),
      policyReader: () => composition.get<PolicyReader>('policy-reader'),
    };
    return { clone, ns: ns ?? configured, composition };
  } catch (error) {
    await composition.close();
    throw error;
  }
}

/** Says that the mirror may be old, once for each refusal: a watch hears of the next one too. */
function warnOnce(): (ns: string, refusal: MirrorRefusal) => void {
  const told = new Set<string>();
  return (ns, { since, code }) => {
    const what = `the mirror has refused namespace ${ns} since ${since} (${code})`;
    if (!told.has(what)) warn(`${what}: what it shows may be old; --read-from=stargate reads what is so now`);
    told.add(what);
  };
}

/** On a terminal, says which key a passphrase may be asked for. */
function saysWhichKey(signer: Signer, config: CloneConfig): Signer {
  if (process.stderr.isTTY !== true) return signer;
  return {
    ...(signer.publicKey === undefined ? {} : { publicKey: signer.publicKey.bind(signer) }),
    async sign(payload) {
      const { keyWithPassphrase } = await import('../io/signing-key.js');
      const file = await keyWithPassphrase(config);
      if (file !== null) note(`signing with ${file}, which has a passphrase`);
      return signer.sign(payload);
    },
  };
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
