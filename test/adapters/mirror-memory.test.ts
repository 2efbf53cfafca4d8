import { expect } from 'chai';
import { GitMemoryStore } from '../../adapters/git-memory/open.js';
import { MemoryHost, openMemoryMirror } from '../../adapters/mirror-memory/open.js';
import { openProfile, parseProfile } from '../../plugins/host/index.js';
import type { GitStore, MirrorTarget, Oid } from '../../ports/index.js';
import { blob, commit, files, object, tag, tree } from '../contracts/git-objects.js';
import { mirrorTargetContract, thrownBy } from '../contracts/mirror-target.js';
import { memoryMirrorBench } from '../support/memory/mirror-bench.js';

for (const format of ['sha1', 'sha256'] as const)
  mirrorTargetContract(`mirror-memory, ${format}`, () => memoryMirrorBench(format));

describe('mirror-memory', () => {
  const format = 'sha1';
  const host = (): { host: MemoryHost; store: GitMemoryStore; target: MirrorTarget } => {
    const [one, store] = [new MemoryHost(), new GitMemoryStore(format)];
    return { host: one, store, target: openMemoryMirror({ host: one, store, label: 'memory:test' }) };
  };

  it('carries every object that a ref reaches, there and back, and no other', async () => {
    const here = host();
    const { root, objects } = files(format, { 'a/b/c': 'deep', d: 'flat' });
    const first = commit(format, { tree: root, time: 1 });
    const second = commit(format, { tree: root, parents: [first.oid], time: 2 });
    const named = tag(format, second.oid, 'v1');
    const loose = blob(format, 'reached by nothing');
    await here.store.write([...objects, first, second, named, loose]);
    await here.target.push([{ ref: 'refs/tags/v1', next: named.oid }]);
    expect(here.host.has(loose.oid)).to.equal(false);

    const there = new GitMemoryStore(format);
    const reader = openMemoryMirror({ host: here.host, store: there, label: 'reader' });
    await reader.fetch([{ remoteRef: 'refs/tags/v1', localRef: 'refs/seen/v1' }]);
    expect((await there.refs(['refs/seen/'])).get('refs/seen/v1')).to.equal(named.oid);
    const all = [...objects, first, second, named];
    expect((await there.read(all.map(({ oid }) => oid))).every((each) => each !== null)).to.equal(true);
  });

  it('leaves submodules out, whose commits are elsewhere', async () => {
    const { store, target, host: memory } = host();
    const elsewhere = 'ab'.repeat(20);
    const folder = tree(format, [{ name: 'sub', oid: elsewhere, mode: '160000' }]);
    const one = commit(format, { tree: folder.oid, time: 1 });
    await store.write([folder, one]);
    await target.push([{ ref: 'refs/heads/main', next: one.oid }]);
    expect(memory.refs.get('refs/heads/main')).to.equal(one.oid);
  });

  it('takes nothing of a push whose objects are not all there', async () => {
    const { store, target, host: memory } = host();
    const hole = commit(format, { tree: 'cd'.repeat(20), time: 1 });
    await store.write([hole]);
    expect((await thrownBy(target.push([{ ref: 'refs/heads/main', next: hole.oid }]))).code).to.equal('GIT_ERROR');
    expect([memory.refs.size, memory.has(hole.oid)]).to.deep.equal([0, false]);
    const torn = object(format, 'tree', Buffer.from('100644 a\0short'));
    await store.write([torn]);
    expect((await thrownBy(target.push([{ ref: 'refs/heads/main', next: torn.oid }]))).code).to.equal('GIT_ERROR');
  });

  it('moves no tag that is there, as a Git host does, and no ref twice in one push', async () => {
    const { store, target } = host();
    const folder = tree(format, []);
    const one = commit(format, { tree: folder.oid, time: 1 });
    const two = commit(format, { tree: folder.oid, parents: [one.oid], time: 2 });
    await store.write([folder, one, two]);
    await target.push([{ ref: 'refs/tags/v1', next: one.oid }]);
    expect((await thrownBy(target.push([{ ref: 'refs/tags/v1', next: two.oid }]))).code).to.equal('SYNC_REFUSED');
    const twice = [one, two].map(({ oid }) => ({ ref: 'refs/heads/main', next: oid }));
    expect((await thrownBy(target.push(twice))).code).to.equal('GIT_ERROR');
  });

  it('is one host for the compositions that name it, and each one’s own without a name', async () => {
    const opened = async (adapter: string): Promise<{ target: MirrorTarget; oid: Oid }> => {
      const yaml = `name: shared\nadapters: { git-store: git-memory, mirror-target: ${adapter} }\n`;
      const composition = await openProfile(await parseProfile(yaml, 'shared.yaml'), { directory: '/nonexistent', env: {} });
      const one = blob(format, 'content');
      await (await composition.get<GitStore>('git-store')).write([one]);
      return { target: await composition.get<MirrorTarget>('mirror-target'), oid: one.oid };
    };
    for (const [adapter, seen] of [
      ['{ use: mirror-memory, config: { host: mirror-memory.test } }', 1],
      ['mirror-memory', 0],
    ] as const) {
      const { target, oid } = await opened(adapter);
      await target.push([{ ref: 'refs/tags/x', next: oid }]);
      expect(await (await opened(adapter)).target.refs(['refs/*']), adapter).to.have.property('size', seen);
    }
  });
});
