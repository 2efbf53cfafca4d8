import { expect } from 'chai';
import { fixedChunker } from '../../../adapters/chunker-fixed/open.js';
import type { Clone } from '../../../domain/client/clone/clone.js';
import type { Finding } from '../../../domain/client/verify/findings.js';
import { verifyClone } from '../../../domain/client/verify/verify.js';
import { write } from '../../../domain/client/write/write.js';
import { utf8 } from '../../../domain/git/bytes.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { all } from '../../support/all.js';
import { FORMATS } from '../../support/memory/memory.js';
import { type MemoryClient, openMemoryPlace } from '../../support/memory/client.js';

/** By which number each transaction's id is made. */
const IDS = [1, 2, 1, 3, 1, 1];

for (const format of FORMATS) {
  describe(`a ledger in which ids were used again, as a Stargate once took it (${format})`, () => {
    let place: MemoryClient;
    before(async () => {
      place = await openMemoryPlace(format, 'wendy');
      for (const [i, id] of IDS.entries()) await put(id, i);
    });
    after(() => place.close());

    /** Every other one is large, and brings chunks. */
    const put = (id: number, i: number): Promise<unknown> => {
      const clone: Clone = {
        ...place.clone,
        clock: { now: () => Date.UTC(2026, 0), sleep: (ms) => place.clone.clock.sleep(ms) },
        forWriting: async () => ({
          ...(await place.clone.forWriting()),
          randomness: { bytes: (count) => new Uint8Array(count).fill(id) },
          chunkerFor: async () => fixedChunker(4096),
        }),
      };
      const value = i % 2 === 0 ? new Uint8Array(15_000).map((_, at) => (at * (i + 7)) >> 3) : utf8(`${i}`);
      const operations = [{ op: 'set', key: `k${i % 3}`, value, ctype: 'text/plain' } as const];
      return write(clone, { ns: 'main', operations, maxInline: 8192 });
    };
    const lineOf = async (ref: RefName): Promise<Oid[]> => {
      const tip = (await place.clone.store.refs([ref])).get(ref) ?? '';
      return (await all(place.clone.store.history({ tip }))).reverse();
    };
    const verify = async (full: boolean, missing?: Oid): Promise<readonly Finding[]> => {
      const { store } = place.clone;
      const read: GitStore['read'] = async (oids) =>
        (await store.read(oids)).map((object) => (object?.oid === missing ? null : object));
      const clone = { ...place.clone, store: Object.assign(Object.create(store) as GitStore, { read }) };
      return (await verifyClone(clone, place.verifier, { ns: 'main', full })).faults;
    };

    for (const full of [false, true])
      it(`is told from a sound one by what it is, and by nothing else (${full ? 'full' : 'quick'})`, async () => {
        const ledger = await lineOf('refs/kv/main');
        const faults = await verify(full);
        expect(faults.map(({ code, commit }) => [code, commit])).to.deep.equal(
          [2, 4, 5].map((i) => ['TRANSACTION_REUSED', ledger[i]]),
        );
        expect(faults[0]?.what).to.contain(`which commit ${ledger[0]} has`);
      });

    it('a commit that is missing makes no other transaction look wrong', async () => {
      for (const ref of ['refs/kv-index/main', 'refs/kv/main', `refs/kv-chunks/main@2026Q1`]) {
        const line = await lineOf(ref);
        for (const oid of line.slice(0, -1)) {
          const faults = (await verify(false, oid)).filter(({ code }) => code !== 'TRANSACTION_REUSED');
          const wrong = faults.filter(({ what }) => /Tree is|parent is|KV-Txn of/.test(what));
          expect(
            wrong.map(({ what }) => what),
            `${ref} without ${oid}`,
          ).to.deep.equal([]);
          expect(faults.some(({ what }) => what.includes(oid))).to.equal(true);
        }
      }
    });
  });
}
