import { execFile } from 'node:child_process';
import { USUAL_LIMITS } from '../../ports/stargate/limits.js';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { parsePolicy } from '../../adapters/policy-yaml/open.js';
import { KvError } from '../../ports/index.js';
import { policyReaderContract } from '../contracts/policy-reader.js';
import { temporaryFolder } from '../support/temporary.js';

const run = promisify(execFile);

const ED = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEYIkO+3jZKDtKN6s0CUlPCY2vkT4PpVxmh2fvgYZVi2';
const PGP = `-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawAr2xYJKwYBBAHaRw8BAQdA/x4oe/RcM7IFWQRKXKbthyCFvnY80byY/Dl0
KBsC5K+0HUFkYSBFeGFtcGxlIDxhZGFAZXhhbXBsZS5vcmc+iJAEExYIADgWIQS5
ZzTzmdoImY8ZhQ42GCzqF62tjgUCawAr2wIbAwULCQgHAgYVCgkICwIEFgIDAQIe
AQIXgAAKCRA2GCzqF62tjrfoAQCP8vJgXyup6q3RBZwmhnSM/HoIEe6JGTGFxab1
FaS7pwEAyJsKiXNJWyitGO7k/TZ0Bzobf1Wbmjz18RwB6W3Xzgk=
=edw1
-----END PGP PUBLIC KEY BLOCK-----
`;

const FILE = '.kv/policy.yaml';

// The specification's example, with whole keys in place of its shortened ones.
const SPEC = `version: 1
stargate:
  push_url: "ssh://git@stargate.local/org/repo.git"
  read_url: "ssh://git@stargate.local/org/repo.git"    # optional
  require_mirror_ack_by_default: false
  admins:
    - "${ED} james"                    # can run 'stargate sync --force'

namespaces:
  main:
    ledger_mode: linear
    require_signed_commits: true
    max_value_inline: 1MiB
    max_value_total: 100MiB
    chunking: { mode: fastcdc, min: 64KiB, avg: 256KiB, max: 1MiB }
    allowed_prefixes: ["cfg:","user:","secret:","deploy:"]
    writers:
      - "${ED} james"
      - "${ED} ci-bot"
    forbidden: [{ lfs: true }]
    retention: { ttl_default: 365d, enforce_readside: true }
`;

/** The faults of a policy, without the file's name. */
function faultsOf(text: string): string[] {
  try {
    parsePolicy(text, FILE);
  } catch (error) {
    if (!KvError.is(error)) throw error;
    expect(error.code).to.equal('CONFIG_INVALID');
    expect(error.hint).to.be.a('string');
    return error.message.split('\n').map((line) => {
      expect(line.startsWith(`${FILE}:`), line).to.equal(true);
      return line.slice(FILE.length + 1);
    });
  }
  return [];
}

/** The faults of a namespace that has one line. */
const inMain = (line: string): string[] => faultsOf(`version: 1\nnamespaces:\n  main:\n    ${line}\n`);
const inStargate = (line: string): string[] => faultsOf(`version: 1\nstargate:\n  ${line}\n`);

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

  it('reads sizes and durations in every unit', () => {
    const sizes = { 123: 123, '5B': 5, '64KiB': 65536, '1MiB': 1048576, '2 GiB': 2 ** 31, '9KB': 9000, '10MB': 1e7, '1GB': 1e9 };
    for (const [text, bytes] of Object.entries(sizes)) {
      const policy = parsePolicy(`version: 1\nnamespaces: { m: { max_value_inline: 1, max_value_total: ${text} } }`, FILE);
      expect(policy.namespaces.get('m')?.maxValueTotal, text).to.equal(bytes);
    }
    const durations = {
      '10s': 10_000,
      '30m': 1_800_000,
      '12h': 43_200_000,
      '365d': 31_536_000_000,
      '2w': 1_209_600_000,
      null: null,
    };
    for (const [text, ms] of Object.entries(durations)) {
      const policy = parsePolicy(`version: 1\nnamespaces: { m: { retention: { ttl_default: ${text} } } }`, FILE);
      expect(policy.namespaces.get('m')?.retention.ttlDefault, text).to.equal(ms);
    }
    for (const bad of [
      '-1',
      '0',
      '1.5MiB',
      '1mib',
      '1KiBx',
      '"1 000"',
      'true',
      '[1]',
      '1e3000',
      '9999999999999999GiB',
      '""',
      '"+5"',
      '.inf',
    ]) {
      expect(inMain(`max_value_total: ${bad}`), bad).to.deep.equal([
        '4: namespaces.main.max_value_total: must be a size such as 64KiB, 1MiB, 10MB or a number of bytes',
      ]);
    }
    for (const bad of ['365', '1y', '-1d', '0s', '999ms', '1.5h', 'd', '[1d]', '{}']) {
      expect(inMain(`retention: { ttl_default: ${bad} }`), bad).to.deep.equal([
        '4: namespaces.main.retention.ttl_default: must be a duration such as 365d, 12h, 30m, 10s or 2w',
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

  it('refuses an empty value where it could be read as "none" or "all"', () => {
    const list = (of: string): string => `must be a list of ${of}`;
    expect(inMain('writers:')).to.deep.equal([`4: namespaces.main.writers: ${list('public keys')}`]);
    expect(inMain('allowed_prefixes:')).to.deep.equal([`4: namespaces.main.allowed_prefixes: ${list('key prefixes')}`]);
    expect(inMain('require_signed_commits:')).to.deep.equal(['4: namespaces.main.require_signed_commits: must be true or false']);
    expect(inMain('require_signed_commits: "no"')).to.deep.equal([
      '4: namespaces.main.require_signed_commits: must be true or false',
    ]);
    expect(inMain('forbidden: { lfs: true }')).to.deep.equal([
      '4: namespaces.main.forbidden: must be a list of mappings such as { lfs: true }',
    ]);
    expect(faultsOf('version: 1\nnamespaces:\n  main:\n')).to.deep.equal([
      '3: namespaces.main: must be a mapping, such as { writers: [] }',
    ]);
    expect(faultsOf('version: 1\nnamespaces:\nstargate: []\n')).to.deep.equal([
      '2: namespaces: must be a mapping',
      '3: stargate: must be a mapping',
    ]);
    for (const block of ['chunking', 'retention', 'verify']) {
      for (const bad of ['', '3', '[]', '[[1]]', 'text']) {
        expect(inMain(`${block}: ${bad}`), `${block}: ${bad}`).to.deep.equal([`4: namespaces.main.${block}: must be a mapping`]);
      }
    }
  });

  it('knows which chunking key belongs to which mode', () => {
    expect(inMain('chunking: { mode: fixed, size: 1KiB }')).to.deep.equal([]);
    expect(inMain('chunking: { size: 1KiB }')[0]).to.equal(
      '4: namespaces.main.chunking.mode: is missing; must be fastcdc or fixed',
    );
    expect(inMain('chunking: { mode: fixed, avg: 1KiB }')).to.deep.equal([
      '4: namespaces.main.chunking.avg: has no meaning with mode fixed',
    ]);
    expect(inMain('chunking: { mode: fastcdc, size: 1KiB }')).to.deep.equal([
      '4: namespaces.main.chunking.size: has no meaning with mode fastcdc',
    ]);
    expect(inMain('chunking: { mode: fastcdc, max: 100KiB }')).to.deep.equal([
      '4: namespaces.main.chunking.max: avg (262144 bytes) is larger than max (102400 bytes)',
    ]);
    expect(inMain('chunking: { mode: fastcdc, nc: 4 }')).to.deep.equal([
      '4: namespaces.main.chunking.nc: must be a whole number from 0 to 3',
    ]);
    expect(inMain('chunking: { mode: rabin }')).to.deep.equal(['4: namespaces.main.chunking.mode: must be fastcdc or fixed']);
  });

  it('forbids LFS unless the policy says otherwise', () => {
    const forbids = (line: string): boolean | undefined =>
      parsePolicy(`version: 1\nnamespaces: { m: { ${line} } }`, FILE).namespaces.get('m')?.forbidLfs;
    expect(forbids('')).to.equal(true);
    expect(forbids('forbidden: [{ lfs: true }]')).to.equal(true);
    expect(forbids('forbidden: []')).to.equal(false);
    expect(forbids('forbidden: [{ lfs: false }]')).to.equal(false);
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

  it('takes SSH for pushes, SSH and HTTP for reads', () => {
    const good = [
      'ssh://git@h/r.git',
      'ssh://h:2222/a/b',
      'ssh://git@[::1]:22/r',
      'git@github.com:org/repo.git',
      'host:repo',
      'git@10.0.0.1:/srv/r',
      'git+ssh://h/r',
      'ssh://my_host/r',
    ];
    for (const url of good) {
      expect(inStargate(`push_url: "${url}"`), url).to.deep.equal([]);
      expect(inStargate(`read_url: "${url}"`), url).to.deep.equal([]);
    }
    const bad = [
      '',
      '7',
      'https://h/r',
      '/srv/r',
      'ssh://-oProxyCommand=x/r',
      'ssh://h',
      '-oProxyCommand=x:r',
      'git@h:-r',
      'git@-h:r',
      'ext::sh -c x',
      'ext::sh',
      'ssh://h:99999/r',
      'ssh://h/a%0Ab',
      'ssh://h/a b',
      'ssh://h/a\\nb',
    ];
    for (const url of bad) expect(inStargate(`push_url: "${url}"`).join(), url).to.contain('must be an SSH URL');
    expect(inStargate('push_url: 7').join()).to.contain('must be an SSH URL');
    expect(inStargate('push_url: "ssh://git:secret@h/r"').join())
      .to.contain('must not hold a password')
      .and.not.contain('secret');
    expect(inStargate('push_url:')).to.deep.equal([]);
    expect(inStargate('read_url: https://git.example/r.git')).to.deep.equal([]);
    expect(inStargate('read_url: https://me:pw@git.example/r.git').join()).to.contain('must not hold');
    for (const url of ['file:///srv/r', 'ext::x', '-x'])
      expect(inStargate(`read_url: "${url}"`).join(), url).to.contain('SSH or HTTP');
  });

  it('takes the keys that ssh-keygen makes', async () => {
    const folder = await temporaryFolder();
    for (const [type, bits] of [
      ['ed25519', ''],
      ['rsa', '2048'],
      ['ecdsa', '256'],
      ['ecdsa', '384'],
      ['ecdsa', '521'],
    ] as const) {
      const path = join(folder.path, `${type}${bits}`);
      await run('ssh-keygen', ['-q', '-t', type, ...(bits ? ['-b', bits] : []), '-N', '', '-C', 'a person, at home', '-f', path]);
      const line = (await readFile(`${path}.pub`, 'utf8')).trim();
      const [admin] = parsePolicy(`version: 1\nstargate: { admins: ["${line}"] }`, FILE).admins;
      expect(admin).to.deep.equal({ kind: 'ssh', material: line.split(' ').slice(0, 2).join(' '), name: 'a person, at home' });
      const bare = line.split(' ').slice(0, 2).join(' ');
      const [nameless] = parsePolicy(`version: 1\nstargate: { readers: ["${bare}"] }`, FILE).readers;
      const { stdout } = await run('ssh-keygen', ['-l', '-f', `${path}.pub`]);
      expect(stdout).to.contain(nameless?.name);
      const secret = await readFile(path, 'utf8');
      const faults = inMain(`writers: [${JSON.stringify(secret)}]`);
      expect(faults.join()).to.contain('is a PRIVATE key').and.not.contain(secret.split('\n')[1]);
    }
    await folder.remove();
  });

  it('refuses keys that are none', () => {
    const [type = '', base64 = ''] = ED.split(' ');
    const cases: [unknown, string][] = [
      [7, 'must be a public key in one string'],
      [null, 'must be a public key in one string'],
      ['', 'is no public key'],
      [type, 'is no public key'],
      [`ssh-dss ${base64} x`, "'ssh-dss' is no known key type"],
      [`ssh-ed25519-cert-v01@openssh.com ${base64} x`, 'is no known key type'],
      [`ssh-rsa ${base64} x`, "says ssh-rsa but holds a key of type 'ssh-ed25519'"],
      [`${type} ${base64.slice(0, -4)} x`, 'its base64 holds no complete public key'],
      [`${type} ${base64.slice(0, -1)}! x`, 'its base64 is damaged'],
      [`${type} ${base64.slice(0, 30)}=${base64.slice(30)} x`, 'its base64 is damaged'],
      [`restrict,pty ${ED} x`, "options such as 'restrict,pty' are not taken"],
      [`command="x" ${ED} x`, 'options such as \'command="x"\' are not taken'],
      [`${type} ${base64}= x`, 'its base64 is damaged'],
      [`${ED} two\nlines`, 'holds a control character'],
      [`${ED} bell\u0007`, 'holds a control character'],
      ['-----BEGIN PGP PUBLIC KEY BLOCK-----\n', 'is no complete OpenPGP public key block'],
      ['-----BEGIN PGP PRIVATE KEY BLOCK-----\n', 'is a PRIVATE key'],
    ];
    for (const [key, what] of cases) {
      const faults = inMain(`writers: [${JSON.stringify(key)}]`);
      expect(faults, String(key)).to.have.length(1);
      expect(faults[0]).to.contain(`4: namespaces.main.writers[0]: `).and.contain(what);
    }
  });

  it('takes an armoured OpenPGP key and names it by its user id', () => {
    const indented = PGP.trim()
      .split('\n')
      .map((line) => `        ${line}`)
      .join('\n');
    const text = (block: string): string => `version: 1\nnamespaces:\n  main:\n    writers:\n      - |\n${block}\n`;
    const [writer] = parsePolicy(text(indented), FILE).namespaces.get('main')?.writers ?? [];
    expect(writer).to.deep.equal({ kind: 'openpgp', material: PGP, name: 'Ada Example <ada@example.org>' });
    const flipped = indented.replace('mDMEa', 'mDMEb');
    expect(flipped).not.to.equal(indented);
    expect(faultsOf(text(flipped))).to.deep.equal([
      '5: namespaces.main.writers[0]: its OpenPGP block is damaged (the checksum differs)',
    ]);
    const cut = indented.split('\n').slice(0, -1).join('\n');
    expect(faultsOf(text(cut))).to.deep.equal(['5: namespaces.main.writers[0]: is no complete OpenPGP public key block']);
  });

  it('holds every bound against its table, and knows no other', () => {
    const faults = faultsOf(
      'version: 1\nstargate:\n  limits: { sesions: 5, sessions: 1, push_bytes: 10s, read_silence: 1ms, constructor: 1 }\n',
    );
    expect(faults).to.have.members([
      "3: stargate.limits.sesions: unknown key; did you mean 'sessions'?",
      '3: stargate.limits.sessions: must be a whole number from 4 to 4096',
      '3: stargate.limits.push_bytes: must be a size from 1MiB to 256GiB',
      '3: stargate.limits.read_silence: must be a duration from 5s to 1h',
      '3: stargate.limits.constructor: unknown key',
    ]);
  });

  it('tells only the first hundred faults', () => {
    const faults = inMain(`allowed_prefixes: [${Array(500).fill(1).join(', ')}]`).length;
    expect(faults).to.equal(101);
  });
});
