import { expect } from 'chai';
import type { Ran } from '../../support/programs/processes.js';
import { World } from '../../support/worlds/world.js';
import { formatsOfSession } from '../../support/needs/thorough.js';

const READS = 24;
const WRITES = 6;
/** The race is the same whatever the hash: with SHA-256 it is run once. */
const ROUNDS = { sha1: 2, sha256: 1 } as const;

for (const hash of formatsOfSession('sha256')) {
  describe(`commands side by side in one clone (${hash})`, () => {
    let world: World;
    before(async () => {
      world = await World.create({ hash, writers: ['ada', 'bob'] });
      for (const person of ['ada', 'bob']) await world.clone(person);
      await world.kv('ada', ['set', 'shared', '0', '--wait']);
    });
    after(() => world?.close());

    const times = (count: number, command: (i: number) => Promise<Ran>): Promise<Ran[]> =>
      Promise.all(Array.from({ length: count }, (_, i) => command(i)));
    const failed = (ran: readonly Ran[]): string[] => ran.filter(({ code }) => code !== 0).map(({ stderr }) => stderr);

    it('reads, each of which finds the same new refs to fetch', async () => {
      for (let round = 1; round <= ROUNDS[hash]; round++) {
        const written = await world.kv('ada', ['set', 'shared', String(round), '--wait']);
        expect(written.code, written.stderr).to.equal(0);
        const reads = await times(READS, () => world.kv('bob', ['get', 'shared']));
        expect(failed(reads)).to.deep.equal([]);
        expect(new Set(reads.map(({ stdout }) => stdout))).to.deep.equal(new Set([String(round)]));
      }
    });

    it('writes of different keys, and reads of both sides between them', async () => {
      for (let round = 1; round <= ROUNDS[hash]; round++) {
        const all = await Promise.all([
          times(WRITES, (i) => world.kv('bob', ['set', `k:${i}`, `${round}`])),
          times(READS / 3, (i) => world.kv('bob', ['get', 'shared', `--read-from=${i % 2 === 0 ? 'stargate' : 'mirror'}`])),
          times(1, () => world.kv('ada', ['set', 'shared', `and ${round}`])),
        ]);
        expect(failed(all.flat())).to.deep.equal([]);
        for (let i = 0; i < WRITES; i++) {
          const read = await world.kv('bob', ['get', `k:${i}`, '--offline']);
          expect(read.stdout, `k:${i} as this clone knows it`).to.equal(String(round));
        }
      }
    });
  });
}
