import { expect } from 'chai';
import type { FetchRequest } from '../../../ports/git/git-remote.js';
import { rejects } from '../git-store-parts/bench.js';
import { create, fill, INDEX, MAIN, refsOf, request, type Suite } from './bench.js';

const CHUNKS = 'refs/kv-chunks/main@v1';

/** What fetching promises, by refs and by ids. */
export function fetchContract({ states, everything, unknown, at, bench, remote }: Suite): void {
  describe('fetch', () => {
    it('brings the refs asked for, from each side, with what they reach', async () => {
      await fill(bench().mirror, everything, { [MAIN]: at(1), [INDEX]: at(0), 'refs/kv/main2': at(2) });
      await fill(bench().writeSide, everything, { [MAIN]: at(2) });
      await remote().fetch('origin', 'read', []);
      await remote().fetch('origin', 'read', [request(MAIN), request(INDEX)]);
      expect(await refsOf(bench().clone)).to.deep.equal({ 'refs/t/kv/main': at(1), 'refs/t/kv-index/main': at(0) });
      const reached = states.slice(0, 2).flatMap(({ objects }) => objects.map(({ oid }) => oid));
      expect(await bench().clone.read(reached)).not.to.include(null);
      expect(await bench().clone.read([at(2)]), 'not asked for').to.deep.equal([null]);
      await remote().fetch('origin', 'write', [request(MAIN)]);
      expect(await refsOf(bench().clone)).to.deep.equal({ 'refs/t/kv/main': at(2), 'refs/t/kv-index/main': at(0) });
      await remote().fetch('origin', 'read', [request(MAIN)]);
      expect((await refsOf(bench().clone))['refs/t/kv/main'], 'back to where the other side is').to.equal(at(1));
    });

    for (const seldom of [false, true]) {
      it(`deletes the local ref of one that is not there${seldom ? ', also of one that seldom is' : ''}, as often as it comes and goes`, async () => {
        await fill(bench().mirror, everything, { [MAIN]: at(0) });
        const chunks: FetchRequest = seldom ? { ...request(CHUNKS), seldom } : request(CHUNKS);
        const here = { 'refs/t/kv/main': at(0) };
        for (let times = 0; times < 2; times++) {
          await remote().fetch('origin', 'read', [request(MAIN), chunks]);
          expect(await refsOf(bench().clone)).to.deep.equal(here);
          await bench().mirror.updateRefs([create(CHUNKS, at(1))], 'test');
          await remote().fetch('origin', 'read', [request(MAIN), chunks]);
          expect(await refsOf(bench().clone)).to.deep.equal({ ...here, [chunks.localRef]: at(1) });
          await bench().mirror.updateRefs([{ ref: CHUNKS, old: at(1), next: null }], 'test');
        }
        await remote().fetch('origin', 'read', [request(MAIN), chunks]);
        expect(await refsOf(bench().clone)).to.deep.equal(here);
      });
    }

    it('is no error when none of the refs is there', async () => {
      await fill(bench().clone, everything, { 'refs/t/kv/main': at(0), 'refs/heads/mine': at(0) });
      await remote().fetch('origin', 'read', [request(MAIN)]);
      expect(await refsOf(bench().clone)).to.deep.equal({ 'refs/heads/mine': at(0) });
    });

    it('by ids brings objects and what they reach, under no ref', async () => {
      await fill(bench().mirror, everything, { [MAIN]: at(2) });
      const [first, second] = states;
      await remote().fetchObjects('origin', 'read', []);
      await remote().fetchObjects('origin', 'read', [first.blob, second.tree]);
      expect(await bench().clone.read([first.blob, second.tree, second.blob])).not.to.include(null);
      expect(await bench().clone.read([second.commit])).to.deep.equal([null]);
      expect(await refsOf(bench().clone)).to.deep.equal({});
    });

    it('by ids is NOT_FOUND when the other side has not got all of them', async () => {
      await fill(bench().mirror, everything, { [MAIN]: at(0) });
      const [first] = states;
      await rejects(remote().fetchObjects('origin', 'read', [unknown]), 'NOT_FOUND');
      await rejects(remote().fetchObjects('origin', 'read', [first.blob, unknown]), 'NOT_FOUND');
    });
  });
}
