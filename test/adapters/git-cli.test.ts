import { expect } from 'chai';
import { chmodSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { GIT_CLI_CAPABILITIES, openGitStore } from '../../adapters/git-cli/store.js';
import type { GitCliStore } from '../../adapters/git-cli/store.js';
import { packIndex } from '../../adapters/git-cli/pack/pack-index.js';
import { KvError } from '../../ports/error.js';
import type { NewObject } from '../../ports/git/git-store.js';
import type { ObjectFormat } from '../../ports/vocabulary.js';
import { blob, commit, files, tag, tree } from '../contracts/git-objects.js';
import { gitStoreContract } from '../contracts/git-store.js';
import { Sandbox } from '../support/worlds/sandbox.js';

gitStoreContract('git-cli', GIT_CLI_CAPABILITIES, async (format) => {
  const sandbox = new Sandbox();
  const directory = sandbox.bare('r.git', format);
  const store = await openGitStore({ directory, env: sandbox.env });
  return {
    store,
    async fillQuarantine(objects) {
      const elsewhere = await openGitStore({ directory: sandbox.bare('elsewhere.git', format), env: sandbox.env });
      await elsewhere.write(objects);
      await elsewhere.close();
      const path = join(directory, 'objects', 'tmp_objdir-incoming-Ab12cd');
      renameSync(sandbox.path('elsewhere.git/objects'), path);
      return path;
    },
    cleanup: async () => sandbox.remove(),
  };
});

for (const format of ['sha1', 'sha256'] as const satisfies readonly ObjectFormat[]) {
  describe(`git-cli and git agree, ${format}`, () => {
    let sandbox: Sandbox;
    let directory: string;
    let store: GitCliStore;
    beforeEach(async () => {
      sandbox = new Sandbox();
      directory = sandbox.bare('r.git', format);
      store = await openGitStore({ directory, env: sandbox.env });
    });
    afterEach(async () => {
      await store.close();
      sandbox.remove();
    });

    const everything = (): NewObject[] => {
      const { root, objects } = files(format, { a: 'one', 'b/c': 'two '.repeat(5000) });
      const made = commit(format, { tree: root, time: 1_700_000_000 });
      return [...objects, made, tag(format, made.oid, 'v1')];
    };

    it('a few objects become loose ones that git accepts', async () => {
      const objects = everything();
      await store.write(objects.slice(0, 4));
      await store.write(objects.slice(4));
      expect(readdirSync(join(directory, 'objects/pack'))).to.deep.equal([]);
      sandbox.git(directory, 'fsck', '--strict');
      for (const each of objects) {
        expect(sandbox.git(directory, 'cat-file', '-t', each.oid)).to.equal(each.type);
        const content = sandbox.run('git', ['-C', directory, 'cat-file', each.type, each.oid]);
        expect(Buffer.compare(content, each.body)).to.equal(0);
      }
    });

    it('more become one pack that git verifies, whichever way each body is coded', async () => {
      const bodies = [
        Buffer.alloc(0),
        Buffer.from('x'),
        Buffer.alloc(199, 'a'),
        Buffer.alloc(200, 'a'),
        randomBytes(300),
        Buffer.alloc(5000, 'abc'),
        randomBytes(17_000),
        randomBytes(65_535),
        randomBytes(65_536),
        randomBytes(200_000),
        Buffer.alloc(3_000_000, 'kv'),
        randomBytes(2_500_000),
      ];
      const objects = [...bodies.map((body) => blob(format, body)), ...everything()];
      await store.write(objects);
      const pack = readdirSync(join(directory, 'objects/pack')).sort();
      expect(pack.length).to.equal(2);
      expect(pack.every((name) => /^pack-[0-9a-f]+\.(idx|pack)$/.test(name))).to.equal(true);
      sandbox.git(directory, 'verify-pack', join(directory, 'objects/pack', pack[0] as string));
      sandbox.git(directory, 'fsck', '--strict', '--full');
      const read = await store.read(objects.map((each) => each.oid));
      for (const [i, each] of objects.entries())
        expect(Buffer.compare(read[i]?.body ?? Buffer.alloc(0), each.body), `${i}`).to.equal(0);
    });

    it('10,000 objects, each twice, are one pack with each once', async () => {
      const blobs = Array.from({ length: 10_000 }, (_, i) => blob(format, `value ${i}`));
      const root = tree(
        format,
        blobs.map((each, i) => ({ name: `k${i}`, oid: each.oid })),
      );
      await store.write([...blobs, root, ...blobs]);
      const [index] = readdirSync(join(directory, 'objects/pack')).filter((name) => name.endsWith('.idx'));
      const listing = sandbox.git(directory, 'verify-pack', '-v', join(directory, 'objects/pack', index as string));
      expect(listing.split('\n').filter((line) => / (blob|tree) +\d/.test(line)).length).to.equal(10_001);
      const made = commit(format, { tree: root.oid, time: 1_700_000_000 });
      await store.write([made]);
      await store.updateRefs([{ ref: 'refs/kv/main', old: null, next: made.oid }], 'test');
      sandbox.git(directory, 'fsck', '--strict', '--full', '--connectivity-only');
      expect(sandbox.git(directory, 'ls-tree', '-r', 'refs/kv/main').split('\n').length).to.equal(10_000);
    });

    it('reads refs and objects that another process wrote, before and after a repack', async () => {
      expect(await store.read([blob(format, 'later').oid])).to.deep.equal([null]);
      const oid = sandbox.run('git', ['-C', directory, 'hash-object', '-w', '--stdin'], 'later').toString().trim();
      expect((await store.read([oid]))[0]?.oid).to.equal(oid);
      sandbox.git(directory, 'update-ref', 'refs/tags/l', oid);
      sandbox.git(directory, 'repack', '-adq');
      sandbox.git(directory, 'pack-refs', '--all', '--prune');
      expect((await store.read([oid]))[0]?.oid).to.equal(oid);
      expect((await store.refs(['refs/tags/'])).get('refs/tags/l')).to.equal(oid);
    });

    it('names the lock file that is in the way', async () => {
      const made = everything();
      await store.write(made);
      const tip = made.find((each) => each.type === 'commit') as NewObject;
      sandbox.run('sh', ['-c', `mkdir -p ${directory}/refs/kv && : >${directory}/refs/kv/main.lock`]);
      const error = await store
        .updateRefs([{ ref: 'refs/kv/main', old: null, next: tip.oid }], 'locked')
        .catch((caught: unknown) => caught);
      expect(KvError.is(error) && error.code).to.equal('CAS_CONFLICT');
      expect((error as KvError).hint).to.include('refs/kv/main.lock');
    });
  });
}

describe('git-cli', () => {
  let sandbox: Sandbox;
  let store: GitCliStore;
  beforeEach(() => (sandbox = new Sandbox()));
  afterEach(async () => {
    await store?.close();
    sandbox.remove();
  });

  it('finds the repository from a folder inside a work tree, and paths stay those of the root', async () => {
    sandbox.run('git', ['init', '-q', sandbox.path('w')]);
    sandbox.run('sh', ['-c', 'mkdir -p w/sub && echo 1 >w/sub/f && cd w && git add . && git commit -qm one && git tag t']);
    store = await openGitStore({
      directory: sandbox.path('w/sub'),
      env: { ...sandbox.env, GIT_DIR: '/nowhere', GIT_INDEX_FILE: 'x' },
    });
    const tip = (await store.refs(['refs/tags/t'])).get('refs/tags/t') as string;
    expect((await store.readPaths(tip, ['sub/f']))[0]?.type).to.equal('blob');
    const found = [];
    for await (const oid of store.history({ tip, paths: ['sub/f'] })) found.push(oid);
    expect(found).to.deep.equal([tip]);
  });

  it('says what to do where there is no repository', async () => {
    for (const directory of [sandbox.folder, sandbox.path('absent')]) {
      const error = (await openGitStore({ directory, env: { ...sandbox.env, GIT_CEILING_DIRECTORIES: '/' } }).catch(
        (e: unknown) => e,
      )) as KvError;
      expect(KvError.is(error), String(error)).to.equal(true);
      expect(['GIT_ERROR', 'IO_ERROR']).to.include(error.code);
      expect(error.hint).to.be.a('string');
    }
  });

  it('is not misled by replace refs', async () => {
    const directory = sandbox.bare('r.git');
    store = await openGitStore({ directory, env: sandbox.env });
    const [good, evil] = [blob('sha1', 'good'), blob('sha1', 'evil')] as const;
    await store.write([good, evil]);
    sandbox.git(directory, 'replace', good.oid, evil.oid);
    expect(Buffer.from((await store.read([good.oid]))[0]?.body ?? []).toString()).to.equal('good');
  });

  it('reports a damaged object as GIT_ERROR and reads on', async () => {
    const directory = sandbox.bare('r.git');
    store = await openGitStore({ directory, env: sandbox.env });
    const [good, bad] = [blob('sha1', 'good'), blob('sha1', Buffer.alloc(150, 'bad'))] as const;
    await store.write([good, bad]);
    const file = join(directory, 'objects', bad.oid.slice(0, 2), bad.oid.slice(2));
    const content = readFileSync(file);
    content[60] = 0xff;
    chmodSync(file, 0o644);
    writeFileSync(file, content);
    const error = (await store.read([good.oid, bad.oid]).catch((caught: unknown) => caught)) as KvError;
    expect(error.code).to.equal('GIT_ERROR');
    expect((await store.read([good.oid]))[0]?.oid).to.equal(good.oid);
  });

  it('tells of a damaged object who asked for it, and no other large request beside', async () => {
    const directory = sandbox.bare('r.git');
    store = await openGitStore({ directory, env: sandbox.env });
    const good = Array.from({ length: 3000 }, (_, i) => blob('sha1', `good ${i}`));
    const bad = blob('sha1', Buffer.alloc(150, 'bad'));
    await store.write(good);
    await store.write([bad]);
    const file = join(directory, 'objects', bad.oid.slice(0, 2), bad.oid.slice(2));
    const content = readFileSync(file);
    content[60] = 0xff;
    chmodSync(file, 0o644);
    writeFileSync(file, content);
    const oids = good.map(({ oid }) => oid);
    const [damaged, sound, small] = await Promise.allSettled([
      store.read([...oids.slice(0, 2900), bad.oid]),
      store.read(oids),
      store.read(oids.slice(0, 100)),
    ]);
    expect(damaged.status === 'rejected' && (damaged.reason as KvError).code).to.equal('GIT_ERROR');
    for (const read of [sound, small]) {
      const got = read.status === 'fulfilled' ? read.value.map((object) => object?.oid) : [];
      expect(got).to.deep.equal(oids.slice(0, got.length)).and.to.have.length.greaterThan(99);
    }
    expect(await store.headers(oids))
      .to.have.length(3000)
      .and.not.to.include(null);
  });

  it('indexes offsets beyond 2 GiB in the 64-bit table', () => {
    const oids = ['aa', '11', 'ff'].map((byte) => byte.repeat(20));
    const offsets = [12, 0x80000000, 0x2_0000_0001];
    const index = packIndex(
      'sha1',
      { positions: new Map(oids.map((oid, i) => [oid, i])), crcs: [1, 2, 3], offsets },
      Buffer.alloc(20, 7),
    );
    const offsetAt = 8 + 1024 + 3 * 20 + 3 * 4;
    expect([0, 4, 8].map((at) => index.readUInt32BE(offsetAt + at))).to.deep.equal([0x80000000, 12, 0x80000001]);
    expect([12, 20].map((at) => index.readBigUInt64BE(offsetAt + at))).to.deep.equal([0x80000000n, 0x2_0000_0001n]);
    expect(index.readUInt32BE(8 + 0x11 * 4)).to.equal(1);
    expect(index.length).to.equal(offsetAt + 12 + 16 + 40);
  });
});
