import { expect } from 'chai';
import type { GitStore } from '../../ports/git/git-store.js';
import { rejects } from './git-store-parts/bench.js';
import { type HostBench, MIRROR, plain, point } from './host-parts/bench.js';

/** Every promise of the `bundle-archive` port. */
export function bundleArchiveContract(name: string, factory: () => Promise<HostBench>): void {
  for (const format of ['sha1', 'sha256'] as const) {
    describe(`bundle-archive contract: ${name}, ${format}`, function () {
      this.timeout(30_000);
      let bench: HostBench;
      let store: GitStore;
      beforeEach(async () => {
        bench = await factory();
        await bench.host.create(plain(format));
        store = await bench.openStore();
      });
      afterEach(async () => {
        await store.close();
        await bench.dispose();
      });

      it('is empty at first', async () => {
        expect(await bench.bundles.list()).to.deep.equal([]);
        expect(await bench.bundles.has('main@one')).to.equal(false);
        await rejects(bench.bundles.refs('main@one'), 'NOT_FOUND');
      });

      it('keeps what refs reach, and brings it back', async () => {
        const refs = new Map([
          ['refs/kv-archive/main@one', await point(store, 'refs/kv-archive/main@one', 'ledger')],
          ['refs/kv-watchlog/main@one', await point(store, 'refs/kv-watchlog/main@one', 'log')],
        ]);
        const size = await bench.bundles.write('main@one', format, refs);
        expect(size).to.be.greaterThan(100);
        expect(await bench.bundles.has('main@one')).to.equal(true);
        expect(await bench.bundles.refs('main@one')).to.deep.equal(refs);
        const [kept, ...others] = await bench.bundles.list();
        expect([kept?.name, kept?.place, others]).to.deep.equal(['main@one', bench.bundles.place('main@one'), []]);
        expect(kept?.written).to.be.within(Date.now() - 60_000, Date.now() + 1000);
        const other = await factory();
        await other.host.create(plain(format, kept?.place));
        await other.host.fetchRemote(MIRROR, ['kv-archive', 'kv-watchlog']);
        const back = await other.openStore();
        expect(await back.refs(['refs/'])).to.deep.equal(refs);
        await back.close();
        await other.dispose();
      });

      it('writes the same again, and nothing over what holds something else', async () => {
        const refs = new Map([['refs/heads/a', await point(store, 'refs/heads/a', 'one')]]);
        await bench.bundles.write('x', format, refs);
        await bench.bundles.write('x', format, refs);
        const moved = new Map([['refs/heads/a', await point(store, 'refs/heads/a', 'two')]]);
        await rejects(bench.bundles.write('x', format, moved), 'CAS_CONFLICT');
        expect(await bench.bundles.refs('x')).to.deep.equal(refs);
      });

      it('keeps nothing of refs that are not where they should be', async () => {
        const was = await point(store, 'refs/heads/a', 'one');
        await point(store, 'refs/heads/a', 'two');
        await rejects(bench.bundles.write('x', format, new Map([['refs/heads/a', was]])), 'GIT_ERROR');
        await rejects(bench.bundles.write('x', format, new Map([['refs/heads/none', was]])), 'GIT_ERROR');
        expect(await bench.bundles.list()).to.deep.equal([]);
      });

      it('says that a bundle cannot be read', async () => {
        await bench.bundles.write('x', format, new Map([['refs/heads/a', await point(store, 'refs/heads/a', 'one')]]));
        await bench.cutBundle(bench.bundles.place('x'));
        await rejects(bench.bundles.refs('x'), 'GIT_ERROR');
      });

      it('takes names alone for names', async () => {
        const refs = new Map([['refs/heads/a', await point(store, 'refs/heads/a', 'one')]]);
        for (const bad of ['', '../x', 'a/b', '-x', '.x', 'a b', 'a\n']) {
          await rejects(bench.bundles.write(bad, format, refs), 'INPUT_INVALID');
          await rejects(bench.bundles.has(bad), 'INPUT_INVALID');
        }
        await rejects(bench.bundles.write('x', format, new Map([['--all', 'f'.repeat(40)]])), 'INPUT_INVALID');
      });
    });
  }
}
