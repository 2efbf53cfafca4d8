import type { ChildProcess } from 'node:child_process';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { TestEtcd } from '../../support/programs/etcd.js';
import { freePort } from '../../support/programs/free-port.js';
import { needs } from '../../support/needs/needs.js';
import { BIN_DIR, HOST_KEYS } from '../../support/root.js';
import { Sandbox } from '../../support/worlds/sandbox.js';
import { until } from '../../support/until.js';

/** Servers that find each other by `--peer`, with an etcd. */
describe('operators of servers that no profile names', function () {
  this.timeout(180_000);
  const program = join(BIN_DIR, 'git-kv-stargate.js');
  const names = ['server-1', 'server-2', 'server-3'] as const;
  const logs = new Map<string, string>();
  let sandbox: Sandbox;
  let etcd: TestEtcd | undefined;
  let ports: readonly number[];
  const children: ChildProcess[] = [];

  before(async function () {
    needs(this, 'etcd');
    sandbox = new Sandbox();
    etcd = await TestEtcd.start();
    ports = [await freePort(), await freePort(), await freePort()];
    const endpoints = `endpoints: ['${etcd.url}']`;
    const profile = sandbox.path('shared.yaml');
    await writeFile(
      profile,
      `name: shared\nextends: unmirrored\nhosts: many\nadapters:\n  decision-log: { use: decision-etcd, config: { cluster: test, ${endpoints} } }\n  leader-lock: { use: lock-etcd, config: { key: /git-kv/test/lock, ttl: 2, ${endpoints} } }\n`,
    );
    for (const name of names) await cp(HOST_KEYS, join(sandbox.path(name), '.stargate'), { recursive: true }); // making them takes seconds
    for (const [at, name] of names.entries()) {
      const others = ports.filter((_, other) => other !== at).map((port) => `http://localhost:${port}`);
      const listen = ['--listen-http', `127.0.0.1:${ports[at]}`, '--listen-ssh', '127.0.0.1:0', '--peer', others.join(',')];
      const args = ['serve', '--api', '--root', sandbox.path(name), '--server-id', name, ...listen, '--profile', profile];
      const { child } = sandbox.start(process.execPath, [program, ...args], {});
      child.stderr?.on('data', (text: Buffer) => logs.set(name, `${logs.get(name) ?? ''}${text.toString()}`));
      children.push(child);
    }
    for (const port of ports) await until(`all are found by ${port}`, () => isHealthy(port), { clue });
  });
  after(async () => {
    for (const child of children) sandbox.kill(child);
    await etcd?.stop();
    sandbox?.remove();
  });

  const clue = (): string => [...logs].map(([name, log]) => `== ${name}\n${log}`).join('\n');
  const isHealthy = async (port: number): Promise<boolean> => {
    const answer = await fetch(`http://localhost:${port}/health`).catch(() => null);
    return ((await answer?.json()) as { status?: string } | undefined)?.status === 'healthy';
  };
  /** `git-kv-stargate cluster …` on a server's host; it must succeed. */
  const cluster = async (on: string, ...args: readonly string[]): Promise<string> => {
    const asked = [program, 'cluster', ...args, '--root', sandbox.path(on)];
    const { code, stdout, stderr } = await sandbox.exec(process.execPath, asked);
    expect(code, `${stderr}\n${clue()}`).to.equal(0);
    return stdout;
  };
  const leader = async (): Promise<string | null> =>
    (JSON.parse(await cluster('server-1', 'status', '--json')) as { root: { leader: string | null } }).root.leader;

  it('hand over, remove and add by any of them, also of a repository that nobody has open', async () => {
    const body = JSON.stringify({ repo_id: 'team/config' });
    const headers = { 'Content-Type': 'application/json' };
    const created = await fetch(`http://localhost:${ports[0]}/repos`, { method: 'POST', headers, body });
    expect(await created.json()).to.deep.equal({ repo_id: 'team/config', created: true, replicated: true, peers_confirmed: 2 });

    await until('somebody leads', async () => (await leader()) !== null, { clue });
    const first = (await leader()) as string;
    const [other, heir] = names.filter((name) => name !== first) as [string, string];
    const of = ['--repo-id', 'team/config'];
    const last = names.at(-1) === first ? other : 'server-3';
    expect(await cluster(other, 'remove', last)).to.equal(`${last} is no member of 1 repository\n`);
    const left = names.filter((name) => name !== last).join(', ');
    expect(await cluster(first, 'status', ...of)).to.match(new RegExp(`^members: +${left}$`, 'm'));
    expect(await cluster(last, 'add', last)).to.equal(`${last} is a member of 1 repository\n`);
    expect(await cluster(first, 'status', ...of)).to.match(/^members: +server-1, server-2, server-3$/m);

    expect(await cluster(other, 'transfer-leadership', heir)).to.equal(`${heir} is to lead\n`);
    const leads = async (): Promise<boolean> => {
      const now = await leader();
      if (now !== heir && now !== null) await cluster(other, 'transfer-leadership', heir).catch(() => undefined); // a third may have kept it from that
      return now === heir;
    };
    await until('the heir leads', leads, { ms: 60_000, clue });
    expect(await cluster(first, 'remove', first)).to.equal(`${first} is no member of 1 repository\n`);
    const status = await cluster(heir, 'status', ...of);
    expect(status).to.match(/^role: +leader$/m);
    expect(status).to.match(new RegExp(`^members: +${names.filter((name) => name !== first).join(', ')}$`, 'm'));
  });
});
