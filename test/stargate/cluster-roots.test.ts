import { expect } from 'chai';
import { openMemoryPeers } from '../../adapters/peer-memory/open.js';
import { toKvError } from '../../ports/error.js';
import { idOf, MemoryRoots } from '../support/memory/roots.js';
import { until } from '../support/until.js';

describe('roots of a cluster, in memory', function () {
  this.timeout(60_000);
  let roots: MemoryRoots;
  afterEach(() => roots.stop());

  it('have one lock, under which each repository has a history of its own, opened on the others by what its leader says', async () => {
    roots = new MemoryRoots(['one', 'two', 'three']);
    roots.make('ada/a', 'ada/b', 'ada/c');
    for (const server of roots.servers) await server.start();
    const leader = await roots.leader();
    for (const name of ['ada/a', 'ada/b'])
      for (const content of ['first', 'second'])
        expect((await leader.write(name, 'main', content)).outcome, name).to.equal('accepted');
    for (const name of ['ada/a', 'ada/b']) await roots.level(name);
    expect(roots.leases).to.equal(1);
    for (const { repositories } of roots.servers)
      expect([...(repositories?.open.keys() ?? [])].sort()).to.deep.equal(['ada/a', 'ada/b']);
    const other = roots.servers.find((server) => server !== leader);
    expect(await other?.write('ada/c', 'main', 'x')).to.include({ outcome: 'refused', because: 'not-leader' });
    expect(await other?.cluster?.leader()).to.equal(leader.name);
  });

  it('lose their leader, and all that was accepted is led by the next, what was closed too', async () => {
    roots = new MemoryRoots(['one', 'two', 'three']);
    roots.make('ada/a', 'ada/b');
    for (const server of roots.servers) await server.start({ idle: 50 });
    const first = await roots.leader();
    for (const name of ['ada/a', 'ada/b']) expect((await first.write(name, 'main', 'before')).outcome).to.equal('accepted');
    await roots.level('ada/a');
    await until('they are closed', () => roots.servers.every(({ repositories }) => repositories?.open.size === 0));
    await first.stop();
    const second = await roots.leader();
    for (const name of ['ada/a', 'ada/b']) expect((await second.write(name, 'main', 'after')).outcome).to.equal('accepted');
    await first.start({ idle: 50 });
    await first.cluster?.sweep();
    for (const name of ['ada/a', 'ada/b']) await roots.level(name);
  });

  it('close what nobody uses, and go on with it under the same lock: no attempt of a term is made twice', async () => {
    roots = new MemoryRoots(['one', 'two', 'three']);
    roots.make('ada/a');
    for (const server of roots.servers) await server.start({ idle: 20 });
    const leader = await roots.leader();
    const attempts: number[] = [];
    for (const content of ['first', 'second', 'third']) {
      expect((await leader.write('ada/a', 'main', content)).outcome).to.equal('accepted');
      attempts.push(leader.attempt);
      await until('it is closed', () => leader.repositories?.open.size === 0);
    }
    expect(attempts).to.deep.equal([1, 2, 3]);
    expect(roots.leases).to.equal(1);
    await roots.level('ada/a');
  });

  it('an attempt that no majority has seen stays without effect, though the repository is led again in the same term', async () => {
    roots = new MemoryRoots(['one', 'two', 'three']);
    roots.make('ada/a');
    for (const server of roots.servers) await server.start({ idle: 20 });
    const leader = await roots.leader();
    expect((await leader.write('ada/a', 'main', 'first')).outcome).to.equal('accepted');
    await roots.level('ada/a');
    const before = await leader.refs('ada/a');
    roots.peers.weather = (from, _to, { body }) =>
      from === leader.name && Buffer.from(body).includes('"kind":"prepare"') ? 'lost' : 0;
    expect(await leader.write('ada/a', 'main', 'lost')).to.include({ outcome: 'refused', because: 'no-quorum' });
    await until('it is closed', () => leader.repositories?.open.size === 0);
    roots.peers.weather = () => 0;
    expect((await leader.write('ada/a', 'other', 'second')).outcome).to.equal('accepted');
    await roots.level('ada/a');
    const [main] = (await leader.refs('ada/a')).split('\n');
    expect(main).to.equal(before);
    expect(leader.attempt).to.equal(3);
  });

  it('leave their lock to another when a majority hears nothing of who holds it', async () => {
    roots = new MemoryRoots(['one', 'two', 'three']);
    roots.make('ada/a');
    for (const server of roots.servers) await server.start();
    const leader = await roots.leader();
    expect((await leader.write('ada/a', 'main', 'first')).outcome).to.equal('accepted');
    await roots.level('ada/a');
    roots.peers.weather = (from, to) => ([from, to].includes(leader.name) ? 'lost' : 0);
    expect(await leader.write('ada/a', 'main', 'unheard')).to.include({ outcome: 'refused', because: 'no-quorum' });
    const heir = () => roots.servers.find((server) => server !== leader && server.cluster?.candidacy.term != null);
    await until('another leads', () => heir() !== undefined);
    expect((await heir()?.write('ada/a', 'main', 'second'))?.outcome).to.equal('accepted');
    roots.peers.weather = () => 0;
    await roots.level('ada/a');
  });

  it('a repository that a server did not have at first, and one of the same name that is another', async () => {
    roots = new MemoryRoots(['one', 'two', 'three']);
    const [one, two, three] = roots.servers as [MemoryRoots['servers'][0], MemoryRoots['servers'][0], MemoryRoots['servers'][0]];
    one.make('ada/a');
    two.make('ada/a');
    three.make('ada/a', { id: 'f'.repeat(32) });
    for (const server of roots.servers) await server.start();
    await until('one of those leads that have it', async () => {
      const leader = await roots.leader();
      if (leader === three) leader.cluster?.candidacy.release();
      return leader !== three && leader.cluster?.candidacy.term !== null;
    });
    const leader = await roots.leader();
    expect((await leader.write('ada/a', 'main', 'x')).outcome).to.equal('accepted');
    expect(three.repositories?.open.size).to.equal(0);
    expect(await three.refs('ada/a')).to.equal('');
    three.disks.delete('ada/a');
    three.make('ada/a', { joining: true });
    await roots.level('ada/a');
  });

  it('are asked for by their exact names and ids, and opened for nothing else', async () => {
    roots = new MemoryRoots(['one', 'two']);
    roots.make('ada/a');
    for (const server of roots.servers) await server.start();
    const asks = openMemoryPeers({ place: roots.peers, self: 'three', timeoutMs: 500 });
    const id = idOf('ada/a');
    for (const topic of ['replica', 'objects', 'snapshot', 'control', 'forward', 'head'])
      for (const name of [
        ...['ada/a', `ada/a@${id.toUpperCase()}`, `ada/a@${id}0`, `Ada/a@${id}`, `../a@${id}`, `ada/a/b@${id}`],
        ...[`ada/none@${id}`, `@${id}`, `git/a@${id}`, `ada/a@${'f'.repeat(32)}`, `ada/a@@${id}`],
      ]) {
        const asked = asks
          .call('one', { topic, repository: name, body: Buffer.from('{}') })
          .then(({ body }) => Buffer.from(body).toString());
        const answer = await asked.catch((error: unknown) => toKvError(error).code);
        expect(['NOT_FOUND', '{"recorded":null}'], `${topic} of ${name}`).to.include(answer);
      }
    expect(roots.openings).to.equal(0);
    await asks.close();
  });

  it('a thousand of them take one lease and as many places as may be open', async () => {
    roots = new MemoryRoots(['one', 'two']);
    const names = Array.from({ length: 1000 }, (_, at) => `ada/r${at}`);
    roots.make(...names);
    for (const server of roots.servers) await server.start({ most: 4, idle: 30 });
    const leader = await roots.leader();
    for (const name of names.slice(0, 24)) expect((await leader.write(name, 'main', name)).outcome, name).to.equal('accepted');
    for (const { repositories } of roots.servers) expect(repositories?.open.size).to.be.lessThan(5);
    await until('all are closed', () => roots.servers.every(({ repositories }) => repositories?.open.size === 0));
    const { openings } = roots;
    for (const { cluster } of roots.servers) await cluster?.sweep();
    expect([roots.openings, roots.leases]).to.deep.equal([openings, 1]);
  });
});
