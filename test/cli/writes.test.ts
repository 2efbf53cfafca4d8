import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Place } from '../support/worlds/place.js';

interface Receipt {
  readonly ok: boolean;
  readonly commit: string | null;
  readonly tree: string;
  readonly set: readonly string[];
  readonly del: readonly string[];
  readonly unchanged: readonly string[];
  readonly warnings: readonly string[];
}

describe('git kv: writes', () => {
  let place: Place;
  beforeEach(() => {
    place = new Place();
  });
  afterEach(() => place.remove());

  const tip = (): string => place.git('rev-parse', 'refs/kv/main').trim();

  describe('init', () => {
    it('begins the namespace and writes a policy with the own key as writer', async () => {
      const out = await place.ok(['init', '--prefix', 'cfg:', '--prefix', 'user:', '--push-url', 'ssh://git@host/repo.git']);
      expect(out).to.contain('wrote .kv/policy.yaml').and.to.contain('git kv remote setup');
      const policy = readFileSync(join(place.repo, '.kv', 'policy.yaml'), 'utf8');
      expect(policy).to.contain(readFileSync(join(place.home, 'key.pub'), 'utf8').trim());
      expect(policy).to.contain('allowed_prefixes: ["cfg:", "user:"]').and.to.contain('push_url: "ssh://git@host/repo.git"');
      expect(place.git('for-each-ref', '--format=%(refname)')).to.equal('refs/kv-epoch/main\nrefs/kv-index/main\nrefs/kv/main\n');
      expect(await place.ok(['list'])).to.equal('');
    });

    it('changes nothing the second time', async () => {
      await place.ok(['init']);
      writeFileSync(join(place.repo, '.kv', 'policy.yaml'), 'mine');
      const before = tip();
      expect(await place.ok(['init'])).to.contain('is here already');
      expect(tip()).to.equal(before);
      expect(readFileSync(join(place.repo, '.kv', 'policy.yaml'), 'utf8')).to.equal('mine');
    });

    it('works in a bare repository, without a scaffold', async () => {
      const bare = new Place({ bare: true });
      try {
        expect(await bare.json(['init'])).to.include({ ok: true, created: true, policy: null });
        await bare.ok(['set', 'a', 'b']);
        expect(await bare.ok(['get', 'a'])).to.equal('b');
      } finally {
        bare.remove();
      }
    });
  });

  it('prints a receipt', async () => {
    const out = await place.ok(['set', 'a', 'hello', '--message', 'say hello']);
    expect(out).to.match(
      /^set 1, deleted 0 · 5 B · main@\d{4}Q\d\ncommit {2}[0-9a-f]{40}\ntxn {5}[0-9A-Z]{26}\ntree {4}[0-9a-f]{40}\n/,
    );
    expect(place.git('log', '-1', '--format=%s', 'refs/kv/main').trim()).to.equal('say hello');
    expect(out).to.contain(tip());
  });

  it('deletes all keys or none', async () => {
    await place.ok(['set', 'a', '1']);
    const before = tip();
    const { code, stderr } = await place.kv(['del', 'a', 'missing']);
    expect(code).to.equal(6);
    expect(stderr).to.contain('"missing"').and.to.contain('nothing was deleted');
    expect(tip()).to.equal(before);
    await place.ok(['set', 'b', '1']);
    expect((await place.json<Receipt>(['del', 'a', 'b'])).del).to.deep.equal(['a', 'b']);
  });

  it('writes nothing on a dry run', async () => {
    await place.ok(['set', 'a', '1']);
    const before = tip();
    expect(await place.ok(['set', 'a', '2', '--dry-run'])).to.match(/^dry run: set 1.*\n {2}set {5}a\n$/);
    expect(await place.json(['del', 'a', '-n'])).to.include({ dry_run: true, commit: null, tree: null });
    expect(tip()).to.equal(before);
  });

  it('a dry run names the keys, of many the first', async () => {
    await place.ok(['set', 'gone', '1']);
    const lines = Array.from({ length: 25 }, (_, i) => `{"op":"set","key":"many:${String(i).padStart(2, '0')}","value":"1"}`);
    const out = await place.ok(['mset', '-f', '-', '-n'], { input: `${lines.join('\n')}\n{"op":"del","key":"gone"}\n` });
    expect(out)
      .to.contain('\n  set     many:19\n  set     5 more: --json names them\n  delete  gone\n')
      .and.not.match(/many:20|^tree /m);
    expect(await place.ok(['set', 'gone', '2'])).not.to.contain('  set ');
  });

  it('says when nothing changes', async () => {
    await place.ok(['set', 'a', '1']);
    const before = tip();
    const { stdout, stderr } = await place.kv(['mset', '-f', '-'], { input: '{"op":"del","key":"nope"}\n' });
    expect(stdout.toString()).to.match(/^nothing to change, unchanged 1 · main@/);
    expect(stderr).to.equal('warning: key "nope" is not there: nothing to delete\n');
    expect(tip()).to.equal(before);
  });

  it('setting the same value again is a transaction of its own', async () => {
    await place.ok(['set', 'a', '1']);
    const before = tip();
    expect((await place.json<Receipt>(['set', 'a', '1'])).set).to.deep.equal(['a']);
    expect(place.git('rev-parse', 'refs/kv/main^').trim()).to.equal(before);
  });

  describe('expectations', () => {
    it('cas set: the blob as it was read, and 2 when it is another', async () => {
      await place.ok(['cas', 'set', 'a', '1', '--expect-blob', 'none']);
      const { oid } = await place.json<{ oid: string }>(['get', 'a']);
      await place.ok(['cas', 'set', 'a', '2', '--expect-blob', oid]);
      for (const expected of [oid, 'none', '-']) {
        const { code, stderr } = await place.kv(['cas', 'set', 'a', '3', '--expect-blob', expected]);
        expect(code, expected).to.equal(2);
        expect(stderr).to.contain('"a"').and.to.contain('hint: ');
      }
      expect(await place.ok(['get', 'a'])).to.equal('2');
    });

    it('--expect-tree: the ledger as it was read', async () => {
      const { tree } = await place.json<Receipt>(['set', 'a', '1']);
      const next = await place.json<Receipt>(['set', 'b', '1', '--expect-tree', tree]);
      expect((await place.kv(['del', 'a', '--expect-tree', tree])).code).to.equal(2);
      await place.ok(['del', 'a', '--expect-tree', next.tree]);
    });

    it('--expect-blob KEY=OID with several keys', async () => {
      await place.ok(['set', 'a=b', '1']);
      const { oid } = await place.json<{ oid: string }>(['get', 'a=b']);
      const input = '{"op":"set","key":"a=b","value":"2"}\n{"op":"set","key":"c","value":"2"}\n';
      expect((await place.kv(['mset', '-f', '-', '--expect-blob', 'a=b=none'], { input })).code).to.equal(2);
      expect((await place.kv(['mset', '-f', '-', '--expect-blob', oid], { input })).code).to.equal(64);
      await place.ok(['mset', '-f', '-', '--expect-blob', `a=b=${oid}`, '--expect-blob', 'c=none'], { input });
    });

    it('refuses what is no oid, and cas set without any', async () => {
      for (const args of [['--expect-tree', 'abc'], ['--expect-blob', 'HEAD'], []]) {
        expect((await place.kv(['cas', 'set', 'a', 'b', ...args])).code).to.equal(64);
      }
    });
  });

  describe('ttl', () => {
    it('an expired key is gone for reads: 7', async () => {
      await place.ok(['set', 'short', 'v', '--ttl', '1ms']);
      const { code, stdout, stderr } = await place.kv(['get', 'short']);
      expect(code).to.equal(7);
      expect(stdout.length).to.equal(0);
      expect(stderr).to.contain('--allow-expired');
      expect(await place.ok(['get', 'short', '--allow-expired'])).to.equal('v');
      expect(await place.json(['get', 'short', '--allow-expired'])).to.include({ expired: true });
      expect(await place.ok(['list'])).to.equal('');
      expect(await place.ok(['list', '--allow-expired'])).to.equal('short\n');
      const listed = await place.json<{ commit: string; keys: object[] }>(['list', '--long', '--allow-expired']);
      expect(listed.keys[0]).to.include({ key: 'short', expired: true });
      expect(listed.commit).to.equal((await place.json<{ commit: string }>(['get', 'short', '--allow-expired'])).commit);
      expect(await place.ok(['list', '--long', '--allow-expired'])).to.match(/Z ! {2,}text\/plain/);
    });

    it('takes a duration, a time and none', async () => {
      await place.ok(['set', 'a', 'v', '--ttl', '2099-01-31T00:00:00+01:00']);
      expect(await place.json(['get', 'a'])).to.include({ ttl: '2099-01-30T23:00:00.000Z', expired: false });
      await place.ok(['set', 'a', 'v', '--ttl', 'none']);
      expect(await place.json(['get', 'a'])).to.include({ ttl: null });
      await place.ok(['set', 'a', 'v', '--ttl', '30d']);
      const { ttl, created_at: created } = await place.json<{ ttl: string; created_at: string }>(['get', 'a']);
      expect(Date.parse(ttl) - Date.parse(created)).to.be.within(30 * 86_400_000 - 5000, 30 * 86_400_000);
    });

    for (const ttl of ['2020-01-01', '0s', '-5d', 'tomorrow', '30', '999999999d', '2099-13-01']) {
      it(`refuses ${ttl}`, async () => {
        const { code, stderr } = await place.kv(['set', 'a', 'v', `--ttl=${ttl}`]);
        expect(code).to.equal(64);
        expect(stderr).to.contain(`--ttl "${ttl}" `);
      });
    }
  });
});
