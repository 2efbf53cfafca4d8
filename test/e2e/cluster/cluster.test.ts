import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ClusterServer } from '../../support/worlds/cluster-server.js';
import { ClusterWorld } from '../../support/worlds/cluster-world.js';
import { needs } from '../../support/needs/needs.js';
import { until } from '../../support/until.js';

describe('a cluster of Stargates', function () {
  this.timeout(180_000);
  let world: ClusterWorld | undefined;
  afterEach(async () => {
    await world?.close();
  });

  it('keeps what was acknowledged when its leader is killed or paused, and goes on under another; writers follow', async function () {
    needs(this, 'etcd');
    const made = await ClusterWorld.create({
      servers: 3,
      policy: (text) => text.replace(/^namespaces:\n/m, (line) => `${line}${sequenced(text)}`),
    });
    world = made;
    const first = await made.leader();
    await made.makeClone();
    const keys: string[] = [];
    const set = async (key: string): Promise<void> => {
      for (const ns of ['main', 'seq']) {
        const ran = await made.kv(['set', `k:${key}`, `value of ${key}`, '--ns', ns]);
        expect(ran.code, `${ran.stderr}\n${made.logs()}`).to.equal(0);
      }
      keys.push(key);
    };
    const allThere = async (): Promise<void> => {
      for (const key of keys)
        for (const ns of ['main', 'seq'])
          expect((await made.kv(['get', `k:${key}`, '--ns', ns, '--read-from=stargate'])).stdout).to.equal(`value of ${key}`);
    };
    const another = async (than: ClusterServer): Promise<ClusterServer> => {
      const leads = (): ClusterServer | undefined => made.servers.find((server) => server !== than && server.leads);
      await until('another server leads', () => leads() !== undefined, { clue: () => made.logs() });
      return leads() as ClusterServer;
    };
    await set('before');
    await made.level();

    await first.stop('SIGKILL');
    await set('while nobody leads'); // the clone finds whoever takes over
    const second = await another(first);
    first.start();
    await first.ready();
    await made.level();

    second.signal('SIGSTOP');
    const third = await another(second);
    await made.must('git', ['-C', made.clone, 'config', 'remote.origin.pushurl', third.pushUrl]);
    await set('while one is paused');
    second.signal('SIGCONT');
    await until('the paused one has noticed', () => !second.leads, { clue: () => made.logs() });
    await made.must('git', ['-C', made.clone, 'config', 'remote.origin.pushurl', second.pushUrl]);
    await set('by way of a standby'); // which names the leader
    const url = await made.must('git', ['-C', made.clone, 'config', 'remote.origin.pushurl']);
    expect(url.stdout.trim()).to.equal((await made.leader()).pushUrl);
    await made.level();
    await allThere();

    const leader = await made.leader();
    const heir = made.servers.find((server) => server !== leader) as ClusterServer;
    const asked = await made.cluster(heir, ['status', '--json']);
    expect(JSON.parse(asked.stdout)).to.deep.include({ ok: true });
    expect(JSON.parse(asked.stdout).cluster).to.include({
      server: heir.name,
      role: 'standby',
      leader: leader.name,
      diverged: null,
    });
    const handedOver = async (): Promise<boolean> => {
      if (heir.leads) return true;
      await made.cluster(heir, ['transfer-leadership', heir.name]).catch(() => undefined); // between two leaders there is none
      return false;
    };
    await until('the heir leads, which a third may have kept it from', handedOver, { clue: () => made.logs() });
    await made.cluster(heir, ['remove', leader.name]);
    const status = await made.cluster(heir, ['status']);
    expect(status.stdout)
      .to.match(/^role: +leader$/m)
      .and.not.match(new RegExp(`^members:.*${leader.name}`, 'm'));
    await made.cluster(leader, ['add', leader.name]); // whoever is asked
    const policy = join(heir.repo, '.kv', 'policy.yaml');
    await writeFile(policy, (await readFile(policy, 'utf8')).replace(/^stargate:\n/m, 'stargate:\n  standby: forward\n'));
    await appendFile(policy, '# changed on the leader\n');
    const copies = (): Promise<string[]> =>
      Promise.all(made.servers.map(({ repo }) => readFile(join(repo, '.kv', 'policy.yaml'), 'utf8')));
    await until('all servers have the new policy', async () => (await copies()).every((text) => text.endsWith('the leader\n')));
    const standby = made.servers.find((server) => !server.leads) as ClusterServer;
    await made.must('git', ['-C', made.clone, 'config', 'remote.origin.pushurl', standby.pushUrl]);
    await set('through a standby'); // which hands it on: nobody goes elsewhere
    const kept = await made.must('git', ['-C', made.clone, 'config', 'remote.origin.pushurl']);
    expect(kept.stdout.trim()).to.equal(standby.pushUrl);
    await made.must('git', ['-C', made.clone, 'commit', '-q', '--allow-empty', '-m', 'a branch']);
    await made.must('git', ['-C', made.clone, 'push', '-q', 'origin', 'HEAD:refs/heads/by-a-standby']);
    await made.level();
    expect(await standby.refs()).to.include('refs/heads/by-a-standby');
  });

  it('of two without etcd goes on as soon as the server that decides is back, and nobody takes its place', async () => {
    const made = await ClusterWorld.create({ servers: 2, etcdMembers: 0 });
    world = made;
    const [one, two] = made.servers as [ClusterServer, ClusterServer];
    expect(await made.leader()).to.equal(one);
    await made.makeClone();
    expect((await made.kv(['set', 'k', 'before'])).code, made.logs()).to.equal(0);
    await made.level();
    await one.stop('SIGKILL');
    expect((await made.cluster(two, ['status'])).stdout).to.include('nobody takes over');
    const writing = made.kv(['set', 'k', 'after']); // it waits for whoever leads
    one.start();
    await one.ready();
    expect((await writing).code, made.logs()).to.equal(0);
    await made.level();
    expect((await made.kv(['get', 'k', '--read-from=stargate'])).stdout).to.equal('after');
    expect(two.log).to.not.include('"event":"leader.won"');
  });
});

/** Another namespace with the writer of the first, whose ledger the Stargate orders. */
function sequenced(policy: string): string {
  const key = /ssh-ed25519 [A-Za-z0-9+/=]+/.exec(policy)?.[0] ?? '';
  return `  seq: { ledger_mode: sequenced, writers: ['${key} ada'] }\n`;
}
