import { expect } from 'chai';
import { newEpoch } from '../../../../../domain/client/epochs/new-epoch.js';
import { readKey } from '../../../../../domain/client/read/read.js';
import { write } from '../../../../../domain/client/write/write.js';
import type { SyncReport } from '../../../../../domain/admin/sync.js';
import type { Oid, RefName } from '../../../../../ports/vocabulary.js';
import { rejects } from '../../../../contracts/git-store-parts/bench.js';
import { type MemoryClient, openMemoryClient } from '../../../../support/memory/client.js';
import { type MemoryBackup, MemoryGateway } from '../../../../support/memory/gateway.js';

const LEDGER = 'refs/kv/main';

for (const format of ['sha1', 'sha256'] as const) {
  describe(`a gateway and its mirror that differ (${format})`, () => {
    let gateway: MemoryGateway;
    const clients: MemoryClient[] = [];
    const clientOf = async (person = 'ada'): Promise<MemoryClient> => {
      const opened = await openMemoryClient(gateway, person);
      clients.push(opened);
      return opened;
    };
    const set = ({ clone }: MemoryClient, key: string, text = key): Promise<unknown> =>
      write(clone, { ns: 'main', operations: [{ op: 'set', key, value: Buffer.from(text) }] });
    const begin = async (): Promise<MemoryClient> => {
      gateway = await MemoryGateway.start({ format, writers: ['ada', 'bob'] });
      return clientOf();
    };
    /** Ends the gateway and begins again from a backup. */
    const restore = async (restored: MemoryBackup, writers = ['ada', 'bob']): Promise<void> => {
      await gateway.close();
      gateway = await MemoryGateway.start({ format, writers, restored });
    };
    const ofMirror = (): Map<RefName, Oid> => new Map(gateway.mirror.refs);
    /** Both sides show the same; the Stargate's own copy of the watermark follows after the next push. */
    const same = async (): Promise<void> => {
      const report = await gateway.sync({});
      expect([report.refs, report.left]).to.deep.equal([[], []]);
    };
    const states = ({ refs }: SyncReport): Record<string, string> =>
      Object.fromEntries(refs.map(({ ref, state, action }) => [ref, `${state} ${action}`]));
    afterEach(async () => {
      for (const each of clients.splice(0)) await each.close();
      await gateway.close();
    });

    it('restored from an older backup, it sees what it lacks, refuses writes at once, and takes it over', async () => {
      const ada = await begin();
      await set(ada, 'first');
      await gateway.mirrored();
      const backup = await gateway.backup();
      await set(ada, 'second');
      await newEpoch(ada.clone, 'main', 'next');
      await set(ada, 'third');
      await gateway.mirrored();
      const newest = await gateway.refs();
      await restore(backup);

      // Whoever knows the newest state, and whoever builds on what the Stargate has.
      const bob = await clientOf('bob');
      await readKey(bob.clone, { ns: 'main', key: 'first', readFrom: 'stargate', offline: false, allowExpired: false });
      for (const client of [bob, ada]) {
        const error = await rejects(set(client, 'fourth'), 'BEHIND_MIRROR');
        expect(error.advice).to.deep.equal({ id: 'adopt-mirror', ns: 'main' });
        expect(error.details).to.include({ here: backup.refs.get(LEDGER), there: newest.get(LEDGER) });
      }
      expect([...gateway.status.behind.keys()]).to.deep.equal(['main']);
      expect((await gateway.refs()).get(LEDGER)).to.equal(backup.refs.get(LEDGER));

      const audit = await gateway.sync({});
      expect(audit.namespaces).to.deep.equal([
        { ns: 'main', here: backup.refs.get(LEDGER), there: newest.get(LEDGER), transactions: 3, fault: null },
      ]);
      expect(audit.left).to.have.length(1);
      expect(audit.left[0]).to.contain(backup.refs.get(LEDGER)).and.to.contain(newest.get(LEDGER));
      // Repairing must not lose it, nor a dry run do it.
      expect(Object.values(states(await gateway.sync({ mode: 'repair' })))).to.not.include('newer overwrite');
      await gateway.sync({ mode: 'adopt', dryRun: true });
      expect(ofMirror()).to.deep.equal(new Map([...newest, ['refs/kv-mirror/main', newest.get(LEDGER)]]));
      expect((await gateway.refs()).get(LEDGER)).to.equal(backup.refs.get(LEDGER));

      const adopted = await gateway.sync({ mode: 'adopt' });
      expect(adopted.left).to.deep.equal([]);
      const intents = (await gateway.journal()).filter(({ kind }) => kind === 'intent' || kind === 'done');
      expect(intents.length % 2, 'each move has its outcome').to.equal(0);
      expect(intents.flatMap((one) => (one.kind === 'intent' ? one.updates.map(({ ref }) => ref) : []))).to.include(LEDGER);
      expect(gateway.status.behind.size).to.equal(0);
      await set(ada, 'fourth');
      await set(bob, 'fifth');
      await gateway.mirrored();
      await same();
      const here = await gateway.refs();
      expect([...here.keys()].filter((ref) => ref.includes('stage'))).to.deep.equal([]);
      for (const ref of newest.keys()) expect(here.has(ref), ref).to.equal(true);
      for (const key of ['second', 'third', 'fifth']) {
        const got = await readKey(bob.clone, { ns: 'main', key, readFrom: 'mirror', offline: false, allowExpired: false });
        expect(got, key).to.not.equal(null);
      }
    });

    it('where both have gone on, nothing is taken over or overwritten, and both tips are named; an admin may force it', async () => {
      const ada = await begin();
      await set(ada, 'first');
      await gateway.mirrored();
      const backup = await gateway.backup();
      await set(ada, 'at the mirror');
      await gateway.mirrored();
      const theirs = ofMirror();
      const { mirror } = gateway;
      mirror.away = true;
      await restore(backup);
      const bob = await clientOf('bob');
      await readKey(bob.clone, { ns: 'main', key: 'first', readFrom: 'stargate', offline: false, allowExpired: false });
      await set(bob, 'here'); // the mirror can't be reached, so nobody knows better
      mirror.away = false;
      await gateway.look();
      const ours = (await gateway.refs()).get(LEDGER);

      expect(gateway.status.behind.size).to.equal(0);
      const reader = await clientOf('ada');
      await readKey(reader.clone, { ns: 'main', key: 'first', readFrom: 'mirror', offline: false, allowExpired: false });
      const error = await rejects(set(reader, 'more'), 'SYNC_REFUSED');
      expect(error.message).to.contain(ours).and.to.contain(theirs.get(LEDGER));
      for (const mode of ['repair', 'adopt'] as const) {
        const report = await gateway.sync({ mode });
        expect(report.left.join()).to.contain(`namespace main: here ${ours}, there ${theirs.get(LEDGER)}`);
        expect(ofMirror().get(LEDGER)).to.equal(theirs.get(LEDGER));
        expect((await gateway.refs()).get(LEDGER)).to.equal(ours);
      }

      const kept = new Map<string, ReadonlyMap<RefName, Oid>>();
      const report = await gateway.sync({ mode: 'force' }, kept);
      expect(report.left).to.deep.equal([]);
      expect(states(report)[LEDGER]).to.equal('apart overwrite');
      expect([...kept.values()].flatMap((refs) => [...refs.values()])).to.include(theirs.get(LEDGER));
      expect(report.bundle).to.equal(`/archives/${[...kept.keys()][0]}`);
      expect(ofMirror().get(LEDGER)).to.equal(ours);
      await gateway.mirrored();
      await same();
    });

    it('what no Stargate has accepted is not ahead: it is named, and writes go on', async () => {
      const ada = await begin();
      await set(ada, 'first');
      await gateway.mirrored();
      const backup = await gateway.backup();
      await set(ada, 'second');
      await gateway.mirrored();
      // Signed as it must be, but in no watchlog.
      for (const ref of [...gateway.mirror.refs.keys()].filter((each) => each.startsWith('refs/kv-watchlog/')))
        gateway.mirror.refs.set(ref, backup.refs.get(ref) as Oid);
      await restore(backup);
      await gateway.look();
      expect(gateway.status.behind.size).to.equal(0);
      const { namespaces, left } = await gateway.sync({ mode: 'adopt' });
      expect(namespaces[0]?.fault).to.match(/watchlog.* does not tell of/);
      expect(left.join()).to.contain(backup.refs.get(LEDGER));
      expect((await gateway.refs()).get(LEDGER)).to.equal(backup.refs.get(LEDGER));
      // It goes on from here and yet is not to be taken over, which is said of the ref too; an admin puts the mirror back.
      const audit = states(await gateway.sync({}));
      expect([audit[LEDGER], audit['refs/kv-index/main']]).to.deep.equal(['unsound none', 'unsound none']);
      expect(Object.values(states(await gateway.sync({ mode: 'repair' })))).to.not.include('unsound overwrite');
      const forced = await gateway.sync({ mode: 'force' });
      expect([states(forced)[LEDGER], forced.left]).to.deep.equal(['unsound overwrite', []]);
      expect(ofMirror().get(LEDGER)).to.equal(backup.refs.get(LEDGER));
    });

    it('a commit that somebody has put on one ref alone is unsound; of the published policy, what adopting does is said', async () => {
      const ada = await begin();
      await set(ada, 'first');
      await gateway.mirrored();
      const older = (await gateway.refs()).get('refs/kv-index/main') as Oid;
      await set(ada, 'second');
      await gateway.mirrored();
      const tip = (await gateway.refs()).get('refs/kv-index/main') as Oid;
      await gateway.store.updateRefs([{ ref: 'refs/kv-index/main', old: tip, next: older }], 'test');
      gateway.mirror.refs.set('refs/kv-policy/current', tip);
      const report = await gateway.sync({ mode: 'repair' });
      expect(states(report)).to.deep.equal({ 'refs/kv-index/main': 'unsound none', 'refs/kv-policy/current': 'apart none' });
      expect(report.left[0]).to.match(/^refs\/kv-index\/main: here \w+, there \w+: the mirror goes on from here with what no/);
      expect(report.left[1]).to.match(/^refs\/kv-policy\/current: .*: both have published policies; taken over, the mirror's/);
    });

    it('what a writer has signed whom the policy no longer knows holds writes up, and says who is missing', async () => {
      const ada = await begin();
      await set(ada, 'first');
      await gateway.mirrored();
      const backup = await gateway.backup();
      await set(await clientOf('bob'), 'of bob');
      await gateway.mirrored();
      await restore(backup, ['ada']);
      await rejects(set(ada, 'second'), 'BEHIND_MIRROR');
      const { left } = await gateway.sync({ mode: 'adopt' });
      expect(left.join()).to.match(/signed by SHA256:.* is no writer/);
      expect((await gateway.refs()).get(LEDGER)).to.equal(backup.refs.get(LEDGER));
      await restore(backup);
      await gateway.look();
      expect(gateway.status.behind.get('main')).to.contain('ahead of this Stargate by 1 transaction: ');
      expect((await gateway.sync({ mode: 'adopt' })).left).to.deep.equal([]);
      await set(ada, 'second');
    });

    it('what the mirror lacks is pushed, what only it has is deleted when that is asked for', async () => {
      const ada = await begin();
      await set(ada, 'first');
      await gateway.mirrored();
      const tip = gateway.mirror.refs.get(LEDGER) as Oid;
      gateway.mirror.refs.delete('refs/kv-epoch/main');
      gateway.mirror.refs.set('refs/heads/theirs', tip);
      expect(states(await gateway.sync({}))).to.deep.equal({
        'refs/kv-epoch/main': 'missing none',
        'refs/heads/theirs': 'extra none',
      });
      expect(states(await gateway.sync({ ns: 'main', mode: 'repair' }))).to.deep.equal({ 'refs/kv-epoch/main': 'missing push' });
      expect(ofMirror().has('refs/kv-epoch/main')).to.equal(true);
      await gateway.sync({ mode: 'force' });
      expect(ofMirror().has('refs/heads/theirs')).to.equal(true);
      await gateway.sync({ mode: 'hard' });
      expect(ofMirror().has('refs/heads/theirs')).to.equal(false);
      await same();
    });

    it('a namespace that only the mirror has is not said to have gone apart', async () => {
      await set(await begin(), 'first');
      await gateway.mirrored();
      gateway.mirror.refs.set('refs/kv/theirs', gateway.mirror.refs.get(LEDGER) as Oid);
      const { namespaces } = await gateway.sync({});
      expect(namespaces.map(({ ns, fault }) => [ns, fault])).to.deep.equal([['theirs', 'only the mirror has it, and not whole']]);
    });

    it('a branch that went on at the mirror is taken over with the rest, and one that went apart is left', async () => {
      const ada = await begin();
      await set(ada, 'first');
      const old = (await gateway.refs()).get(LEDGER) as Oid;
      await set(ada, 'second');
      await gateway.mirrored();
      const tip = (await gateway.refs()).get(LEDGER) as Oid;
      const index = (await gateway.refs()).get('refs/kv-index/main') as Oid;
      const branches = { 'refs/heads/on': old, 'refs/heads/apart': index };
      await gateway.store.updateRefs(
        Object.entries(branches).map(([ref, next]) => ({ ref, old: null, next })),
        'test',
      );
      for (const ref of ['refs/heads/on', 'refs/heads/apart', 'refs/heads/new']) gateway.mirror.refs.set(ref, tip);
      const report = await gateway.sync({ mode: 'adopt' });
      const { [`refs/heads/on`]: on, [`refs/heads/apart`]: apart, [`refs/heads/new`]: fresh } = states(report);
      expect([on, apart, fresh]).to.deep.equal(['newer adopt', 'apart none', 'extra adopt']);
      const here = await gateway.refs();
      expect(['on', 'apart', 'new'].map((name) => here.get(`refs/heads/${name}`))).to.deep.equal([tip, index, tip]);
      expect(report.left).to.deep.equal([`refs/heads/apart: here ${index}, there ${tip}: neither leads to the other`]);
    });

    it('a namespace that neither has is not found', async () => {
      await begin();
      await rejects(gateway.sync({ ns: 'nowhere' }), 'NOT_FOUND');
    });
  });
}
