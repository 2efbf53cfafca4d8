import { expect } from 'chai';
import { readTree, type TreeEntry } from '../../domain/git/tree/tree.js';
import type { Oid } from '../../ports/vocabulary.js';
import { rejectionIn } from '../support/failure.js';
import { MemoryForge } from '../support/memory/forge.js';
import { MemoryGateway } from '../support/memory/gateway.js';
import type { Forged } from './forger.js';

/** What a transaction brings: each of it is named by something else that comes with it. */
const PARTS: Readonly<Record<string, RegExp>> = {
  'a value': /\/data\/..\/..\/cfg:hole$/,
  'its metadata': /\/meta\/..\/..\/cfg:hole\.meta$/,
  'its pointer in the index': /\/index\/.*\/cfg:hole\.ref$/,
  'a directory of the ledger': /\/data\/..$/,
  'a directory of the index': /\/index\/cf$/,
};

/** A gateway has to see holes by itself where git, which reads the pack, sees none: below trees that were there before. */
for (const mode of ['full', 'sampled'] as const) {
  describe(`pushes with a hole, verify: ${mode}`, () => {
    let gateway: MemoryGateway;
    let forge: MemoryForge;
    before(async () => {
      gateway = await MemoryGateway.start({
        format: 'sha1',
        policy: (text) => text.replace(/^( +)retention:/m, `$1verify: { mode: ${mode}, sample_size: 1 }\n$&`),
      });
      forge = new MemoryForge(gateway, 'ada');
      expect((await forge.send(await forge.forge(), { first: true })).code).to.equal(0);
    });
    after(async () => {
      await forge.close();
      await gateway.close();
    });

    async function entriesOf(tree: Oid): Promise<TreeEntry[]> {
      const [object] = await forge.store.read([tree]);
      return readTree(object?.body ?? new Uint8Array(), 20);
    }

    /** The object at a path of what was forged. */
    async function partOf({ ledger, index }: Forged, path: RegExp): Promise<Oid> {
      for (const commit of [ledger, index]) {
        const open: [string, Oid][] = [['', (await forge.opened(commit)).tree]];
        for (let next = open.pop(); next !== undefined; next = open.pop()) {
          const [at, tree] = next;
          for (const { name, oid, mode: kind } of await entriesOf(tree)) {
            if (path.test(`${at}/${name}`)) return oid;
            if (kind === '40000') open.push([`${at}/${name}`, oid]);
          }
        }
      }
      throw new Error(`nothing at ${path}`);
    }

    for (const [what, path] of Object.entries(PARTS)) {
      it(`are refused without ${what}`, async () => {
        const forged = await forge.forge({
          operations: [forge.set('cfg:hole', `${what} ${mode}`), forge.set('cfg:other', what), forge.set('cfg:third', what)],
        });
        const hole = await partOf(forged, path);
        forge.withheld = (oid) => oid === hole;
        const before = await gateway.refs();
        const ran = await forge.send(forged);
        forge.withheld = () => false;
        expect(rejectionIn(ran.stderr)?.code, ran.stderr).to.be.oneOf(['ATTESTATION_MISMATCH', 'GIT_ERROR']);
        expect(await gateway.refs()).to.deep.equal(before);
      });
    }
  });
}
