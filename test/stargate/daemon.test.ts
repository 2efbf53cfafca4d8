import { expect } from 'chai';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sshOptions } from '../support/keys.js';
import { processesIn, type Ran } from '../support/programs/processes.js';
import { rejectionIn } from '../support/failure.js';
import { BIN_DIR, HOST_KEYS } from '../support/root.js';
import { Sandbox } from '../support/worlds/sandbox.js';
import { until } from '../support/until.js';

/** The example of a lease that ends when its holder doesn't beat, after so many milliseconds. */
const LOCK_FILE = fileURLToPath(new URL('../../plugins/example-lock-file/manifest.js', import.meta.url));
const TTL = 3000;

const BIN = join(BIN_DIR, 'git-kv-stargate.js');

// Nothing in these tests is signed: a verifier that knows nobody will do.
const VERIFIER = `const verify = async () => { throw new Error('nobody'); };
export const manifest = { api: 1, id: 'nobody', adapters: [
  { port: 'signature-verifier', name: 'nobody', module: async () => ({ open: async () => ({ verify }) }) },
] };
`;
const PROFILE = `name: trial
plugins: [./nobody.js]
adapters:
  git-store: git-cli
  journal: journal-file
  leader-lock: lock-flock
  mirror-target: mirror-git
  signature-verifier: nobody
  hasher: hasher-node
  clock: clock-system
  randomness: clock-system
  policy-reader: policy-yaml
`;

interface Running {
  readonly child: ChildProcess;
  readonly done: Promise<Ran>;
  readonly ssh: number;
  readonly http: number;
  /** Resolves when a log line names the event, for the so manieth time. */
  logged(event: string, times?: number): Promise<Record<string, unknown>>;
}

describe('stargate: the daemon', () => {
  let sandbox: Sandbox;
  let repo: string;
  let mirror: string;
  let key: string;

  beforeEach(async () => {
    sandbox = new Sandbox();
    repo = sandbox.path('shop.git');
    mirror = sandbox.path('mirror.git');
    key = sandbox.key('ada');
    sandbox.run('git', ['init', '--quiet', '--bare', mirror]);
    await writeFile(sandbox.path('nobody.js'), VERIFIER);
    await writeFile(sandbox.path('package.json'), '{"type":"module"}');
    await writeFile(sandbox.path('trial.yaml'), PROFILE);
    const made = await sandbox.stargate([
      'init',
      '--repo',
      repo,
      '--mirror-remote',
      mirror,
      '--admin',
      `${key}.pub`,
      '--host-keys',
      HOST_KEYS,
    ]);
    expect(made.stderr).to.equal('');
    sandbox.run('git', ['init', '--quiet', '-b', 'main', sandbox.path('work')]);
    sandbox.git(sandbox.path('work'), 'commit', '--quiet', '--allow-empty', '-m', 'first');
  });
  afterEach(() => sandbox.remove());

  async function start(args: string[] = [], env: Record<string, string> = {}): Promise<Running> {
    const options = ['--repo', repo, '--profile', sandbox.path('trial.yaml'), '--mirror-remote', 'github-origin'];
    const ports = ['--listen-ssh', '127.0.0.1:0', '--listen-http', '127.0.0.1:0'];
    const { child, done } = sandbox.start(process.execPath, [BIN, ...options, ...ports, ...args], env);
    const seen: Record<string, unknown>[] = [];
    let text = '';
    const wake = new EventTarget();
    child.stderr?.on('data', (bytes: Buffer) => {
      const lines = (text + bytes.toString()).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines.filter((l) => l.startsWith('{'))) seen.push(JSON.parse(line) as Record<string, unknown>);
      wake.dispatchEvent(new Event('line'));
    });
    const logged = async (event: string, times = 1): Promise<Record<string, unknown>> => {
      for (;;) {
        const found = seen.filter((entry) => entry['event'] === event)[times - 1];
        if (found !== undefined) return found;
        await Promise.race([
          new Promise((resolve) => wake.addEventListener('line', resolve, { once: true })),
          done.then((ran) => {
            throw new Error(`ended before ${event}: ${ran.stderr}`);
          }),
        ]);
      }
    };
    const ready = await logged('ready');
    const port = (name: string): number => Number(String(ready[name]).split(':').pop());
    return { child, done, ssh: port('ssh'), http: port('http'), logged };
  }

  const ssh = (port: number): string => `ssh ${[...sshOptions(key), '-p', String(port)].join(' ')}`;
  const read = async (port: number): Promise<string> => {
    const args = ['-C', sandbox.path('work'), 'ls-remote', 'git@127.0.0.1:shop.git'];
    return (await sandbox.exec('git', args, { GIT_SSH_COMMAND: ssh(port) })).stdout;
  };
  const status = async (port: number): Promise<Record<string, unknown>> => {
    const ran = await sandbox.exec('sh', ['-c', `exec ${ssh(port)} git@127.0.0.1 "git-kv-admin 'shop.git' status"`]);
    return JSON.parse(ran.stdout) as Record<string, unknown>;
  };
  /** A push whose pack is held back, once the daemon serves it, until it is let go. */
  const heldPush = async (port: number): Promise<{ done: Promise<Ran>; go: () => void }> => {
    const gate = sandbox.path('gate');
    await sandbox.exec('mkfifo', [gate]);
    const wrapped = `f() { (head -c 4; cat ${gate} >/dev/null; cat) | ${ssh(port)} "$@"; }; f`;
    const { done } = sandbox.start('git', ['-C', sandbox.path('work'), 'push', 'git@127.0.0.1:shop.git', 'HEAD:main'], {
      ...{ GIT_SSH_COMMAND: wrapped, GIT_SSH_VARIANT: 'ssh' },
    });
    const opener = sandbox.start('sh', ['-c', `exec 3>${gate}; echo open; read go`]); // opens when the pipeline's cat does
    if (opener.child.stdout) await once(opener.child.stdout, 'data');
    await status(port); // the command is running on the server once another connection is through
    return { done, go: () => opener.child.stdin?.end('go\n') };
  };
  const push = (port: number, ...args: string[]): { child: ChildProcess; done: Promise<Ran> } =>
    sandbox.start('git', ['-C', sandbox.path('work'), 'push', 'git@127.0.0.1:shop.git', ...args], {
      GIT_SSH_COMMAND: ssh(port),
    });
  const get = async (port: number, path: string, method = 'GET'): Promise<{ status: number; body: string }> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return { status: response.status, body: await response.text() };
  };
  const exists = (path: string): Promise<boolean> =>
    stat(path).then(
      () => true,
      () => false,
    );

  it('takes a branch, mirrors it, and ends at SIGTERM', async () => {
    const daemon = await start();
    const endpoints = JSON.parse(await readFile(join(repo, '.stargate', 'endpoints.json'), 'utf8')) as unknown;
    expect(endpoints).to.deep.equal({
      ssh: { host: '127.0.0.1', port: daemon.ssh },
      http: { host: '127.0.0.1', port: daemon.http },
    });
    await daemon.logged('mirror.pushed'); // the policy
    expect((await push(daemon.ssh, 'HEAD:main').done).code).to.equal(0);
    const head = sandbox.git(sandbox.path('work'), 'rev-parse', 'HEAD');
    expect(sandbox.git(repo, 'rev-parse', 'refs/heads/main')).to.equal(head);

    const shown = await status(daemon.ssh);
    expect(shown).to.include({ leader: true, term: 1, repository: repo });
    expect(shown['namespaces']).to.deep.equal([{ ns: 'main', epoch: null, ledger: null }]);

    expect((await get(daemon.http, '/healthz')).status).to.equal(200);
    const metrics = async (): Promise<string> => (await get(daemon.http, '/metrics')).body;
    await until('the push is counted', async () => (await metrics()).includes('stargate_txn_accepted_total 1'));
    expect(await metrics()).to.contain('stargate_ha_role 1');
    expect((await get(daemon.http, '/')).status).to.equal(404);
    expect((await get(daemon.http, '/metrics', 'POST')).status).to.equal(405);

    daemon.child.kill('SIGTERM');
    expect((await daemon.done).code).to.equal(0);
    expect(await exists(join(repo, '.stargate', 'endpoints.json'))).to.equal(false);
    expect(sandbox.git(mirror, 'for-each-ref', '--format=%(refname)')).to.contain('refs/kv-policy/current');
  });

  it('finishes the push at hand at SIGTERM', async () => {
    const daemon = await start();
    const { done, go } = await heldPush(daemon.ssh);
    daemon.child.kill('SIGTERM');
    go();
    const pushed = await done;
    expect(pushed.stderr).to.contain('new branch');
    expect((await daemon.done).code).to.equal(0);
  });

  it('goes on beside plugins that are broken, and names each', async () => {
    const mirror =
      "{ port: 'mirror-target', name: 'bad', module: async () => ({ open: async () => { throw new Error('no disk'); } }) }";
    const plugin = (id: string, adapters: string, more = ''): string =>
      `${more}export const manifest = { api: 1, id: '${id}', adapters: [${adapters}] };`;
    const sources = {
      throws: "throw new Error('boom');",
      older: 'export const manifest = { api: 0, id: "older", adapters: [] };',
      twice: plugin('nobody', ''),
      later: plugin('later', mirror, "setTimeout(() => { throw new Error('much later'); }, 500);\n"),
    };
    for (const [name, source] of Object.entries(sources)) await writeFile(sandbox.path(`${name}.js`), source);
    const listed = ['./nobody.js', ...Object.keys(sources).map((name) => `./${name}.js`)].join(', ');
    const profile = PROFILE.replace('[./nobody.js]', `[${listed}]`).replace('mirror-git', 'bad');
    await writeFile(sandbox.path('trial.yaml'), profile);
    const daemon = await start();
    const told = await Promise.all([1, 2, 3, 4].map((time) => daemon.logged('plugin.failed', time)));
    const messages = told.map(({ message }) => String(message));
    expect(messages[0]).to.match(/^plugin \.\/throws\.js \(in \S+trial\.yaml:2\): throws when it is loaded: boom$/);
    expect(messages[1]).to.contain('./older.js').and.contain('it is made for plugin api 0, this is 1');
    expect(messages[2]).to.contain('./twice.js').and.contain("the id 'nobody' is taken by ./nobody.js");
    expect(messages[3]).to.equal("plugin later: mirror-target adapter 'bad': open: no disk");
    expect(await daemon.logged('plugin.threw')).to.include({ plugin: 'later', message: 'much later' });
    // Branches are taken, and wait for the mirror.
    expect((await push(daemon.ssh, 'HEAD:main').done).code).to.equal(0);
    expect((await fetch(`http://127.0.0.1:${daemon.http}/readyz`)).status).to.equal(200);
    daemon.child.kill('SIGTERM');
    expect((await daemon.done).code).to.equal(0);
  });

  for (const [point, lands] of [
    ['before-intent', false],
    ['after-intent', false],
    ['after-refs', true],
    ['after-done', true],
  ] as const) {
    it(`recovers from a kill ${point}`, async () => {
      const doomed = await start([], { GIT_KV_FAILPOINT: `${point}:2` }); // the first commit publishes the policy
      expect((await push(doomed.ssh, 'HEAD:main').done).code).to.not.equal(0);
      await doomed.done;
      let left: string[] = [];
      const ended = async (): Promise<boolean> => {
        left = await processesIn(repo);
        return left.length === 0;
      };
      await until('nothing outlives the daemon', ended, { ms: 10_000, clue: () => left.join('\n') });
      const packs = await readdir(join(repo, 'objects', 'pack'));
      expect(packs.some((name) => name.endsWith('.pack'))).to.equal(true);
      expect(packs.filter((name) => name.endsWith('.keep'))).to.deep.equal([]);
      const daemon = await start();
      await daemon.logged('journal.recovered');
      const refs = sandbox.git(repo, 'for-each-ref', '--format=%(refname)');
      expect(refs.includes('refs/heads/main')).to.equal(lands);
      await daemon.logged(lands ? 'mirror.pushed' : 'ready');
      expect((await push(daemon.ssh, 'HEAD:again').done).code).to.equal(0);
      daemon.child.kill('SIGTERM');
      expect((await daemon.done).code).to.equal(0);
    });
  }

  it('stands by while another leads, and takes over', async () => {
    const first = await start();
    const second = await start();
    expect((await second.logged('ready'))['leader']).to.equal(false);
    const refused = await push(second.ssh, 'HEAD:main').done;
    const error = rejectionIn(refused.stderr);
    expect(error?.code).to.equal('NOT_LEADER');
    expect(error?.hint).to.contain(String(first.child.pid));
    expect((await get(second.http, '/readyz')).status).to.equal(503);
    first.child.kill('SIGKILL');
    await second.logged('leader.won');
    expect((await push(second.ssh, 'HEAD:main').done).code).to.equal(0);
  });

  it('steps down when it was stopped for too long, serves reads meanwhile, and leads again when the other goes', async () => {
    const lock = `{ use: lock-file, config: { folder: .stargate/lease, ttlMs: ${TTL} } }`;
    const profile = PROFILE.replace('lock-flock', lock).replace('./nobody.js', `./nobody.js, '${LOCK_FILE}'`);
    await writeFile(sandbox.path('trial.yaml'), profile);
    const first = await start();
    await first.logged('mirror.pushed');
    const { done, go } = await heldPush(first.ssh);
    first.child.kill('SIGSTOP');
    const second = await start();
    await second.logged('leader.won');
    expect((await push(second.ssh, 'HEAD:second').done).code).to.equal(0);

    first.child.kill('SIGCONT');
    await first.logged('leader.stepped-down');
    go(); // only the client's own end of the pipe waits for that now
    expect(rejectionIn((await done).stderr)?.code, 'the push at hand').to.equal('NOT_LEADER');
    expect(rejectionIn((await push(first.ssh, 'HEAD:third').done).stderr)?.hint).to.contain(String(second.child.pid));
    expect(await read(first.ssh), 'what the other has taken')
      .to.contain('refs/heads/second')
      .and.not.to.contain('main');
    expect(await status(first.ssh)).to.include({ leader: false, term: 2 });
    expect((await get(first.http, '/healthz')).status).to.equal(200);
    const ready = await get(first.http, '/readyz');
    expect([ready.status, ready.body.includes('standby: the leader is ')]).to.deep.equal([503, true]);
    expect((await get(first.http, '/metrics')).body)
      .to.contain('stargate_ha_role 0')
      .and.to.contain('stargate_mirror_backlog_size 0');

    second.child.kill('SIGTERM');
    expect((await second.done).code).to.equal(0);
    await first.logged('leader.won', 2);
    expect(await status(first.ssh)).to.include({ leader: true, term: 3 });
    expect((await push(first.ssh, 'HEAD:main').done).code).to.equal(0);
    await first.logged('mirror.pushed', 2);
    expect((await get(first.http, '/metrics')).body).to.contain('stargate_ha_role 1');
    first.child.kill('SIGTERM');
    expect((await first.done).code).to.equal(0);
  });

  it('goes on when the file of its lock was replaced: steps down, and wins the lease anew', async () => {
    const daemon = await start();
    for (const term of [2, 3]) {
      await rm(join(repo, '.stargate', 'leader.lock'));
      await daemon.logged('leader.won', term);
      expect(await status(daemon.ssh)).to.include({ leader: true, term });
      expect((await push(daemon.ssh, `HEAD:term-${term}`).done).code).to.equal(0);
    }
    await daemon.logged('leader.stepped-down', 2);
    daemon.child.kill('SIGTERM');
    expect((await daemon.done).code).to.equal(0);
  });

  it('picks a changed policy up, and keeps the old one when the new one is wrong', async () => {
    const daemon = await start();
    const file = join(repo, '.kv', 'policy.yaml');
    const text = await readFile(file, 'utf8');
    await writeFile(file, `${text}nonsense: true\n`);
    expect((await daemon.logged('policy.rejected'))['message']).to.contain('nonsense');
    expect((await push(daemon.ssh, 'HEAD:main').done).code).to.equal(0);
    const other = (await readFile(`${sandbox.key('bob')}.pub`, 'utf8')).trim();
    await writeFile(file, text.replaceAll(/"ssh-ed25519 [^"]*"/g, JSON.stringify(other)));
    await daemon.logged('policy.changed');
    expect((await push(daemon.ssh, 'HEAD:second').done).stderr).to.contain('Permission denied');
  });

  it('says what is wrong with the command line', async () => {
    const run = async (...args: string[]): Promise<number> => (await sandbox.exec(process.execPath, [BIN, ...args])).code;
    expect(await run('serve', '--nonsense')).to.equal(64);
    expect(await run('frobnicate')).to.equal(64);
    expect(await run('serve')).to.equal(64);
    expect(await run('serve', '--repo', repo, '--listen-ssh', 'here')).to.equal(64);
    expect(await run('serve', '--repo', sandbox.path('none'))).to.equal(78);
    expect(await run('serve', '--repo', repo, '--profile', 'none')).to.equal(78);
    expect(await run('--version')).to.equal(0);
  });
});
