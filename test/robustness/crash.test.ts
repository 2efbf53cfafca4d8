import { expect } from 'chai';
import { FAILPOINTS } from '../../domain/gateway/commit/commit-refs.js';
import { decodeEvent } from '../../domain/ledger/transaction/watchlog.js';
import { World } from '../support/worlds/world.js';

/** Where a crash leaves the transaction: none of it before the intent is on disk and a ref has moved, all of it after. */
const OUTCOME = {
  'after-objects': 'none',
  'before-intent': 'none',
  'after-intent': 'none',
  'after-refs': 'all',
  'after-done': 'all',
} as const;

describe('kill -9 of the Stargate', () => {
  let world: World;
  before(async () => {
    world = await World.create();
    await world.clone('ada');
    expect((await world.kv('ada', ['set', 'cfg:color', 'blue'])).code).to.equal(0);
    await world.mirrored();
  });
  after(() => world?.close());

  async function events(): Promise<string[]> {
    const refs = await world.refs();
    const [name] = [...refs.keys()].filter((ref) => ref.startsWith('refs/kv-watchlog/main@'));
    const { stdout } = await world.git(world.repo, 'ada', ['log', '--format=%B%x00', name as string]);
    return stdout
      .split('\0')
      .map((text) => text.trim())
      .filter(Boolean)
      .map((text) => decodeEvent(text, 'c').oid);
  }

  /** A write whose client dies as soon as the Stargate does, so that it can't ask what became of it. */
  async function bothDie(value: string): Promise<void> {
    const dead = new AbortController();
    const options = { cwd: world.clonePath('ada'), signal: dead.signal };
    const writing = world.run('git-kv', ['set', 'cfg:color', value], options);
    await world.ended();
    dead.abort();
    await writing;
  }

  for (const failpoint of ['after-intent', 'after-refs'] as const) {
    it(`at ${failpoint}: the writer asks when the Stargate is back, and its write has landed once`, async () => {
      const before = await world.refs();
      const told = (await events()).length;
      await world.stop();
      await world.start({ GIT_KV_FAILPOINT: failpoint });
      const writing = world.kv('ada', ['set', 'cfg:color', `survived ${failpoint}`, '--json']);
      await world.ended();
      await world.start();
      const { code, stdout, stderr } = await writing;
      expect(code, stderr).to.equal(0);
      const ledger = (await world.refs()).get('refs/kv/main');
      expect((JSON.parse(stdout) as { commit: string }).commit).to.equal(ledger);
      expect(await events()).to.have.length(told + 1);
      const parent = await world.git(world.repo, 'ada', ['rev-parse', `${ledger}^`]);
      expect(parent.stdout.trim()).to.equal(before.get('refs/kv/main'));
    });
  }

  for (const failpoint of FAILPOINTS) {
    it(`at ${failpoint}: after the restart ${OUTCOME[failpoint]} of the transaction is there, with its watchlog entry and mirror job`, async () => {
      const before = await world.refs();
      const told = (await events()).length;
      await world.stop();
      await world.start({ GIT_KV_FAILPOINT: failpoint });
      await bothDie(`at ${failpoint}`);
      await world.start();
      await world.mirrored();
      const after = await world.refs();
      const value = await world.kv('ada', ['get', 'cfg:color', '--read-from=stargate']);
      if (OUTCOME[failpoint] === 'all') {
        expect(after.get('refs/kv/main')).to.not.equal(before.get('refs/kv/main'));
        expect(value.stdout).to.equal(`at ${failpoint}`);
        const log = await events();
        expect(log).to.have.length(told + 1);
        expect(log[0]).to.equal(after.get('refs/kv/main'));
      } else {
        expect([...after].filter(([ref]) => !ref.startsWith('refs/kv-mirror'))).to.deep.equal(
          [...before].filter(([ref]) => !ref.startsWith('refs/kv-mirror')),
        );
        expect(await events()).to.have.length(told);
      }
      expect(after.get('refs/kv-mirror/main')).to.equal(after.get('refs/kv/main'));
      const fsck = await world.git(world.repo, 'ada', ['fsck', '--strict', '--connectivity-only']);
      expect(fsck.code, fsck.stderr).to.equal(0);
    });
  }

  it('in the middle of the ref transaction: the rest of the refs follow', async () => {
    const before = await world.refs();
    await world.stop();
    await world.start({ GIT_KV_FAILPOINT: 'after-refs' });
    await bothDie('torn');
    // The refs have all moved; put one back, as a crash between two renames would have left it.
    const whole = await world.refs();
    await world.git(world.repo, 'ada', ['update-ref', 'refs/kv-index/main', before.get('refs/kv-index/main') as string]);
    await world.start();
    await world.mirrored();
    const after = await world.refs();
    for (const ref of ['refs/kv/main', 'refs/kv-index/main']) expect(after.get(ref)).to.equal(whole.get(ref));
    expect((await world.kv('ada', ['get', 'cfg:color', '--read-from=stargate'])).stdout).to.equal('torn');
  });

  it('with a ref left locked by the process that died: the next start clears it', async () => {
    await world.stop();
    await world.start({ GIT_KV_FAILPOINT: 'after-refs' });
    await bothDie('locked');
    const { writeFile } = await import('node:fs/promises');
    await writeFile(`${world.repo}/refs/kv/main.lock`, '');
    await world.start();
    expect((await world.kv('ada', ['set', 'cfg:color', 'free'])).code).to.equal(0);
  });
});
