import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { isolatedEnv } from '../../support/worlds/isolated-env.js';
import { makeKey } from '../../support/keys.js';
import { type Ran, run } from '../../support/programs/processes.js';
import { ROOT } from '../../support/root.js';
import { type Temporary, temporaryFolder } from '../../support/temporary.js';
import { freePort } from '../../support/programs/free-port.js';
import { untilListening } from '../../support/worlds/world.js';

/** The blocks of the README's part for teams, by the words in bold above each. */
async function blocks(): Promise<Map<string, string>> {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const part = /^## In a team\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? '';
  const found = part.matchAll(/^\*\*([^*]+?)[.,]?\*\*(?:(?!^\*\*)[\s\S])*?^```sh\n([\s\S]*?)^```/gm);
  return new Map([...found].map(([, title = '', block = '']) => [title, block]));
}

/**
 * The README's commands for a team, word for word but for the names that stand for a reader's own, typed by people who have
 * nothing but a home with a key each.
 */
describe("the README's team", () => {
  let folder: Temporary;
  let port: number;
  let commands: ReadonlyMap<string, string>;
  const path = (...parts: string[]): string => join(folder.path, ...parts);

  /** A person's terminal. OpenSSH asks the system where a home is, so it is told. */
  const env = (person: string): NodeJS.ProcessEnv => {
    const { GIT_CONFIG_GLOBAL: _, ...isolated } = isolatedEnv(path(person));
    const npm = { npm_config_prefix: path(person, '.local'), npm_config_ignore_scripts: 'true', npm_config_offline: 'true' };
    return {
      ...isolated,
      PATH: `${path(person, '.local', 'bin')}:${path('bin')}:${isolated['PATH']}`,
      LC_ALL: 'C.UTF-8',
      ...npm,
    };
  };

  /** A block with the reader's own names in it. */
  const block = (title: string): string =>
    (commands.get(title) ?? '')
      .replaceAll('git@github.com:your-org/kv.git', path('host', 'kv.git'))
      .replaceAll('stargate.local', '127.0.0.1')
      .replaceAll('0.0.0.0', '127.0.0.1')
      .replaceAll('2222', String(port))
      .replaceAll('/srv/git', path('server', 'git'));

  /** Types lines into a person's terminal, and ends at the first that fails. */
  const type = async (person: string, lines: string, cwd = path(person)): Promise<Ran> => {
    const ran = await run('bash', ['-eo', 'pipefail', '-c', lines], { cwd, env: env(person) });
    expect(ran.code, `${lines}\n${ran.stdout}${ran.stderr}`).to.equal(0);
    return ran;
  };

  before(async () => {
    folder = await temporaryFolder();
    port = await freePort();
    commands = await blocks();
    await mkdir(path('bin'));
    const ssh = execFileSync('sh', ['-c', 'command -v ssh'], { encoding: 'utf8' }).trim();
    const options = '-F /dev/null -o UserKnownHostsFile="$HOME/.ssh/known_hosts" -o IdentityAgent=none -o BatchMode=yes';
    await writeFile(path('bin', 'ssh'), `#!/bin/sh\nexec ${ssh} ${options} "$@"\n`);
    await chmod(path('bin', 'ssh'), 0o755);
    for (const person of ['server', 'ada', 'ci']) {
      await mkdir(path(person, '.ssh'), { recursive: true, mode: 0o700 });
      makeKey(path(person, '.ssh', 'id_ed25519'), person);
      if (person !== 'server')
        await writeFile(path('server', `${person}.pub`), await readFile(path(person, '.ssh', 'id_ed25519.pub')));
    }
    await mkdir(path('host'));
    await run('git', ['init', '-q', '--bare', '--initial-branch=main', path('host', 'kv.git')], { env: env('server') });
  });
  after(() => folder?.remove());

  it('is set up, writes and reads with what the README says and nothing else', async () => {
    expect([...commands.keys()]).to.deep.equal(['On each machine', 'On the server', 'Each writer', 'Then']);
    for (const person of ['server', 'ada', 'ci']) {
      const { stdout } = await type(person, block('On each machine'), ROOT);
      expect(stdout).to.match(/^git-kv \d/m);
    }

    const [init = '', serve = ''] = block('On the server').split(/^(?=git-kv-stargate serve)/m);
    const made = await type('server', init);
    const fingerprint = /SHA256:\S+/.exec(made.stdout)?.[0] ?? 'none';
    const joining = block('Each writer').replaceAll('SHA256:…', fingerprint);
    // Another Stargate of this machine may have the usual port for health.
    const daemon = spawn('bash', ['-c', `exec ${serve.trim()} --listen-http 127.0.0.1:0`], {
      cwd: path('server'),
      env: env('server'),
    });
    let log = '';
    daemon.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    try {
      await untilListening(once(daemon, 'exit'), daemon.stdout, () => log);
      await type('ada', joining).then(({ stdout }) => expect(stdout).to.contain(fingerprint));
      const { stdout } = await type('ci', joining.replaceAll('Ada', 'CI').replaceAll('ada@', 'ci@').replace('true', 'false'));
      const commit = /^commit +(\S+)/m.exec(stdout)?.[1] ?? '';
      await writeFile(path('ada', 'kv', 'changes.jsonl'), '{"op":"set","key":"cfg:mode","value":"on"}\n');
      const then = await type('ada', block('Then').replaceAll('COMMIT', commit), path('ada', 'kv'));
      expect(then.stdout)
        .to.match(/^(?:true|false)set 1/)
        .and.to.match(/^cfg:feature:new-ui\ncfg:mode\n/m);
      // Who only reads.
      await type(
        'server',
        `git clone -q ${path('host', 'kv.git')} kv && cd kv && git kv get --at ${commit} cfg:feature:new-ui`,
      ).then((read) => expect(read.stdout).to.equal('false'));
    } finally {
      const ended = once(daemon, 'exit');
      daemon.kill('SIGTERM');
      await ended;
    }
  });
});
