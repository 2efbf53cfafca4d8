import { USUAL_LIMITS } from '../../ports/stargate/limits.js';
import { expect } from 'chai';
import { parsePolicy } from '../../adapters/policy-yaml/open.js';
import { policyReaderContract } from '../contracts/policy-reader.js';
import { ED, faultsOf, FILE, inMain, inStargate, SPEC } from './policy-yaml/documents.js';

policyReaderContract('policy-yaml', async () => ({
  reader: { parse: parsePolicy },
  spell: (document) => JSON.stringify(document, null, 2), // JSON is YAML
}));
describe('policy-yaml', () => {
  it('reads the example of the specification', () => {
    const policy = parsePolicy(SPEC, FILE);
    const key = (name: string): object => ({ kind: 'ssh', material: ED, name });
    expect(policy).to.deep.equal({
      version: 1,
      pushUrl: 'ssh://git@stargate.local/org/repo.git',
      readUrl: 'ssh://git@stargate.local/org/repo.git',
      maxConnectionsPerKey: 96,
      limits: USUAL_LIMITS,
      requireMirrorAckByDefault: false,
      pushUrls: {},
      ack: 'quorum',
      standby: 'refuse',
      requireRepositoryId: false,
      minFreeSpace: null,
      maxPushObjects: 1_000_000,
      admins: [key('james')],
      readers: [],
      namespaces: new Map([
        [
          'main',
          {
            ledgerMode: 'linear',
            requireSignedCommits: true,
            maxValueInline: 1048576,
            maxValueTotal: 104857600,
            chunking: { mode: 'fastcdc', min: 65536, avg: 262144, max: 1048576, nc: 1 },
            allowedPrefixes: ['cfg:', 'user:', 'secret:', 'deploy:'],
            writers: [key('james'), key('ci-bot')],
            forbidLfs: true,
            retention: { ttlDefault: 365 * 86_400_000, enforceReadside: true, keepEpochs: null },
            verify: { mode: 'auto', sampleSize: null, fullLimit: 50_000 },
          },
        ],
      ]),
    });
  });

  it('reads how many past epochs to keep', () => {
    const kept = (line: string) =>
      parsePolicy(`version: 1\nnamespaces: { m: { retention: { ${line} } } }`, FILE).namespaces.get('m')?.retention.keepEpochs;
    expect([
      kept('keep_epochs: 4'),
      kept('keep_epochs: 0'),
      kept('keep_epochs: null'),
      kept('enforce_readside: true'),
    ]).to.deep.equal([4, 0, null, null]);
    for (const bad of ['-1', '1.5', 'all', '"4"']) {
      expect(inMain(`retention: { keep_epochs: ${bad} }`), bad).to.deep.equal([
        '4: namespaces.main.retention.keep_epochs: must be a whole number from 0 to 1000000',
      ]);
    }
  });

  it('names all faults at once, top to bottom, each with its line and path', () => {
    const text = `version: 2
stargate:
  push_url: https://example.org/x
  admin: []
namespaces:
  main:
    require_signed_commit: true
    max_value_inline: 2MiB
    max_value_total: 1MiB
    chunking: { mode: fastcdc, min: 1MiB, avg: 256KiB, max: 1KiB }
    allowed_prefixes: ["cfg:", 7, ""]
    writers:
      - "${ED} james"
      - "nonsense"
    forbidden: [{ lfs: true }, { lsf: true }]
    verify: { mode: some, sample_size: 0, quux: 1 }
  Main: {}
`;
    expect(faultsOf(text)).to.deep.equal([
      '1: version: must be 1',
      '3: stargate.push_url: must be an SSH URL such as ssh://git@stargate.example/org/repo.git',
      "4: stargate.admin: unknown key; did you mean 'admins'?",
      "7: namespaces.main.require_signed_commit: unknown key; did you mean 'require_signed_commits'?",
      '8: namespaces.main.max_value_inline: is larger than max_value_total (1048576 bytes)',
      '10: namespaces.main.chunking.min: min (1048576 bytes) is larger than avg (262144 bytes)',
      '10: namespaces.main.chunking.max: avg (262144 bytes) is larger than max (1024 bytes)',
      '11: namespaces.main.allowed_prefixes[1]: must be a string',
      '11: namespaces.main.allowed_prefixes[2]: is empty; leave the whole list out to allow every key',
      '14: namespaces.main.writers[1]: is no public key (want: <type> <base64> <name>)',
      "15: namespaces.main.forbidden[1].lsf: unknown key; did you mean 'lfs'?",
      '15: namespaces.main.forbidden[1].lfs: is missing; must be true or false',
      '16: namespaces.main.verify.quux: unknown key (known: mode, sample_size, full_limit)',
      '16: namespaces.main.verify.mode: must be auto or full or sampled',
      '16: namespaces.main.verify.sample_size: must be a whole number from 1 to 1000000',
      '17: namespaces.Main: is no name of a namespace ' +
        "(lower-case letters, digits, '.', '_', '-'; 1 to 63 of them; the first a letter or a digit; no '..', no '.' or '.lock' at the end)",
    ]);
  });

  it('refuses documents that are no mapping, in one fault', () => {
    for (const text of ['', '# only a comment\n', 'null', '~']) {
      expect(faultsOf(text), text).to.deep.equal(['1: is empty; want a mapping that starts with version: 1']);
    }
    for (const text of ['- version: 1\n', 'hello', '42', '[]', '"x"']) {
      expect(faultsOf(text), text).to.deep.equal(['1: must be a mapping that starts with version: 1']);
    }
    expect(faultsOf('{}')).to.deep.equal(['1: version: is missing; must be 1']);
  });

  it('refuses YAML that is broken, ambiguous or a bomb', () => {
    expect(faultsOf('version: 1\nnamespaces:\n  main: [\n').join()).to.match(/^\d: /);
    expect(faultsOf('version: 1\nversion: 1\n')).to.deep.equal(['2: Map keys must be unique']);
    expect(faultsOf('version: 1\nnamespaces:\n  main: {}\n  main: {}\n')).to.deep.equal(['4: Map keys must be unique']);
    expect(faultsOf('version: 1\n---\nversion: 1\n').join()).to.contain('multiple documents');
    expect(faultsOf('version: *nowhere\n')).to.have.length(1);
    const layers = Array.from({ length: 12 }, (_, at) => `l${at + 1}: &l${at + 1} [${Array(9).fill(`*l${at}`).join(', ')}]`);
    expect(faultsOf(`version: 1\nl0: &l0 [x]\n${layers.join('\n')}\n`).join()).to.contain('alias');
    const deep = '['.repeat(50_000);
    expect(faultsOf(`version: ${deep}`)).to.have.length.greaterThan(0);
    expect(() => parsePolicy('#'.repeat(1_100_000), FILE)).to.throw('larger than');
  });

  it('accepts anchors used sensibly', () => {
    const policy = parsePolicy(
      `version: 1\nstargate: { admins: &team ["${ED} james"] }\nnamespaces: { main: { writers: *team } }\n`,
      FILE,
    );
    expect(policy.namespaces.get('main')?.writers).to.have.length(1);
    expect(faultsOf('version: 1\nstargate: { admins: &team [x] }\nnamespaces:\n  main: { writers: *team }\n')).to.deep.equal([
      '2: stargate.admins[0]: is no public key (want: <type> <base64> <name>)',
      '2: namespaces.main.writers[0]: is no public key (want: <type> <base64> <name>)',
    ]);
  });

  it('is not fooled by keys that JavaScript knows', () => {
    expect(inStargate('__proto__: { admins: [] }')).to.have.length(1);
    expect(inStargate('constructor: {}').join()).to.contain('unknown key');
    expect(faultsOf('version: 1\n__proto__: { version: 1 }\n')).to.have.length(1);
    expect(faultsOf('__proto__: { version: 1 }\n')).to.have.members([
      '1: __proto__: unknown key',
      '1: version: is missing; must be 1',
    ]);
    expect(inMain('forbidden: [{ lfs: true, constructor: 1 }]')).to.deep.equal([
      '4: namespaces.main.forbidden[0].constructor: unknown key',
    ]);
    expect(faultsOf('version: 1\nnamespaces: { constructor: {} }')).to.deep.equal([]);
    expect(faultsOf('version: 1\nnamespaces: { __proto__: {} }').join()).to.contain('is no name');
    expect(({} as { admins?: unknown }).admins).to.equal(undefined);
  });

  it('tells only the first hundred faults', () => {
    const faults = inMain(`allowed_prefixes: [${Array(500).fill(1).join(', ')}]`).length;
    expect(faults).to.equal(101);
  });
});
