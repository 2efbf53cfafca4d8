import { expect } from 'chai';
import { utf8 } from '../../domain/git/bytes.js';
import type { Commit } from '../../domain/git/commit.js';
import { encodePointer, tombstone } from '../../domain/ledger/pointer.js';
import { type PointerFile, updateIndex } from '../../domain/index/update.js';
import type { NewObject } from '../../ports/git-store.js';
import { rejectionIn } from '../support/failure.js';
import type { Ran } from '../support/processes.js';
import { World } from '../support/world.js';
import { Forge } from './forge.js';

const KEYS = 300;

/** A sampling Stargate doesn't rebuild the index, and must see all the same when it says what the ledger doesn't. */
describe('verify: sampled', () => {
  let world: World;
  let forge: Forge;
  before(async () => {
    world = await World.create({
      policy: (text) => text.replace(/^( +)retention:/m, '$1verify: { mode: sampled, sample_size: 1 }\n$&'),
    });
    await world.clone('ada');
    const lines = Array.from({ length: KEYS - 50 }, (_, i) => JSON.stringify({ op: 'set', key: `cfg:${i}`, value: `${i}` }));
    const ran = await world.kv('ada', ['mset', '--file', '-'], { input: lines.join('\n') });
    expect(ran.code, ran.stderr).to.equal(0);
    forge = await Forge.open(world, 'ada');
  });
  after(async () => {
    await forge?.close();
    await world?.close();
  });

  it('takes honest writes, also one that splits a directory and hands down other keys’ pointers', async () => {
    const lines = Array.from({ length: 50 }, (_, i) => JSON.stringify({ op: 'set', key: `cfg:${1000 + i}`, value: 'x' }));
    const ran = await world.kv('ada', ['mset', '--file', '-'], { input: [...lines, '{"op":"del","key":"cfg:0"}'].join('\n') });
    expect(ran.code, ran.stderr).to.equal(0);
    expect((await world.kv('ada', ['set', 'cfg:1', '1'])).code).to.equal(0);
    expect((await world.kv('ada', ['list', '--read-from=stargate'])).stdout.trim().split('\n')).to.have.length(KEYS - 1);
  });

  /** A transaction that sets one key, with an index that says something else besides. */
  async function withPointers(lies: readonly [string, string, Uint8Array][]): Promise<Ran> {
    const base = await forge.base();
    const operations = [forge.set('cfg:honest', `${lies.length}`)];
    const honest = await forge.forge({ base, operations });
    const [commit] = await forge.store.read([honest.index]);
    const tree = /^tree ([0-9a-f]+)/.exec(new TextDecoder().decode(commit?.body))?.[1] as string;
    const objects: NewObject[] = [];
    const pointers = new Map<string, PointerFile>();
    for (const [key, mode, body] of lies) {
      const blob = forge.namer.object('blob', body);
      objects.push(blob);
      pointers.set(key, { mode, oid: blob.oid });
    }
    const index = await updateIndex(forge.store, forge.namer, 'main', tree, pointers, objects);
    await forge.store.write(objects);
    const trailer = (ledger: Commit): Commit => ({
      ...ledger,
      message: ledger.message.replace(/^KV-Index-Tree: .*$/m, `KV-Index-Tree: ${index}`),
    });
    return forge.send(await forge.forge({ base, operations, ledger: trailer, index: (made) => ({ ...made, tree: index }) }));
  }

  const lies: [string, [string, string, Uint8Array][]][] = [
    ['a tombstone for a key that it doesn’t touch', [['cfg:7', '100755', encodePointer(tombstone('cfg:7'))]]],
    ['a pointer for a key that isn’t there', [['ghost:x', '100644', utf8('{}')]]],
    ['another mode for a key that it doesn’t touch', [['cfg:8', '100755', utf8('{}')]]],
    ['something else for the key that it sets', [['cfg:honest', '100644', utf8('{}')]]],
  ];
  for (const [what, pointers] of lies) {
    it(`refuses a transaction whose index has ${what}`, async () => {
      const before = await world.refs();
      const ran = await withPointers(pointers);
      expect(ran.code, ran.stderr).to.not.equal(0);
      expect(rejectionIn(ran.stderr)?.code).to.equal('ATTESTATION_MISMATCH');
      expect((await world.refs()).get('refs/kv/main')).to.equal(before.get('refs/kv/main'));
    });
  }
});
