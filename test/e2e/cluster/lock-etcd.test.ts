import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { TestEtcd } from '../../support/programs/etcd.js';
import { needs } from '../../support/needs/needs.js';
import { BIN_DIR, ROOT } from '../../support/root.js';
import { untilListening, World } from '../../support/worlds/world.js';

/** A Stargate with the profile of this test. */
interface Stargate {
  readonly child: ChildProcess;
  readonly pushUrl: string;
  log(): string;
}

/** Two Stargates over one repository, whose lock is a key of etcd: a profile says so, and nothing else. */
describe('a lock in etcd', function () {
  this.timeout(180_000);
  let etcd: TestEtcd;
  let world: World;
  let profile: string;
  const running: ChildProcess[] = [];

  before(async function () {
    needs(this, 'etcd');
    etcd = await TestEtcd.start();
    world = await World.create({ writers: ['ada'] });
    await world.clone('ada');
    await world.stop();
    profile = join(world.dir, 'shared.yaml');
    const lock = `leader-lock: { use: lock-etcd, config: { endpoints: ['${etcd.url}'], key: /git-kv/kv.git/leader, ttl: 5 } }`;
    const embedded = await readFile(join(ROOT, 'apps', 'profiles', 'embedded.yaml'), 'utf8');
    await writeFile(profile, embedded.replace(/^name: .*/m, 'name: shared').replace('leader-lock: lock-flock', lock));
  });
  after(async () => {
    for (const child of running) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await exited;
    }
    await world?.close();
    await etcd?.stop();
  });

  const ARGS = ['--listen-ssh', '127.0.0.1:0', '--listen-http', '127.0.0.1:0'];
  const start = async (): Promise<Stargate> => {
    const args = [join(BIN_DIR, 'git-kv-stargate.js'), 'serve', '--repo', world.repo, '--profile', profile, ...ARGS];
    const child = spawn(process.execPath, args, { env: world.env('ada'), stdio: ['ignore', 'pipe', 'pipe'] });
    running.push(child);
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
    const { ssh } = await untilListening(once(child, 'exit'), child.stdout, () => log);
    return { child, pushUrl: `ssh://git@${ssh}/kv.git`, log: () => log };
  };
  const set = async (to: Stargate, key: string): Promise<number> => {
    await world.git(world.clonePath('ada'), 'ada', ['config', 'remote.origin.pushurl', to.pushUrl]);
    return (await world.kv('ada', ['set', key, '1'])).code;
  };
  const terms = (of: Stargate): number[] =>
    [...of.log().matchAll(/"event":"leader.won","term":(\d+)/g)].map(([, term]) => Number(term));

  it('moves leadership from one that stands still to the other, and back when etcd was away', async () => {
    const one = await start();
    const two = await start();
    expect(await set(one, 'cfg:one')).to.equal(0);
    expect(await set(two, 'cfg:two'), 'a standby').to.equal(9);

    one.child.kill('SIGSTOP');
    await world.until('the other leads', () => terms(two).length === 1);
    one.child.kill('SIGCONT');
    await world.until('the first has noticed', () =>
      /"event":"leader.lost".*has not confirmed the lease in time/.test(one.log()),
    );
    expect(await set(one, 'cfg:one')).to.equal(9);
    expect(await set(two, 'cfg:two')).to.equal(0);
    expect(terms(two)[0]).to.be.greaterThan(terms(one)[0] ?? 0);

    await etcd.halt();
    await world.until('the leader has noticed', () => /"event":"leader.stepped-down"/.test(two.log()));
    expect(two.log()).to.match(/"event":"leader.lost".*refuses connections/);
    expect(await set(two, 'cfg:none'), 'nobody leads').to.equal(9);
    const read = await world.kv('ada', ['get', 'cfg:two', '--read-from=stargate']);
    expect([read.code, read.stdout], read.stderr).to.deep.equal([0, '1']);

    const args = ['serve', '--repo', world.repo, '--profile', profile, ...ARGS];
    const third = await world.run('git-kv-stargate', args);
    expect([third.code, third.stderr]).to.satisfy(([code, said]: [number, string]) => {
      return code === 5 && said.includes(`etcd: ${etcd.url} refuses connections`) && said.includes('hint: check that etcd runs');
    });

    await etcd.resume();
    await world.until('one of them leads again', () => terms(one).length + terms(two).length === 3);
    const [leader, standby] = terms(one).length === 2 ? [one, two] : [two, one];
    expect([await set(leader, 'cfg:back'), await set(standby, 'cfg:back')]).to.deep.equal([0, 9]);
  });
});
