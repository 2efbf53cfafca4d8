import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { twoLedgers } from '../../chaos/memory-run.js';
import { needs } from '../../support/needs/needs.js';
import { ROOT } from '../../support/root.js';
import { World } from '../../support/worlds/world.js';

const VERIFIER = join(ROOT, 'docs', 'examples', 'reader', 'verifier.py');
const LEDGER = 'refs/kv/seq';

describe('a verifier written from FORMAT.md alone, of a sequenced namespace', () => {
  let world: World;
  before(async function () {
    needs(this, 'python3');
    world = await World.create({ policy: twoLedgers });
    await world.clone('ada');
    for (const value of ['1', '2']) await world.kv('ada', ['set', 'k', value, '--ns', 'seq']);
    await world.mirrored();
  });
  after(() => world?.close());

  const verified = async (repository: string): Promise<readonly [number | null, string]> => {
    const { code, stdout, stderr } = await world.run('python3', ['-B', VERIFIER, repository, 'seq']);
    return [code, stdout + stderr];
  };

  it('knows the key that orders, and the writers of the intents that are there, of the Stargate as of its mirror', async () => {
    for (const repository of [world.repo, world.mirror]) expect(await verified(repository)).to.deep.equal([0, 'no fault\n']);
  });

  it('says that it rests on the word of the Stargate where the intents are not', async () => {
    const without = join(world.dir, 'without.git');
    await world.git(world.dir, 'ada', ['init', '-q', '--bare', without]);
    const families = ['kv', 'kv-index', 'kv-epoch', 'kv-policy', 'kv-watchlog'].map(
      (family) => `refs/${family}/*:refs/${family}/*`,
    );
    expect((await world.git(without, 'ada', ['fetch', '-q', world.mirror, ...families])).code).to.equal(0);
    expect(await verified(without)).to.deep.equal([
      0,
      "note: intents are not here: that their writers wanted this is the Stargate's word\nno fault\n",
    ]);
  });

  it('finds a transaction that a writer has ordered by itself', async () => {
    const copy = join(world.dir, 'forged.git');
    await cp(world.repo, copy, { recursive: true });
    const git = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await world.git(copy, 'ada', args);
      expect(code, stderr).to.equal(0);
      return stdout.trim();
    };
    const message = join(world.dir, 'message');
    await writeFile(message, `${await git('log', '-1', '--format=%B', LEDGER)}\n`);
    const own = [
      '-c',
      'user.name=ada',
      '-c',
      'user.email=ada@example.org',
      '-c',
      'gpg.format=ssh',
      '-c',
      `user.signingkey=${world.key('ada')}`,
    ];
    const forged = await git(...own, 'commit-tree', '-S', `${LEDGER}^{tree}`, '-p', `${LEDGER}^`, '-F', message);
    await git('update-ref', LEDGER, forged);
    const [code, said] = await verified(copy);
    expect(said).to.match(/no signature of a key that the policy in force allows/);
    expect(code).to.equal(8);
  });
});
