import { boundedReads } from '../../../domain/client/clone/calls/bounded-reads.js';
import type { Clone as DomainClone } from '../../../domain/client/clone/clone.js';
import { sharedFetches } from '../../../domain/client/clone/calls/shared-fetches.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { SignatureVerifier } from '../../../ports/clone/signer.js';
import type { Clone } from '../api/clone.js';
import type { Session } from '../session/session.js';
import { withCacheMemory } from './cache-memory.js';
import { Calls } from './calls.js';
import { feedCalls } from './feeds.js';
import { withFetchMemory } from './fetch-memory.js';
import type { Defaults } from './options.js';
import { pastCalls } from './past.js';
import { readingCalls } from './reading.js';
import { writingCalls } from './writing.js';

/** What of a session a clone is made of. */
export type OpenedSession = Pick<Session, 'clone'> & {
  readonly composition: Pick<Session['composition'], 'get' | 'close'>;
};

/** The calls of an opened session; closing the clone closes the session. */
export async function cloneOf({ clone: opened, composition }: OpenedSession, defaults: Defaults): Promise<Clone> {
  const clone: DomainClone = {
    ...opened,
    remotes: sharedFetches(opened.remotes),
    fetched: withFetchMemory(opened.fetched),
    ...(opened.cache === undefined ? {} : { cache: withCacheMemory(opened.cache, opened.clock) }),
  };
  const store = boundedReads(await composition.get<GitStore>('git-store'), clone.config.get('kv.maxobject'));
  const whole: DomainClone = { ...clone, store };
  const verifier = (): Promise<SignatureVerifier> => composition.get<SignatureVerifier>('signature-verifier');
  const calls = new Calls(clone);
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => (closing ??= calls.close().then(() => composition.close()));
  return {
    ns: defaults.ns,
    objectFormat: store.objectFormat,
    ...readingCalls(calls, defaults),
    ...writingCalls(calls, defaults, clone),
    ...pastCalls(calls, defaults, whole, verifier),
    ...feedCalls(calls, defaults, whole, verifier),
    close,
    [Symbol.asyncDispose]: close,
  };
}
