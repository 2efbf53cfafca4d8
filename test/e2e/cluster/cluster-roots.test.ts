import { readFile, writeFile } from 'node:fs/promises';
import { expect } from 'chai';
import type { RootServer } from '../../support/worlds/roots-world.js';
import { RootsWorld } from '../../support/worlds/roots-world.js';
import { needs } from '../../support/needs/needs.js';
import { until } from '../../support/until.js';

describe('a cluster of Stargates with many repositories', function () {
  this.timeout(180_000);
  let world: RootsWorld | undefined;
  afterEach(async () => {
    await world?.close();
  });

  it('creates them everywhere, keeps what was pushed when its leader is killed, and goes on with all of them under another', async function () {
    needs(this, 'etcd');
    const made = await RootsWorld.start(3);
    world = made;
    const first = await made.leader();
    const [away, other] = made.servers.filter((server) => server !== first) as [RootServer, RootServer];
    expect(await made.must(other, 'repo', 'create', 'team/config')).to.equal('created team/config on 3 servers\n');
    await made.must(other, 'repo', 'create', 'team/mirrored');
    const mirror = await made.mirror('team/mirrored');
    const mirrored = (branch: string): Promise<void> => {
      const args = ['-C', mirror, 'rev-parse', '-q', '--verify', `refs/heads/${branch}`];
      const isThere = async (): Promise<boolean> => (await made.sandbox.exec('git', args)).code === 0;
      return until(`the mirror shows ${branch}`, isThere, { clue: () => made.logs() });
    };
    const pushes = ({ log }: RootServer): number => log.split('"event":"mirror.pushed"').length - 1;
    await away.stop('SIGTERM');
    expect(await made.must(first, 'repo', 'create', 'team/late')).to.equal('created team/late on 2 servers\n');
    const pushed = async (server: RootServer, repository: string, branch: string): Promise<void> => {
      const { code, stderr } = await made.push(server, repository, branch);
      expect(code, `${stderr}\n${made.logs()}`).to.equal(0);
    };
    await pushed(first, 'team/config', 'one');
    await pushed(first, 'team/late', 'one');
    await pushed(first, 'team/mirrored', 'one');
    await mirrored('one');
    await until('the leader has pushed its policy too', () => pushes(first) > 0, { clue: () => made.logs() });
    await away.start(); // it has missed a push, and a repository
    await made.level('team/config', 'one');
    await made.level('team/late', 'one');
    await made.level('team/mirrored', 'one');

    const refused = await made.push(other, 'team/config', 'elsewhere');
    expect(refused.stderr).to.contain(`push to the leader, ssh://git@127.0.0.1:${first.ssh}/team/config.git`);

    await first.stop('SIGKILL');
    const killed = Date.now();
    const second = await made.leader();
    const tookMs = Date.now() - killed;
    for (const repository of ['team/config', 'team/late', 'team/mirrored']) {
      await pushed(second, repository, 'two');
      await made.level(repository, 'two');
    }
    await mirrored('two');
    const standing = made.servers.filter((server) => server.runs && server !== second);
    expect(standing.map(pushes), 'only who leads pushes to the mirror').to.deep.equal([0]);
    expect(tookMs, 'the lease of 2 s, and a moment').to.be.lessThan(30_000); // a busy machine; alone it is 2 to 3 s
    await first.start();
    await made.level('team/config', 'two');
    await made.level('team/late', 'two');

    const heir = made.servers.find((server) => server !== second) as RootServer;
    await until('the heir leads', async () => {
      if (!heir.leads) await made.must(heir, 'cluster', 'transfer-leadership', heir.name);
      return heir.leads;
    });
    const status = JSON.parse(await made.must(second, 'cluster', 'status', '--json'));
    expect(status.root).to.include({ leader: heir.name, takeover: 'another server takes over by itself' });
    expect(status.root.servers.map(({ unreachable }: { unreachable: unknown }) => unreachable)).to.deep.equal([null, null, null]);
    expect(status.root.repositories.map(({ name }: { name: unknown }) => name)).to.deep.equal([
      ...['team/config', 'team/late', 'team/mirrored'],
    ]);
    await pushed(heir, 'team/late', 'three');
    const one = await made.must(heir, 'cluster', 'status', '--repo-id', 'team/late');
    expect(one)
      .to.match(/^role: +leader$/m)
      .and.match(/^members: +server-1, server-2, server-3$/m);

    expect(await made.must(heir, 'repo', 'remove', 'team/late', '--yes')).to.match(/^removed team\/late from 3 servers\n/);
    const left = async (): Promise<boolean> =>
      (await Promise.all(made.servers.map((server) => server.branches('team/late')))).every((branches) => branches === '');
    await until('it is gone everywhere', left, { clue: () => made.logs() });
    await pushed(heir, 'team/config', 'three');
    await made.level('team/config', 'three');

    // From now on standbys hand on what is for the leader.
    const policy = await readFile(heir.policyOf('team/config'), 'utf8');
    const writers = /writers: (\[[^\]]*\])/.exec(policy)?.[1] ?? '';
    const changed = policy
      .replace(/^stargate: \{/m, 'stargate: { standby: forward,')
      .replace(/^namespaces: \{/m, `namespaces: { seq: { ledger_mode: sequenced, writers: ${writers} },`);
    await writeFile(heir.policyOf('team/config'), changed);
    const copies = (): Promise<string[]> =>
      Promise.all(made.servers.map((server) => readFile(server.policyOf('team/config'), 'utf8')));
    await until('all have the policy', async () => (await copies()).every((text) => text === changed), {
      clue: () => made.logs(),
    });
    const standby = made.servers.find((server) => server !== heir) as RootServer;
    await pushed(standby, 'team/config', 'handed-on');
    await made.level('team/config', 'handed-on');
    const stream = await made.stream(standby, 'team/config', 'seq');
    await stream.set('k', 'by way of a standby');
    await stream.close();
    const ledgers = (): Promise<string[]> =>
      Promise.all(made.servers.map((server) => server.branches('team/config', 'refs/kv/seq')));
    const same = async (): Promise<boolean> => (await ledgers()).every((one, _at, all) => one !== '' && one === all[0]);
    await until('all have the write', same, { clue: () => made.logs() });
    await until('the leader has served both', () => heir.log.split('"event":"forward.served"').length === 3);
  });
});
