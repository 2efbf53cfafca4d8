import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { ClusterServer } from '../../support/worlds/cluster-server.js';
import { ClusterWorld } from '../../support/worlds/cluster-world.js';
import { needs } from '../../support/needs/needs.js';
import { until } from '../../support/until.js';

const LEDGER = 'refs/kv/main';
const TOPIC = 'refs/heads/topic';

/** A ref that the mirror has moved, and whose push has moved it. */
interface Moved {
  readonly by: string;
  readonly old: string;
  readonly next: string;
  readonly ref: string;
}

describe('the mirror of a cluster', function () {
  this.timeout(180_000);
  let world: ClusterWorld;
  before(async function () {
    needs(this, 'etcd');
    world = await ClusterWorld.create({ servers: 3 });
    await signed(world);
  });
  after(() => world?.close());

  const moves = async (): Promise<Moved[]> => {
    const lines = (await readFile(join(world.dir, 'moved'), 'utf8')).trim().split('\n');
    return lines.map((line) => {
      const [by = '', old = '', next = '', ref = ''] = line.split(' ');
      return { by, old, next, ref };
    });
  };
  const begun = async (by: ClusterServer): Promise<number> =>
    (await readFile(join(world.dir, 'begun'), 'utf8')).split('\n').filter((line) => line === by.name).length;
  const at = async (repo: string, ref: string): Promise<string> =>
    (await world.run('git', ['-C', repo, 'rev-parse', '-q', '--verify', ref])).stdout.trim();
  const mirrored = (what: string, ref: string, oid: string): Promise<void> =>
    until(`the mirror shows ${what}`, async () => (await at(world.mirror, ref)) === oid, { clue: () => world.logs() });
  const set = async (key: string, on: ClusterServer): Promise<void> => {
    const { code, stderr } = await world.kv(['set', key, 'v'], on);
    expect(code, `${stderr}\n${world.logs()}`).to.equal(0);
  };
  /** Pushes a branch that begins anew; gives its commit. */
  const pushTopic = async (message: string): Promise<string> => {
    const tree = (await world.must('git', ['-C', world.clone, 'mktree'], { input: '' })).stdout.trim();
    const oid = (await world.must('git', ['-C', world.clone, 'commit-tree', '-m', message, tree])).stdout.trim();
    await world.must('git', ['-C', world.clone, 'push', '-q', 'origin', `+${oid}:${TOPIC}`]);
    return oid;
  };

  it('is pushed to by nobody who was deposed, and by who leads from where it is, without a gap or a repeat', async () => {
    const first = await world.leader();
    await world.makeClone();
    await set('one', first);
    await mirrored('a branch', TOPIC, await pushTopic('begun'));
    await mirrored('a write', LEDGER, await at(first.repo, LEDGER));

    // Pushes of the first leader that are on their way, and stay there: a write, and a deletion.
    const hold = join(world.dir, `hold-${first.name}`);
    await writeFile(hold, '');
    const before = await begun(first);
    await set('two', first);
    await world.must('git', ['-C', world.clone, 'push', '-q', 'origin', `:${TOPIC}`]);
    await until('both are on their way', async () => (await begun(first)) >= before + 2, { clue: () => world.logs() });
    first.signal('SIGSTOP');
    const other = (): ClusterServer | undefined => world.servers.find((server) => server !== first && server.leads);
    await until('another leads', () => other() !== undefined, { clue: () => world.logs() });
    const second = other() as ClusterServer;
    await set('three', second);
    const again = await pushTopic('begun again');
    await mirrored('what the second has accepted', LEDGER, await at(second.repo, LEDGER));
    await mirrored('the branch that has come again', TOPIC, again);

    const taken = (await moves()).length;
    first.signal('SIGCONT');
    await until('the first has stepped down', () => first.log.includes('"event":"leader.stepped-down"'), {
      clue: () => world.logs(),
    });
    await rm(hold);
    await delay(2000); // so long it would take for a push of the first to land
    await set('four', second);
    await mirrored('a later write', LEDGER, await at(second.repo, LEDGER));
    expect(await at(world.mirror, TOPIC), 'the branch').to.equal(again);
    const all = await moves();
    expect(new Set(all.slice(taken).map(({ by }) => by))).to.deep.equal(new Set([second.name]));

    const ledger = all.filter(({ ref }) => ref === LEDGER);
    for (const [i, { old }] of ledger.entries())
      if (i > 0) expect(old, 'each push goes on where the one before has ended').to.equal(ledger[i - 1]?.next);
    const tips = ledger.map(({ next }) => next);
    expect(new Set(tips).size, 'nothing is pushed twice').to.equal(tips.length);
    const count = await world.must('git', ['-C', world.mirror, 'rev-list', '--count', LEDGER]);
    expect(Number(count.stdout), 'four writes').to.equal(4);
  });
});

/** Has the mirror note whose push moves what, and which pushes begin; those of a server wait while `hold-NAME` is there, for two minutes at most. */
async function signed(world: ClusterWorld): Promise<void> {
  const { dir } = world;
  await writeFile(join(dir, 'moved'), '');
  await writeFile(join(dir, 'begun'), '');
  const hook = join(world.mirror, 'hooks', 'post-receive');
  await writeFile(hook, `#!/bin/sh\nwhile read line; do echo "$PUSHER $line" >> '${dir}/moved'; done\n`);
  await chmod(hook, 0o755);
  for (const { name, repo } of world.servers) {
    const program = join(dir, `receive-for-${name}`);
    const wait = `i=0\nwhile [ -e '${dir}/hold-${name}' ] && [ $i -lt 1200 ]; do i=$((i + 1)); sleep 0.1; done`;
    const run = `PUSHER=${name} exec git-receive-pack "$@"`;
    await writeFile(program, `#!/bin/sh\necho ${name} >> '${dir}/begun'\n${wait}\n${run}\n`);
    await chmod(program, 0o755);
    await world.must('git', ['-C', repo, 'config', 'remote.github-origin.receivepack', program]);
  }
}
