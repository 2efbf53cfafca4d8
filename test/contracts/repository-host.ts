import { expect } from 'chai';
import type { GitStore } from '../../ports/git/git-store.js';
import type { ObjectFormat } from '../../ports/vocabulary.js';
import { rejects } from './git-store-parts/bench.js';
import { type HostBench, MIRROR, plain, point } from './host-parts/bench.js';

/** Every promise of the `repository-host` port. */
export function repositoryHostContract(name: string, factory: () => Promise<HostBench>): void {
  describe(`repository-host contract: ${name}`, function () {
    this.timeout(30_000);
    let bench: HostBench;
    const stores: GitStore[] = [];
    beforeEach(async () => {
      bench = await factory();
    });
    afterEach(async () => {
      for (const store of stores.splice(0)) await store.close();
      await bench.dispose();
    });
    const opened = async (): Promise<GitStore> => {
      const store = await bench.openStore();
      stores.push(store);
      return store;
    };
    const mirror = async (format: ObjectFormat): Promise<{ url: string; store: GitStore }> => {
      const made = await bench.mirror(format);
      stores.push(made.store);
      return made;
    };

    for (const format of ['sha1', 'sha256'] as const) {
      it(`makes a sound, empty ${format} repository with the empty tree`, async () => {
        await bench.host.checkPrograms();
        await bench.host.create(plain(format));
        await bench.host.check();
        expect(await bench.host.hooksInPlace()).to.equal(true);
        expect(await bench.host.upgrade()).to.deep.equal({ hooks: [], settings: [] });
        const store = await opened();
        expect([store.objectFormat, [...(await store.refs(['refs/']))]]).to.deep.equal([format, []]);
        const emptyTree = {
          sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
          sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
        };
        expect((await store.read([emptyTree[format]]))[0]?.type).to.equal('tree');
      });
    }

    it('makes none where something is, nor with a remote that is none', async () => {
      await rejects(
        bench.host.create({ ...plain(), mirror: { url: '/nowhere', push: [], remote: '--global' } }),
        'INPUT_INVALID',
      );
      await bench.host.create(plain());
      await rejects(bench.host.create(plain()), 'CONFIG_INVALID');
      await bench.host.check();
    });

    it('knows who committed a file beside it, and of no other', async () => {
      await bench.host.create(plain());
      const { path, author, oid, change } = await bench.committedFile();
      expect(await bench.host.committerOf(path)).to.deep.equal({ author, oid });
      await change();
      expect(await bench.host.committerOf(path), 'not as it was committed').to.equal(null);
      expect(await bench.host.committerOf(`${path}.other`)).to.equal(null);
    });

    it('tells how much room there is, and whether it can be written to', async () => {
      await bench.host.create(plain());
      const { free, size } = await bench.host.room();
      expect(free).to.be.within(0, size);
      await bench.host.probeWriting();
      expect((await bench.host.room()).size).to.equal(size);
    });

    it('makes one without a mirror', async () => {
      await bench.host.create({ ...plain(), mirror: null });
      await bench.host.check();
    });

    it('knows no repository where none is', async () => {
      await rejects(bench.host.check(), 'CONFIG_INVALID');
      expect(await bench.host.hooksInPlace()).to.equal(false);
    });

    for (const how of ['earlier', 'passed-over'] as const) {
      it(`writes its own hooks over one that is ${how}, and only says so before`, async () => {
        await bench.host.create(plain());
        await bench.spoilHook(how);
        await bench.host.check();
        expect(await bench.host.hooksInPlace()).to.equal(false);
        expect((await bench.host.upgrade()).hooks).to.have.length(1);
        expect(await bench.host.hooksInPlace()).to.equal(true);
        expect(await bench.host.upgrade()).to.deep.equal({ hooks: [], settings: [] });
      });
    }

    it('leaves a hook of somebody else alone, and refuses to work with it', async () => {
      await bench.host.create(plain());
      await bench.spoilHook('foreign');
      await rejects(bench.host.check(), 'CONFIG_INVALID');
      await rejects(bench.host.upgrade(), 'CONFIG_INVALID');
      expect(await bench.host.hooksInPlace()).to.equal(false);
    });

    it('puts settings right that pushes cannot do without', async () => {
      await bench.host.create(plain());
      await bench.spoilSettings();
      expect((await bench.host.upgrade()).settings).to.have.length(1);
      expect((await bench.host.upgrade()).settings).to.deep.equal([]);
    });

    it('removes what a killed process has locked', async () => {
      await bench.host.create(plain());
      expect(await bench.host.unlock()).to.deep.equal([]);
      const store = await opened();
      await point(store, 'refs/heads/main', 'one');
      const lock = await bench.leaveLock('refs/heads/main');
      await rejects(point(store, 'refs/heads/main', 'two'), 'CAS_CONFLICT');
      expect(await bench.host.unlock()).to.deep.equal([lock]);
      await point(store, 'refs/heads/main', 'two');
    });

    it('removes quarantines that are old enough', async () => {
      await bench.host.create(plain());
      await bench.leaveQuarantine();
      expect(await bench.host.sweepQuarantines(3_600_000)).to.equal(0);
      expect(await bench.host.sweepQuarantines(0)).to.equal(1);
      expect(await bench.host.sweepQuarantines(0)).to.equal(0);
    });

    it('makes a quarantine of its own ready, and no other folder', async () => {
      await bench.host.create(plain());
      const { path, held } = await bench.leaveQuarantine();
      expect(await held()).to.equal(true);
      await bench.host.prepareQuarantine(path);
      expect(await held()).to.equal(false);
      const [objects, name] = [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)];
      for (const bad of [
        '',
        name,
        objects,
        `${objects}/../${name}`,
        `${objects}/pack/${name}`,
        `/elsewhere/objects/${name}`,
        `${path}/../..`,
      ]) {
        await rejects(bench.host.prepareQuarantine(bad), 'GIT_ERROR');
      }
    });

    it('lists and fetches a remote, and takes its kinds of refs alone', async () => {
      const { url, store: there } = await mirror('sha1');
      const one = await point(there, 'refs/heads/trunk', 'one');
      const two = await point(there, 'refs/kv/main', 'two');
      await point(there, 'refs/pull/head', 'three');
      await bench.host.create(plain('sha1', url));
      const listed = await bench.host.listRemote(MIRROR);
      expect([...listed.refs.keys()]).to.deep.equal(['refs/heads/trunk', 'refs/kv/main', 'refs/pull/head']);
      expect(listed.refs.get('refs/kv/main')).to.equal(two);
      await bench.host.fetchRemote(MIRROR, []);
      const here = await opened();
      expect([...(await here.refs(['refs/']))]).to.deep.equal([]);
      await bench.host.fetchRemote(MIRROR, ['heads', 'kv', 'tags']);
      expect([...(await here.refs(['refs/']))]).to.deep.equal([
        ['refs/heads/trunk', one],
        ['refs/kv/main', two],
      ]);
      const [blob] = await here.readPaths(two, ['file']);
      expect(new TextDecoder().decode(blob?.body)).to.equal('two');
      const moved = await point(there, 'refs/kv/main', 'rewritten');
      await bench.host.fetchRemote(MIRROR, ['kv']);
      expect((await here.refs(['refs/kv/main'])).get('refs/kv/main')).to.equal(moved);
      await rejects(bench.host.fetchRemote(MIRROR, ['heads/*:refs/kv/*']), 'INPUT_INVALID');
      await rejects(bench.host.listRemote('--upload-pack=x'), 'INPUT_INVALID');
    });

    for (const filled of [true, false]) {
      it(`finds that ${filled ? 'a' : 'an empty'} remote names its objects otherwise`, async () => {
        const { url, store } = await mirror('sha256');
        if (filled) await point(store, 'refs/heads/main', 'one');
        await bench.host.create(plain('sha1', url));
        const error = await rejects(bench.host.listRemote(MIRROR), 'CONFIG_INVALID');
        expect(error.details).to.deep.equal({ objectFormat: 'sha256' });
      });
    }

    it('says when a remote cannot be read', async () => {
      await bench.host.create(plain('sha1', '/there/is/nothing/here'));
      await rejects(bench.host.listRemote(MIRROR), 'IO_ERROR');
      await rejects(bench.host.fetchRemote(MIRROR, ['heads']), 'IO_ERROR');
    });

    it('points HEAD to branches alone', async () => {
      await bench.host.create(plain());
      await bench.host.setHead('refs/heads/trunk');
      for (const bad of ['refs/kv/main', 'trunk', '--delete', 'refs/heads/a..b']) {
        await rejects(bench.host.setHead(bad), 'INPUT_INVALID');
      }
    });

    for (const format of ['sha1', 'sha256'] as const) {
      it(`exports refs as they were, and restores them elsewhere (${format})`, async () => {
        await bench.host.create(plain(format));
        const store = await opened();
        const [first, kept] = [await point(store, 'refs/heads/trunk', 'one'), await point(store, 'refs/kv/main', 'kept')];
        await bench.host.setHead('refs/heads/trunk');
        const refs = await store.refs(['refs/']);
        await point(store, 'refs/heads/trunk', 'two'); // while it is exported, say
        await store.updateRefs([{ ref: 'refs/kv/main', old: kept, next: null }], 'test');
        const form = await bench.host.export(bench.file('one.bundle'), refs);
        expect([form.objectFormat, form.head]).to.deep.equal([format, 'refs/heads/trunk']);

        const other = await bench.beside();
        expect(await other.restore(bench.file('one.bundle'), form)).to.deep.equal(refs);
        await other.check();
        expect(await other.hooksInPlace()).to.equal(true);
        expect(await other.upgrade()).to.deep.equal({ hooks: [], settings: [] });
        expect(refs.get('refs/heads/trunk')).to.equal(first);
        expect(await other.export(bench.file('two.bundle'), refs)).to.deep.equal(form); // all of it is there
        await rejects(other.restore(bench.file('one.bundle'), form), 'CONFIG_INVALID');
      });
    }

    it('exports nothing that it has not got, and restores nothing that is damaged', async () => {
      await bench.host.create(plain());
      const store = await opened();
      await point(store, 'refs/heads/main', 'one');
      await rejects(bench.host.export(bench.file('no.bundle'), new Map([['refs/heads/main', 'f'.repeat(40)]])), 'GIT_ERROR');
      const form = await bench.host.export(bench.file('cut.bundle'), await store.refs(['refs/']));
      await bench.cutBundle(bench.file('cut.bundle'));
      await rejects((await bench.beside()).restore(bench.file('cut.bundle'), form), 'GIT_ERROR');
    });

    it('exports and restores a repository without refs', async () => {
      await bench.host.create(plain());
      const form = await bench.host.export(bench.file('none.bundle'), new Map());
      expect(await (await bench.beside()).restore(null, form)).to.deep.equal(new Map());
    });
  });
}
