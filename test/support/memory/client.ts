import { boundedReads } from '../../../domain/client/clone/calls/bounded-reads.js';
import type { Clone } from '../../../domain/client/clone/clone.js';
import { nodeZlib } from '../../../apps/node-zlib.js';
import { openProfile, type Profile } from '../../../plugins/host/index.js';
import type { Chunker } from '../../../ports/chunker.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import type { CloneCache } from '../../../ports/clone/clone-cache.js';
import type { FetchRecord } from '../../../ports/git/fetch-record.js';
import type { GitRemote } from '../../../ports/git/git-remote.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { IntentStream } from '../../../ports/clone/intent-stream.js';
import { KvError } from '../../../ports/error.js';
import type { PolicyReader } from '../../../ports/stargate/policy-reader.js';
import type { SignatureVerifier } from '../../../ports/clone/signer.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import { type MemoryGateway, memoryProfile } from './gateway.js';
import { MemoryPeople } from './people.js';

/** A person's clone in this process. */
export interface MemoryClient {
  readonly clone: Clone;
  readonly verifier: SignatureVerifier;
  close(): Promise<void>;
}

/** A clone of a gateway's mirror. */
export function openMemoryClient(gateway: MemoryGateway, person: string): Promise<MemoryClient> {
  return openClone(memoryProfile(gateway.store.objectFormat, gateway.name, person), person, gateway.people);
}

/** A repository without any remote, as `git kv` finds it before there is a Stargate. */
export function openMemoryPlace(format: ObjectFormat, person: string): Promise<MemoryClient> {
  return openClone(memoryProfile(format, null), person, new MemoryPeople());
}

/** The adapters of a profile, put together as `git kv` does it. It signs with the person's key. */
async function openClone(profileToBe: Promise<Profile>, person: string, people: MemoryPeople): Promise<MemoryClient> {
  const profile = await profileToBe;
  const composition = await openProfile(profile, { directory: '/nonexistent', env: process.env });
  const remotes = await composition.get<GitRemote>('git-remote');
  const hasher = await composition.get<Hasher>('hasher');
  const url = await remotes.url('origin', 'read');
  const config = new Map(url === null ? [] : [['remote.origin.url', url]]);
  const clone: Clone = {
    ...{ remotes, hasher, remoteName: 'origin' },
    store: boundedReads(await composition.get<GitStore>('git-store'), config.get('kv.maxobject')),
    stargate: {
      async run() {
        throw new KvError('NOT_SUPPORTED', 'a gateway in this process answers no admin verb');
      },
      async hold() {
        throw new KvError('NOT_SUPPORTED', 'a gateway in this process answers no admin verb');
      },
      async pinHostKey() {
        throw new KvError('NOT_SUPPORTED', 'a gateway in this process has no host key');
      },
    },
    intents: await composition.get<IntentStream>('intent-stream'),
    cache: memoryCache(),
    fetched: await composition.get<FetchRecord>('fetch-record'),
    config: {
      get: (key) => config.get(key),
      all: (key) => [config.get(key) ?? []].flat(),
      names: () => [...config.keys()],
      identity: async () => `${person} <${person}@example.org>`,
    },
    clock: await composition.get<Clock>('clock'),
    forWriting: async () => ({
      signer: people.signer(person),
      hasher,
      randomness: await composition.get<Randomness>('randomness'),
      zlib: async () => nodeZlib,
      chunkerFor: ({ mode, ...parameters }) => composition.open<Chunker>('chunker', `chunker-${mode}`, parameters),
    }),
    policyReader: () => composition.get<PolicyReader>('policy-reader'),
  };
  const verifier = await composition.get<SignatureVerifier>('signature-verifier');
  return { clone, verifier, close: () => composition.close() };
}

/** What a clone keeps for as long as the test runs. */
function memoryCache(): CloneCache {
  const texts = new Map<string, string>();
  return {
    get: async (name) => texts.get(name) ?? null,
    put: async (name, text) => void texts.set(name, text),
  };
}
