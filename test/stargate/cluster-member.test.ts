import { expect } from 'chai';
import { Random } from '../simulation/random.js';
import { MemoryCluster, type MemoryServer } from '../support/memory/cluster.js';
import { until } from '../support/until.js';

describe('servers of a cluster, in memory', function () {
  this.timeout(60_000);
  let cluster: MemoryCluster;
  afterEach(async () => {
    await cluster.stop();
  });

  it('decide writes one after another, which all of them show then, with their objects', async () => {
    cluster = await MemoryCluster.start('one', 'two', 'three');
    const answers = await Promise.all(Array.from({ length: 10 }, (_, at) => cluster.write(`b${at}`, `content ${at}`)));
    expect(answers.map(({ outcome }) => outcome)).to.deep.equal(Array(10).fill('accepted'));
    expect(await cluster.write('b1', 'newer')).to.deep.equal({ outcome: 'accepted', sequence: 11 });
    await cluster.level();
    for (const { store } of cluster.servers) {
      const tips = [...(await store.refs(['refs/heads/'])).values()];
      expect(tips).to.have.length(11);
      for (const tip of tips) expect((await store.readPaths(tip, ['file']))[0]).to.not.equal(null);
    }
  });

  it('take what is too large for a pack in memory by the exchange of objects, and a crowd of entries beside it', async () => {
    cluster = await MemoryCluster.start('one', 'two', 'three');
    const large = 'x'.repeat(3 * 1024 * 1024);
    const contents = ['a', large, 'b', 'c', 'd', 'e'];
    const answers = await Promise.all(contents.map((content, at) => cluster.write(`l${at}`, content)));
    expect(answers.map(({ outcome }) => outcome)).to.deep.equal(contents.map(() => 'accepted'));
    await cluster.level();
    for (const { store } of cluster.servers)
      for (const [at, content] of contents.entries()) {
        const tip = (await store.refs([`refs/heads/l${at}`])).get(`refs/heads/l${at}`) ?? '';
        expect((await store.readPaths(tip, ['file']))[0]?.body.length).to.equal(content.length);
      }
  });

  it('lose nothing with their leader, and take writes again under another; the lost one comes level', async () => {
    cluster = await MemoryCluster.start('one', 'two', 'three');
    expect((await cluster.write('a', 'before')).outcome).to.equal('accepted');
    const first = await cluster.leader();
    await first.stop();
    const second = await cluster.leader();
    expect(second).to.not.equal(first);
    expect(await second.refs()).to.include('refs/heads/a');
    expect((await cluster.write('a', 'after')).outcome).to.equal('accepted');
    await first.start();
    await cluster.level();
    expect((await cluster.write('a', 'and again')).outcome).to.equal('accepted');
    await cluster.level();
  });

  it('accept nothing without a majority, and nothing is left of it', async () => {
    cluster = await MemoryCluster.start('one', 'two', 'three');
    const leader = await cluster.leader();
    const others = cluster.servers.filter((server) => server !== leader);
    for (const other of others) await other.stop();
    const answer = await cluster.write('a', 'alone', leader);
    expect(answer).to.include({ outcome: 'refused', because: 'no-quorum' });
    expect(await leader.refs()).to.not.include('refs/heads/a');
    for (const other of others) await other.start();
    expect((await cluster.write('a', 'together')).outcome).to.equal('accepted');
    await cluster.level();
  });

  it('are led by another when a majority hears nothing of their leader, who still holds the lock', async () => {
    cluster = await MemoryCluster.start('one', 'two', 'three');
    const leader = await cluster.leader();
    expect((await cluster.write('a', 'before')).outcome).to.equal('accepted');
    cluster.peers.weather = (from, to) => ([from, to].includes(leader.name) ? 'lost' : 0);
    // What was under way when the network went may still be heard, once.
    do expect(await cluster.write('a', 'unheard', leader)).to.include({ outcome: 'refused', because: 'no-quorum' });
    while (leader.leads);
    const another = async (): Promise<boolean> => {
      if (leader.leads) await cluster.write('a', 'unheard', leader); // it may have heard a last word since it asked
      return cluster.servers.some((server) => server !== leader && server.leads);
    };
    await until('another leads', another);
    expect((await cluster.write('a', 'after')).outcome).to.equal('accepted');
    cluster.peers.weather = () => 0;
    await cluster.level();
  });

  it('are led by none of which the repository could not be served', async () => {
    cluster = await MemoryCluster.start('one', 'two', 'three');
    const first = await cluster.leader();
    const others = cluster.servers.filter((server) => server !== first);
    for (const other of others) other.mayLead = false;
    await cluster.level();
    await first.stop();
    const since = others.map(({ member }) => member?.state.tick ?? 0);
    await until('a second has passed', () =>
      others.every(({ member }, at) => (member?.state.tick ?? 0) > (since[at] ?? 0) + 100),
    );
    expect(others.some(({ leads }) => leads)).to.equal(false);
    const [heir] = others as [MemoryServer];
    heir.mayLead = true;
    expect(await cluster.leader()).to.equal(heir);
  });

  it('leave the lock to those that can serve what they lead', async () => {
    cluster = await MemoryCluster.start('one', 'two', 'three');
    const leader = await cluster.leader();
    expect((await cluster.write('a', 'x')).outcome).to.equal('accepted');
    for (const server of cluster.servers) server.mayLead = server === leader;
    for (let times = 0; times < 5; times++) {
      const { term } = leader.member?.state ?? { term: 0 };
      cluster.lock.depose();
      await until('it leads again', () => leader.leads && (leader.member?.state.term ?? 0) > term);
    }
    expect((await cluster.write('a', 'y', leader)).outcome).to.equal('accepted');
  });

  it('start again where their journals and refs say, all at once', async () => {
    cluster = await MemoryCluster.start('one', 'two', 'three');
    for (let at = 0; at < 5; at++) await cluster.write('a', `content ${at}`);
    const before = await (await cluster.leader()).refs();
    await cluster.stop();
    for (const server of cluster.servers) await server.start();
    const leader = await cluster.leader();
    expect(await leader.refs()).to.equal(before);
    expect(await cluster.write('a', 'more')).to.deep.equal({ outcome: 'accepted', sequence: 6 });
    await cluster.level();
  });

  it('bring a server level that has lost its disk, and one that was away for long, and a new one, which then counts', async () => {
    cluster = await MemoryCluster.start('one', 'two', 'three');
    const leader = await cluster.leader();
    const [away, lost] = cluster.servers.filter((server) => server !== leader);
    if (away === undefined || lost === undefined) throw new Error('there are three');
    await away.stop();
    for (let at = 0; at < 30; at++) await cluster.write(`b${at % 7}`, `content ${at}`);
    await lost.stop();
    lost.journal.lines = [];
    for (const [ref, old] of await lost.store.refs(['refs/'])) await lost.store.updateRefs([{ ref, old, next: null }], 'test');
    await away.start();
    await lost.start();
    await cluster.level();
    const fourth = cluster.add('four');
    await fourth.start();
    expect((await cluster.propose([], leader, { add: 'four' })).outcome).to.equal('accepted');
    await cluster.level();
    expect(leader.member?.state.applied.members).to.deep.equal(['four', 'one', 'three', 'two']);
    expect((await cluster.propose([], leader, { remove: away.name })).outcome).to.equal('accepted');
    await cluster.level();
  });

  it('bring a server level that was away for hundreds of entries in a few steps, and take nobody for lost meanwhile', async () => {
    cluster = await MemoryCluster.start('one', 'two', 'three');
    const leader = await cluster.leader();
    const away = cluster.servers.find((server) => server !== leader);
    if (away === undefined) throw new Error('there are three');
    await away.stop();
    for (let at = 0; at < 300; at++) expect((await cluster.write(`b${at % 7}`, `content ${at}`)).outcome).to.equal('accepted');
    let moves = 0;
    let objects = 0;
    const { updateRefs } = away.store;
    away.store.updateRefs = (...asked) => {
      moves++;
      return updateRefs.apply(away.store, asked);
    };
    cluster.peers.weather = (_from, _to, { topic }) => {
      if (topic === 'objects') objects++;
      return 0;
    };
    await away.start();
    await cluster.level();
    expect(moves).to.be.within(1, 10);
    expect(objects).to.be.within(1, 10);
    expect([...(leader.member?.unreachable.values() ?? [])].filter((why) => why !== null)).to.deep.equal([]);
  });

  it('without a shared decision log: those in doubt ask its server, and nobody takes over by itself', async () => {
    cluster = await MemoryCluster.startWithoutSharedLog('one', 'two');
    const [one, two] = cluster.servers;
    if (one === undefined || two === undefined) throw new Error('there are two');
    expect(one.leads).to.equal(true);
    expect((await cluster.write('a', 'x')).outcome).to.equal('accepted');
    await cluster.level();
    cluster.peers.weather = (from) => (from === 'one' ? 'lost' : 0); // two hears nothing of what one decides from here on
    const answer = cluster.write('a', 'y', one);
    expect((await answer).outcome).to.equal('refused'); // it takes both
    cluster.peers.weather = () => 0;
    expect((await cluster.write('a', 'z')).outcome).to.equal('accepted');
    await cluster.level();
    await one.stop();
    expect((await cluster.write('a', 'alone', two)).outcome).to.equal('refused');
    expect(two.leads).to.equal(false);
    expect(two.member?.takesOver).to.equal(false);
    await one.start();
    await cluster.leader();
    expect((await cluster.write('a', 'again')).outcome).to.equal('accepted');
    await cluster.level();
  });

  it('hand leadership over when they are told to', async () => {
    cluster = await MemoryCluster.start('one', 'two', 'three');
    const leader = await cluster.leader();
    const heir = cluster.servers.find((server) => server !== leader);
    await cluster.write('a', 'x');
    await until('the heir leads, which a third may have kept it from', () => {
      for (const { member } of cluster.servers) member?.transfer(heir?.name ?? '');
      return heir?.leads === true;
    });
    expect((await cluster.write('a', 'y')).outcome).to.equal('accepted');
  });

  it('notice that another process has moved the refs, and take no part then', async () => {
    cluster = await MemoryCluster.start('one', 'two', 'three');
    await cluster.write('a', 'x');
    await cluster.level();
    const leader = await cluster.leader();
    const other = cluster.servers.find((server) => server !== leader);
    if (other === undefined) throw new Error('there are three');
    await other.stop();
    const next = (await other.store.refs(['refs/heads/a'])).get('refs/heads/a') ?? null;
    await other.store.updateRefs([{ ref: 'refs/heads/by-hand', old: null, next }], 'by hand');
    await other.start();
    await until('it is quarantined', () => other.member?.state.diverged !== null);
    await until('the leader knows', () => leader.member?.state.leading?.peers.get(other.name)?.diverged !== null);
    expect((await cluster.write('a', 'y')).outcome).to.equal('accepted');
  });

  it('keep every write that was accepted through lost messages, crashes and leaders that are deposed', async () => {
    cluster = await MemoryCluster.start('one', 'two', 'three');
    const random = new Random(Number(process.env['CLUSTER_SEED'] ?? 7));
    const accepted = new Map<string, string>();
    let over = false;
    const writer = async (name: string): Promise<void> => {
      for (let at = 0; !over; at++) {
        const leader = cluster.servers.find(({ leads }) => leads);
        if (leader === undefined) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          continue;
        }
        const branch = `${name}-${at}`;
        const answer = await cluster.write(branch, branch, leader).catch(() => null); // its server was stopped under it
        if (answer?.outcome !== 'accepted') continue;
        accepted.set(branch, '');
      }
    };
    cluster.peers.weather = () => (random.chance(0.08) ? 'lost' : random.chance(0.05) ? 'unanswered' : random.between(0, 3));
    const writers = ['a', 'b', 'c'].map(writer);
    for (let round = 0; round < 12; round++) {
      await new Promise((resolve) => setTimeout(resolve, 120));
      const victim = cluster.servers[random.between(0, 2)];
      if (random.chance(0.4)) cluster.lock.depose();
      else if (victim?.member !== null && victim !== undefined) {
        await victim.stop();
        await new Promise((resolve) => setTimeout(resolve, 60));
        await victim.start();
      }
    }
    cluster.peers.weather = () => 0;
    over = true;
    await Promise.all(writers);
    expect(await cluster.write('last', 'last')).to.include({ outcome: 'accepted' });
    await cluster.level();
    expect(accepted.size).to.be.greaterThan(0);
    for (const server of cluster.servers) {
      const refs = await server.refs();
      for (const branch of accepted.keys())
        expect(refs.includes(`refs/heads/${branch} `), `${server.name} ${branch}`).to.equal(true);
      expect(server.member?.state.diverged).to.equal(null);
    }
  });
});
