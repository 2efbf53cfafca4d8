import { expect } from 'chai';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sshOptions } from '../support/keys.js';
import { processesIn, type Ran } from '../support/processes.js';
import { rejectionIn } from '../support/failure.js';
import { Sandbox } from '../support/sandbox.js';
import { until } from '../support/until.js';

const BIN = join(dirname(fileURLToPath(import.meta.url)), '../../apps/stargate/bin.js');

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
  /** Resolves when a log line names the event. */
  logged(event: string): Promise<Record<string, unknown>>;
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
    const made = await sandbox.exec(process.execPath, [
      BIN,
      'init',
      '--repo',
      repo,
      '--mirror-remote',
      mirror,
      '--admin',
      `${key}.pub`,
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
    const logged = async (event: string): Promise<Record<string, unknown>> => {
      for (;;) {
        const found = seen.find((entry) => entry['event'] === event);
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

    const ran = await sandbox.exec('sh', ['-c', `exec ${ssh(daemon.ssh)} git@127.0.0.1 "git-kv-admin 'shop.git' status"`]);
    const status = JSON.parse(ran.stdout) as Record<string, unknown>;
    expect(status).to.include({ leader: true, term: 1, repository: repo });
    expect(status['namespaces']).to.deep.equal([{ ns: 'main', epoch: null, ledger: null }]);

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
    // A slow push: the client's pack is held back until the daemon has been told to end.
    const gate = sandbox.path('gate');
    await sandbox.exec('mkfifo', [gate]);
    const wrapped = `f() { (head -c 4; cat ${gate} >/dev/null; cat) | ${ssh(daemon.ssh)} "$@"; }; f`;
    const { done } = sandbox.start('git', ['-C', sandbox.path('work'), 'push', 'git@127.0.0.1:shop.git', 'HEAD:main'], {
      GIT_SSH_COMMAND: wrapped,
      GIT_SSH_VARIANT: 'ssh',
    });
    const opener = sandbox.start('sh', ['-c', `exec 3>${gate}; echo open; read go`]); // opens when the pipeline's cat does
    if (opener.child.stdout) await once(opener.child.stdout, 'data');
    // The command is running on the server once it counts as a connection that waits.
    const status = sandbox.start('sh', ['-c', `exec ${ssh(daemon.ssh)} git@127.0.0.1 "git-kv-admin 'shop' status"`]);
    await status.done;
    daemon.child.kill('SIGTERM');
    opener.child.stdin?.end('go\n');
    const pushed = await done;
    expect(pushed.stderr).to.contain('new branch');
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
