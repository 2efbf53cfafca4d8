import { expect } from 'chai';
import { parsePolicy } from '../../../adapters/policy-yaml/open.js';
import { faultsOf, FILE, inMain, inStargate } from './documents.js';

describe('policy-yaml: values', () => {
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
});
