import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { ROOT } from '../support/root.js';

/** What `npm start -- --once` shows, from the first command to the last. */
describe('the demo', () => {
  it('runs the main job to its end and leaves nothing behind', async () => {
    const home = await mkdtemp(join(tmpdir(), 'git-kv-demo-home-'));
    try {
      const env = { PATH: process.env['PATH'], HOME: home, TMPDIR: home, LANG: 'C.UTF-8' };
      const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, 'scripts', 'demo.mjs'), '--once'], { env });
      for (const line of [/set 2,\d{3}, deleted 0/, /visible at the mirror/, /mime:font\/woff2/, /exit 3/, /── done/]) {
        expect(stdout).to.match(line);
      }
      expect(await readdir(home)).to.deep.equal([]);
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });

  it('says what it does not know', async () => {
    const failed = await promisify(execFile)(process.execPath, [join(ROOT, 'scripts', 'demo.mjs'), '--twice']).catch(
      (error: unknown) => error,
    );
    expect(failed).to.include({ code: 64 });
  });
});
