import { expect } from 'chai';
import { USUAL_LIMITS } from '../../ports/stargate/limits.js';
import { KvError, type Policy, type PolicyReader } from '../../ports/index.js';
import { sshKey } from './signature-verifier.js';

/** A reader, and the language of its files. */
export interface PolicyReaderBench {
  readonly reader: PolicyReader;
  /** A document of mappings, lists and scalars in the reader's language, a line each key. */
  spell(document: object): string;
}

const FILE = '.kv/policy.test';
const MIB = 1024 * 1024;

/** What a namespace is where the policy says nothing of it: on the safe side. */
const DEFAULTS = {
  ledgerMode: 'linear',
  requireSignedCommits: true,
  maxValueInline: MIB,
  maxValueTotal: 100 * MIB,
  chunking: { mode: 'fastcdc', min: 65_536, avg: 262_144, max: MIB, nc: 1 },
  allowedPrefixes: [],
  writers: [],
  forbidLfs: true,
  retention: { ttlDefault: null, enforceReadside: true, keepEpochs: null },
  verify: { mode: 'auto', sampleSize: null, fullLimit: 50_000 },
};

/** What every policy reader does, whatever language the file is in. */
export function policyReaderContract(name: string, factory: () => Promise<PolicyReaderBench>): void {
  describe(`policy-reader contract: ${name}`, () => {
    let bench: PolicyReaderBench;
    before(async () => {
      bench = await factory();
    });

    const parse = (document: object): Policy => bench.reader.parse(bench.spell(document), FILE);
    const main = (namespace: object) => parse({ version: 1, namespaces: { main: namespace } }).namespaces.get('main');

    /** The error of a document that must be refused; each of its lines names the file and a line in it. */
    const refusal = (text: string): KvError => {
      let error: unknown;
      try {
        bench.reader.parse(text, FILE);
      } catch (thrown) {
        error = thrown;
      }
      if (!KvError.is(error)) throw error ?? new Error(`was accepted: ${text}`);
      expect(error.code).to.equal('CONFIG_INVALID');
      expect(error.hint).to.be.a('string');
      for (const line of error.message.split('\n')) expect(line).to.match(/^\.kv\/policy\.test:\d+: \S/);
      return error;
    };
    const refused = (document: object): KvError => refusal(bench.spell(document));

    it('fills in what is left out, on the safe side', () => {
      const policy = parse({ version: 1, namespaces: { 'b.c-d_9': {} } });
      const { namespaces, ...rest } = policy;
      expect(rest).to.deep.equal({
        version: 1,
        ...{
          pushUrl: null,
          readUrl: null,
          requireMirrorAckByDefault: false,
          pushUrls: {},
          ack: 'quorum',
          standby: 'refuse',
          requireRepositoryId: false,
          minFreeSpace: null,
          maxPushObjects: 1_000_000,
          maxConnectionsPerKey: 96,
          limits: USUAL_LIMITS,
          admins: [],
          readers: [],
        },
      });
      expect([...namespaces]).to.deep.equal([['b.c-d_9', DEFAULTS]]);
    });

    it('reads every field, sizes in bytes and durations in milliseconds', () => {
      const [ada, ci] = [sshKey().line, sshKey().line];
      const policy = parse({
        version: 1,
        stargate: {
          push_url: 'ssh://git@stargate.example/org/repo.git',
          read_url: 'https://git.example/org/repo.git',
          require_mirror_ack_by_default: true,
          require_repository_id: true,
          min_free_space: '1GiB',
          max_push_objects: 250_000,
          max_connections_per_key: 7,
          limits: { sessions: 12, push_bytes: '1GiB', read_silence: '30s' },
          admins: [`${ada} ada`],
          readers: [`${ci} a reader, at home`],
        },
        namespaces: {
          main: {
            ledger_mode: 'linear',
            require_signed_commits: false,
            max_value_inline: '64KiB',
            max_value_total: '10MB',
            chunking: { mode: 'fixed', size: 4096 },
            allowed_prefixes: ['cfg:', 'user:'],
            writers: [`${ada} ada`, `${ci} ci-bot`],
            forbidden: [{ lfs: false }],
            retention: { ttl_default: '2w', enforce_readside: false, keep_epochs: 4 },
            verify: { mode: 'sampled', sample_size: 8 },
          },
        },
      });
      const key = (material: string, called: string): object => ({ kind: 'ssh', material, name: called });
      expect(policy).to.deep.equal({
        version: 1,
        pushUrl: 'ssh://git@stargate.example/org/repo.git',
        readUrl: 'https://git.example/org/repo.git',
        requireMirrorAckByDefault: true,
        pushUrls: {},
        ack: 'quorum',
        standby: 'refuse',
        requireRepositoryId: true,
        minFreeSpace: 1024 ** 3,
        maxPushObjects: 250_000,
        maxConnectionsPerKey: 7,
        limits: { ...USUAL_LIMITS, sessions: 12, pushBytes: 1024 ** 3, readSilence: 30_000 },
        admins: [key(ada, 'ada')],
        readers: [key(ci, 'a reader, at home')],
        namespaces: new Map([
          [
            'main',
            {
              ledgerMode: 'linear',
              requireSignedCommits: false,
              maxValueInline: 65_536,
              maxValueTotal: 10_000_000,
              chunking: { mode: 'fixed', size: 4096 },
              allowedPrefixes: ['cfg:', 'user:'],
              writers: [key(ada, 'ada'), key(ci, 'ci-bot')],
              forbidLfs: false,
              retention: { ttlDefault: 14 * 86_400_000, enforceReadside: false, keepEpochs: 4 },
              verify: { mode: 'sampled', sampleSize: 8, fullLimit: 50_000 },
            },
          ],
        ]),
      });
    });

    it('gives each reading values of its own', () => {
      const document = { version: 1, namespaces: { main: {} } };
      expect(parse(document)).to.deep.equal(parse(document));
      expect(parse(document).namespaces).to.not.equal(parse(document).namespaces);
    });

    it('refuses a document without the version that it knows', () => {
      refusal('');
      refused({});
      refused({ namespaces: { main: {} } });
      for (const version of [0, 2, '1', null]) refused({ version });
    });

    it('names all faults at once, each with its path', () => {
      const { message } = refused({
        version: 1,
        stargate: { push_url: 'https://example.org/x' },
        namespaces: {
          main: { max_value_total: 'much', writers: [sshKey().line, 'nonsense'], retention: { ttl_default: '1y' } },
        },
      });
      const paths = message.split('\n').map((line) => line.split(': ')[1]);
      expect(paths).to.deep.equal([
        'stargate.push_url',
        ...['max_value_total', 'writers[1]', 'retention.ttl_default'].map((path) => `namespaces.main.${path}`),
      ]);
    });

    it('takes no misspelt key for a rule that is left out, nor one that JavaScript knows', () => {
      refused({ version: 1, namespaces: { main: { require_signed_commit: false } } });
      refused({ version: 1, namespace: {} });
      refused({ version: 1, constructor: {} });
      refused(JSON.parse('{"version":1,"__proto__":{"admins":[]}}') as object);
      expect(main({})).to.deep.equal(DEFAULTS);
    });

    it('takes names of namespaces that can be part of a ref', () => {
      const named = (called: string): object => ({ version: 1, namespaces: { [called]: {} } });
      for (const called of ['a', '0', 'team-1', 'a.b', 'a_b', 'constructor', 'a'.repeat(63)]) {
        expect([...parse(named(called)).namespaces.keys()], called).to.deep.equal([called]);
      }
      for (const called of ['', 'A', '-a', '.a', 'a..b', 'a.', 'a.lock', 'a/b', 'a b', 'ä', 'a'.repeat(64)])
        refused(named(called));
    });

    it('shows nothing secret of what it refuses', () => {
      const secret = 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ';
      const pem = `-----BEGIN OPENSSH PRIVATE KEY-----\n${secret}\n-----END OPENSSH PRIVATE KEY-----\n`;
      const { message, hint } = refused({
        version: 1,
        stargate: { push_url: 'ssh://git:hunter2@h/r', admins: [pem] },
      });
      expect(`${message} ${hint}`).to.contain('admins[0]').and.to.not.contain(secret).and.to.not.contain('hunter2');
    });
  });
}
