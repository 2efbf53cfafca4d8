import { expect } from 'chai';
import sync from 'node:fs';
import fs, { readdir, rename, rmdir } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { openGitStore } from '../../../../adapters/git-cli/store.js';
import { blob } from '../../../contracts/git-objects.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

describe('git-cli: a few objects, while git clears up beside', () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.remove());

  /** Takes finished objects away as a repack does, and each folder that is empty, until it is told to stop. */
  async function clear(objects: string, until: { done: boolean }): Promise<number> {
    let taken = 0;
    while (!until.done) {
      for (const name of (await readdir(objects)).filter((each) => /^[0-9a-f]{2}$/.test(each))) {
        const folder = join(objects, name);
        const files = (await readdir(folder)).filter((file) => /^[0-9a-f]{38}$/.test(file));
        for (const file of files) await rename(join(folder, file), join(sandbox.folder, name + file));
        taken += files.length;
        await rmdir(folder).catch((error: NodeJS.ErrnoException) => expect(error.code).to.equal('ENOTEMPTY'));
      }
    }
    return taken;
  }

  it('writes every one', async () => {
    const directory = sandbox.bare('r.git');
    const store = await openGitStore({ directory, env: sandbox.env });
    const until = { done: false };
    const clearing = clear(join(directory, 'objects'), until);
    try {
      for (let i = 0; i < 300; i++) await store.write([0, 1, 2, 3].map((j) => blob('sha1', `${i} ${j}`)));
    } finally {
      until.done = true;
      await clearing;
      await store.close();
    }
    const taken = await clearing;
    expect(taken).to.be.greaterThan(0);
    const left = (await readdir(join(directory, 'objects'), { recursive: true })).filter((name) =>
      /^..\/[0-9a-f]{38}$/.test(name),
    );
    expect(taken + left.length).to.equal(1200);
  });
});

describe('git-cli: a pack that is about to be seen, while git gc runs', () => {
  const whole = sync.renameSync;
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => {
    putRename(whole);
    sandbox.remove();
  });

  /** Replaces `renameSync` for every module that has imported it. */
  function putRename(by: typeof sync.renameSync): void {
    sync.renameSync = by;
    syncBuiltinESMExports();
  }

  it('loses neither the pack nor its index', async () => {
    const directory = sandbox.bare('r.git');
    const store = await openGitStore({ directory, env: sandbox.env });
    const objects = Array.from({ length: 20 }, (_, i) => blob('sha1', `beside gc ${i}`));
    const moved: string[] = [];
    putRename((from, to) => {
      sandbox.run('git', ['-C', directory, 'gc', '--quiet']);
      moved.push(String(to).replace(/^.*\./, ''));
      whole(from, to);
    });
    try {
      await store.write(objects);
      expect(moved).to.deep.equal(['pack', 'idx']);
      expect(await store.headers(objects.map(({ oid }) => oid))).to.not.include(null);
    } finally {
      await store.close();
    }
    expect((await readdir(join(directory, 'objects', 'pack'))).filter((name) => name.startsWith('tmp_'))).to.deep.equal([]);
  });

  it('frees a pack again whose writer was killed in that moment', async () => {
    const directory = sandbox.bare('r.git');
    const pack = join(directory, 'objects', 'pack');
    const store = await openGitStore({ directory, env: sandbox.env });
    await store.write(Array.from({ length: 20 }, (_, i) => blob('sha1', `left ${i}`)));
    const keeps = ['ours', 'young', 'theirs'].map((name) => join(pack, `pack-${name}.keep`));
    for (const keep of keeps) await fs.writeFile(keep, keep.includes('theirs') ? 'receive-pack 1 on host\n' : 'git-kv\n');
    const before = new Date(Date.now() - 2 * 3_600_000);
    for (const keep of keeps.filter((name) => !name.includes('young'))) await fs.utimes(keep, before, before);
    // So many that it is worth while to ask git whether there is something to do.
    for (let i = 0; i < 50; i++) await fs.writeFile(join(pack, `tmp_pack_${i}.pack`), '');
    await store.close();
    expect((await readdir(pack)).filter((name) => name.endsWith('.keep')).sort()).to.deep.equal([
      'pack-theirs.keep',
      'pack-young.keep',
    ]);
  });
});
