import { expect } from 'chai';
import { sequencerKey } from '../../../../domain/ledger/intent/sequencer-keys.js';
import { parsePolicy } from '../../../../adapters/policy-yaml/open.js';
import { LIMIT_NAMES } from '../../../../ports/stargate/limits.js';
import { keepPolicy, keptPolicy, POLICY_SHAPE } from '../../../../domain/client/clone/policy/policy-cache.js';
import type { CloneCache } from '../../../../ports/clone/clone-cache.js';

/** A cache of which a test can see and spoil everything. */
class OpenCache implements CloneCache {
  readonly texts = new Map<string, string>();
  get = async (name: string): Promise<string | null> => this.texts.get(name) ?? null;
  put = async (name: string, text: string): Promise<void> => void this.texts.set(name, text);
}

const KEY = `ssh-ed25519 ${Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.from([0, 0, 0, 32]), Buffer.alloc(32, 7)]).toString('base64')} ada`;
const COMMIT = 'a'.repeat(40);

/** Every field of a record, as paths; what stands in lists and maps counts once. */
function pathsOf(value: unknown, at = ''): string[] {
  if (value instanceof Map) return [...new Set([...value.values()].flatMap((one) => pathsOf(one, `${at}{}`)))];
  if (Array.isArray(value)) return [...new Set(value.flatMap((one) => pathsOf(one, `${at}[]`)))];
  if (typeof value !== 'object' || value === null) return [at];
  return Object.entries(value).flatMap(([name, one]) => pathsOf(one, at === '' ? name : `${at}.${name}`));
}

const SHAPE_7 = [
  'ack',
  'admins[].kind',
  'admins[].material',
  'admins[].name',
  ...LIMIT_NAMES.map((name) => `limits.${name}`).sort(),
  'maxConnectionsPerKey',
  'maxPushObjects',
  'minFreeSpace',
  'namespaces{}.allowedPrefixes[]',
  'namespaces{}.chunking.avg',
  'namespaces{}.chunking.max',
  'namespaces{}.chunking.min',
  'namespaces{}.chunking.mode',
  'namespaces{}.chunking.nc',
  'namespaces{}.chunking.size',
  'namespaces{}.forbidLfs',
  'namespaces{}.ledgerMode',
  'namespaces{}.maxValueInline',
  'namespaces{}.maxValueTotal',
  'namespaces{}.requireSignedCommits',
  'namespaces{}.retention.enforceReadside',
  'namespaces{}.retention.keepEpochs',
  'namespaces{}.retention.ttlDefault',
  'namespaces{}.verify.fullLimit',
  'namespaces{}.verify.mode',
  'namespaces{}.verify.sampleSize',
  'namespaces{}.writers[].kind',
  'namespaces{}.writers[].material',
  'namespaces{}.writers[].name',
  'pushUrl',
  'pushUrls.one',
  'readUrl',
  'readers[].kind',
  'readers[].material',
  'readers[].name',
  'requireMirrorAckByDefault',
  'requireRepositoryId',
  'standby',
  'version',
];

describe('the policy that a clone keeps', () => {
  const policy = parsePolicy(
    `version: 1
stargate: { push_url: "ssh://git@example.org/kv.git", push_urls: { one: "ssh://git@example.org/kv.git" }, admins: ["${KEY}"], readers: ["${KEY}"] }
namespaces:
  main: { writers: ["${KEY}"], allowed_prefixes: ["cfg:"], chunking: { mode: fastcdc } }
  other: { writers: ["${KEY}"], chunking: { mode: fixed } }
`,
    'policy.yaml',
  );

  it('is the one that was read', async () => {
    const cache = new OpenCache();
    expect(await keptPolicy(cache, COMMIT)).to.equal(null);
    for (const published of [
      { policy, repositoryId: null, sequencers: [] },
      { policy, repositoryId: 'c'.repeat(32), sequencers: [sequencerKey(KEY)] },
    ]) {
      await keepPolicy(cache, COMMIT, published);
      expect(await keptPolicy(cache, COMMIT)).to.deep.equal(published);
    }
  });

  it('counts as nothing for another commit or shape, and when it is damaged', async () => {
    const cache = new OpenCache();
    await keepPolicy(cache, COMMIT, { policy, repositoryId: null, sequencers: [] });
    expect(await keptPolicy(cache, 'b'.repeat(40))).to.equal(null);
    const [name = '', text = ''] = [...cache.texts][0] ?? [];
    for (const spoilt of [text.replace(`"shape":${POLICY_SHAPE}`, '"shape":0'), text.slice(0, -5), 'null', '']) {
      cache.texts.set(name, spoilt);
      expect(await keptPolicy(cache, COMMIT), spoilt.slice(0, 20)).to.equal(null);
    }
  });

  it('has the fields that its number stands for: with other fields, raise POLICY_SHAPE and correct this list', () => {
    expect({ shape: POLICY_SHAPE, fields: pathsOf(policy).sort() }).to.deep.equal({ shape: 7, fields: SHAPE_7 });
  });
});
