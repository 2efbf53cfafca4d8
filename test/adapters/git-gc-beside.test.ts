import { expect } from 'chai';
import { readdir, rename, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openGitStore } from '../../adapters/git-cli/store.js';
import { blob } from '../contracts/git-objects.js';
import { Sandbox } from '../support/sandbox.js';

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
