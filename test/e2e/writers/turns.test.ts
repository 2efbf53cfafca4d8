import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { sshOptions } from '../../support/keys.js';
import { World } from '../../support/worlds/world.js';

describe('turns at a Stargate', () => {
  let world: World;
  before(async () => {
    world = await World.create({
      writers: ['ada', 'bob'],
      readers: ['eve'],
      policy: (text) => text.replace('admins:', 'limits: { turn_time: 1m }\n  admins:'),
    });
    for (const person of ['ada', 'bob']) await world.clone(person);
    expect((await world.kv('ada', ['set', 'first', '1', '--wait'])).code).to.equal(0);
  });
  after(() => world?.close());

  /** Asks for a turn as a client does; gives what was answered, and what hangs up. */
  async function turn(person: string): Promise<{ readonly answer: Record<string, unknown>; hangUp(): Promise<void> }> {
    const options = [...sshOptions(world.key(person), `${world.dir}/known_hosts`), '-p', String(world.port)];
    const child = spawn('ssh', [...options, 'git@127.0.0.1', "git-kv-admin '/kv.git' turn main"], {
      env: world.env(person),
      stdio: 'pipe',
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    const closed = once(child, 'close');
    await world.until('an answer', () => /\n/.test(said.trimStart()));
    return {
      answer: JSON.parse(said.replace(/^kv-error\/1 /, '')) as Record<string, unknown>,
      async hangUp() {
        child.stdin.end();
        await closed;
      },
    };
  }

  const events = (): Record<string, unknown>[] =>
    world
      .daemonLog()
      .split('\n')
      .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []));
  const status = async (): Promise<{ turns: { waiting: number }[] }> =>
    (JSON.parse((await world.kv('ada', ['stargate', 'status', '--json'])).stdout) as { status: { turns: { waiting: number }[] } })
      .status;

  it('keep others waiting, who go on when the holder hangs up', async () => {
    const held = await turn('ada');
    const refs = await world.refs();
    expect(held.answer).to.include({ ns: 'main', ledger: refs.get('refs/kv/main'), index: refs.get('refs/kv-index/main') });
    const writing = world.kv('bob', ['set', 'second', '2', '--json']);
    await world.until('bob stands in line', async () => (await status()).turns[0]?.waiting === 1);
    const plain = await world.git(world.clonePath('ada'), 'ada', ['push', world.pushUrl, ':refs/kv/main']);
    expect(plain.stderr).to.match(/"code":"CAS_CONFLICT".*another writer has the turn in namespace main/);
    const metrics = await (await fetch(`${world.http}/metrics`)).text();
    expect(metrics).to.match(/^stargate_turns_waiting 1$/m);
    await held.hangUp();
    const { code, stdout, stderr } = await writing;
    expect(code, stderr).to.equal(0);
    expect(JSON.parse(stdout)).to.include({ retries: 1 });
    expect((await status()).turns).to.deep.equal([]);
    // The push came over the connection on which the turn was asked for.
    const [accepted] = events()
      .filter(({ event, pusher }) => event === 'push.accepted' && pusher === 'bob')
      .slice(-1);
    await world.until('the end of the turn', () =>
      events().some(({ what, remote, status: ended }) => what === 'admin turn' && remote === accepted?.['remote'] && ended === 0),
    );
  });

  it('are for writers, of namespaces that the policy has', async () => {
    expect((await turn('eve')).answer).to.include({ code: 'POLICY_VIOLATION' });
  });

  it('are not asked for by who expects a tree: it waits, and is told when the tree has changed', async () => {
    const { tree } = JSON.parse((await world.kv('bob', ['get', 'second', '--json'])).stdout) as { tree: string };
    const held = await turn('ada');
    const expecting = world.kv('bob', ['cas', 'set', 'second', '3', '--expect-tree', tree]);
    await world.until('a refusal', () => /"code":"CAS_CONFLICT"/.test(world.daemonLog()));
    expect((await status()).turns).to.deep.equal([]);
    await held.hangUp();
    expect((await expecting).code).to.equal(0);
    const again = await world.kv('bob', ['cas', 'set', 'second', '4', '--expect-tree', tree]);
    expect(again.code).to.equal(2);
  });
});

describe('many writers at a Stargate', () => {
  it('all land, those who expect a blob of their own key too', async () => {
    const world = await World.create();
    try {
      const crowd = Array.from({ length: 3 }, (_, i) => `job${i}`);
      for (const job of crowd) await world.clone('ada', job);
      const first = await world.kv('job0', ['mset', '--file', '-'], {
        person: 'ada',
        input: crowd.map((key) => JSON.stringify({ op: 'set', key, value: 'a' })).join('\n'),
      });
      expect(first.code, first.stderr).to.equal(0);
      await world.mirrored();
      const ran = await Promise.all(
        crowd.map(async (job) => {
          const { oid } = JSON.parse((await world.kv(job, ['get', job, '--json'], { person: 'ada' })).stdout) as { oid: string };
          return world.kv(job, ['cas', 'set', job, 'b', '--expect-blob', oid], { person: 'ada' });
        }),
      );
      expect(ran.map(({ code, stderr }) => (code === 0 ? '' : stderr))).to.deep.equal(crowd.map(() => ''));
      const { stdout } = await world.kv('job0', ['list', '--values', '--read-from=stargate', '--json'], { person: 'ada' });
      expect(stdout.match(/"b"/g)).to.have.length(crowd.length);
    } finally {
      await world.close();
    }
  });
});
