import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { PackedPackage } from '../support/programs/packed-package.js';
import { run } from '../support/programs/processes.js';
import { ROOT } from '../support/root.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';
import { until } from '../support/until.js';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const KINDS = ['mirror', 'lock', 'journal', 'chunker', 'command'] as const;
/** All that the author of a plugin reads to begin with. */
const MOST_LINES = 40;

/** Outside of this repository: what npm packs of it, and packages that know of nothing else. */
describe('plugins of others', function () {
  this.timeout(180_000);
  let packed: PackedPackage;
  let kv: string;
  let stargate: string;
  let tarball: string;
  const folders: Temporary[] = [];

  before(async () => {
    packed = await PackedPackage.make();
    for (const name of ['typescript', '@types/node', '@oclif/core']) await packed.link(name);
    kv = packed.path('node_modules', 'git-kv', 'bin', 'git-kv.js');
    stargate = packed.path('node_modules', 'git-kv', 'bin', 'git-kv-stargate.js');
    const plugin = packed.path('plugin');
    for (const part of ['package.json', 'tsconfig.json', 'src'])
      await cp(join(ROOT, 'docs', 'examples', 'plugin', part), join(plugin, part), { recursive: true });
    await builds(plugin);
    const name = await packed.ok(plugin, 'npm', 'pack', '--ignore-scripts', '--silent');
    tarball = join(plugin, name.trim());
  });
  after(async () => {
    for (const one of folders) await one.remove();
    await packed?.folder.remove();
  });

  const builds = (folder: string): Promise<string> =>
    packed.ok(folder, process.execPath, packed.path('node_modules', 'typescript', 'bin', 'tsc'));
  /** Node's runner in the process itself, which says the same as `node --test` and takes half the time. */
  const tested = async (folder: string): Promise<void> => {
    const said = await packed.ok(folder, process.execPath, '--test-reporter=tap', 'dist/test.js');
    expect(said)
      .to.match(/^# fail 0$/m)
      .and.match(/^# pass [1-9]/m);
  };
  const says = (...args: string[]) => packed.runs(packed.folder.path, process.execPath, kv, ...args);

  it("the example in the documents passes its ports' suites under node:test", () => tested(packed.path('plugin')));

  it('is installed from its tarball, and its command is one of git kv, until it is removed', async () => {
    expect(await says('hello')).to.deep.include({
      code: 64,
      stderr: 'error: git kv has no command "hello"\nhint: see what there is: git kv -h\n',
    });
    const installed = await says('plugins', 'install', tarball);
    expect(installed, installed.stderr).to.deep.include({ code: 0, stdout: 'installed git-kv-example 1.0.0\n' });
    expect(await says('hello', 'ada', '--loud')).to.deep.equal({ code: 0, stdout: 'HELLO ADA\n', stderr: '' });
    expect((await says('hello', '--help')).stdout).to.match(/^say hello\n\nusage: git kv hello .*whom to greet.*in capitals/s);
    expect((await says('-h')).stdout).to.match(/Commands of plugins\n {2}hello +say hello\n/);
    const wrong = await says('hello', '--lowd');
    expect([wrong.code, wrong.stderr]).to.deep.equal([64, 'error: unknown flag --lowd\nhint: see: git kv hello -h\n']);
    expect(await says('hello', 'nobody')).to.deep.equal({ code: 6, stdout: '', stderr: 'error: there is nobody\n' });
    expect((await says('plugins', 'list')).stdout).to.equal(
      'git-kv-example 1.0.0  commands: hello  adapters: mirror-target/logged, leader-lock/maintained\n',
    );
    expect(await says('plugins', 'uninstall', 'git-kv-example')).to.deep.include({ code: 0, stdout: 'removed git-kv-example\n' });
    expect([(await says('hello')).code, (await says('plugins', 'list')).stdout]).to.deep.equal([64, '']);
  });

  it('one that claims a command that there is, or no plugin at all, is taken out again; a home that cannot be written is told', async () => {
    const claims = packed.path('claims');
    await cp(packed.path('plugin', 'dist'), join(claims, 'dist'), { recursive: true });
    await writeFile(
      join(claims, 'package.json'),
      '{"name":"claims","version":"1.0.0","type":"module","exports":"./dist/index.js","oclif":{}}',
    );
    const index = await readFile(join(claims, 'dist', 'index.js'), 'utf8');
    await writeFile(join(claims, 'dist', 'index.js'), index.replace('hello: {', 'get: {'));
    const archive = await packed.ok(claims, 'npm', 'pack', '--ignore-scripts', '--silent');
    const taken = await says('plugins', 'install', join(claims, archive.trim()));
    expect(taken.code).to.equal(78);
    expect(taken.stderr).to.match(/^error: plugin claims: its command 'get' is taken by git kv\nhint: /m);
    expect((await says('plugins', 'list')).stdout).to.equal('');
    await writeFile(join(claims, 'dist', 'index.js'), index.replace('hello: {', "'acme:say:hello': {"));
    const again = await packed.ok(claims, 'npm', 'pack', '--ignore-scripts', '--silent');
    expect((await says('plugins', 'install', join(claims, again.trim()))).code).to.equal(0);
    const topic = 'Commands of claims\n\nCommands\n  acme say hello  say hello\n';
    for (const line of ['acme', 'acme -h', 'help acme', 'acme say --help', 'help acme say']) {
      const help = await says(...line.split(' '));
      expect([line, help.code, help.stdout.slice(0, topic.length)]).to.deep.equal([line, 0, topic]);
    }
    expect((await says('help', 'acme', 'say', 'hello')).stdout).to.match(/^say hello\n\nusage: git kv acme say hello /);
    const slip = await says('acme', 'say', 'helo');
    expect([slip.code, slip.stderr.split('\n')[1]]).to.deep.equal([64, 'hint: did you mean: git kv acme say hello']);
    expect((await says('plugins', 'uninstall', 'claims')).code).to.equal(0);
    const nowhere = await says('plugins', 'install', './nowhere.tgz');
    expect([nowhere.code, nowhere.stderr]).to.deep.equal([
      6,
      'error: cannot install ./nowhere.tgz: there is no such file\nhint: correct the path\n',
    ]);
    const elsewhere = await run(process.execPath, [kv, 'plugins', 'install', tarball], {
      cwd: packed.folder.path,
      env: { ...packed.env, XDG_DATA_HOME: tarball },
    });
    expect(elsewhere.code).to.equal(5);
    expect(elsewhere.stderr).to.match(/^error: cannot keep plugins in \S+\/git-kv: .+\nhint: set XDG_DATA_HOME to a folder/);
  });

  it('brings a mirror target and a lock to a Stargate whose profile lists it', async () => {
    // As npm installs it beside a profile: git-kv, an optional peer, is not there.
    const beside = await temporaryFolder();
    folders.push(beside);
    const home = join(beside.path, 'node_modules', 'git-kv-example');
    await mkdir(home, { recursive: true });
    await packed.ok(beside.path, 'tar', '-xzf', tarball, '--strip-components=1', '-C', home);
    const profile =
      'name: mine\nextends: embedded\nplugins: [git-kv-example]\nadapters:\n  mirror-target: { use: logged, wrap: [breaker] }\n  leader-lock: maintained\n';
    const file = join(beside.path, 'mine.yaml');
    await writeFile(file, profile);
    const here = packed.folder.path;
    await packed.ok(here, 'git', 'init', '--quiet', '--bare', 'mirror.git');
    await packed.ok(here, 'ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', 'ada');
    const keys = join(ROOT, 'test', 'fixtures', 'host-keys');
    await packed.ok(
      here,
      process.execPath,
      stargate,
      'init',
      '--repo',
      'kv.git',
      '--mirror-remote',
      'mirror.git',
      '--admin',
      'ada.pub',
      '--host-keys',
      keys,
    );
    const args = [
      stargate,
      'serve',
      '--repo',
      'kv.git',
      '--profile',
      file,
      '--listen-ssh',
      '127.0.0.1:0',
      '--listen-http',
      '127.0.0.1:0',
    ];
    const child: ChildProcess = spawn(process.execPath, args, {
      cwd: here,
      env: packed.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    child.stderr?.on('data', (bytes: Buffer) => {
      log += bytes.toString();
    });
    const gone = once(child, 'exit');
    // Publishing the policy is the first thing that a leader pushes.
    const pushes = (): Promise<string> => readFile(packed.path('kv.git', 'pushes.log'), 'utf8').catch(() => ''); // not yet
    await until('the policy at the mirror', async () => (await pushes()).includes('refs/kv-policy/current'), {
      ms: 60_000,
      clue: () => log,
    });
    child.kill();
    await gone;
    expect(log).to.contain('"profile":"mine"');
  });

  it('are installed by npm as they are written, by a git-kv that is installed without its peers', async () => {
    const bare = await PackedPackage.make();
    const elsewhere = await temporaryFolder();
    try {
      const program = bare.path('node_modules', 'git-kv', 'bin', 'git-kv.js');
      const folder = join(elsewhere.path, 'git-kv-mine');
      await bare.ok(elsewhere.path, process.execPath, program, 'plugin', 'new', 'command', 'mine');
      const file = join(folder, 'package.json');
      const written = JSON.parse(await readFile(file, 'utf8')) as { devDependencies: Record<string, string> };
      // What comes from the network is linked instead.
      const { 'git-kv': gitKv, ...others } = written.devDependencies;
      await writeFile(file, JSON.stringify({ ...written, devDependencies: { 'git-kv': gitKv } }));
      await bare.ok(folder, 'npm', 'install', '--offline', '--no-audit', '--no-fund');
      for (const name of Object.keys(others)) {
        const path = join(folder, 'node_modules', name);
        await mkdir(dirname(path), { recursive: true });
        await symlink(join(ROOT, 'node_modules', name), path);
      }
      await bare.ok(folder, process.execPath, join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'));
      await tested(folder);
    } finally {
      await bare.folder.remove();
      await elsewhere.remove();
    }
  });

  it('begin as a package that builds and passes the suite, and is read at one go', async () => {
    const written = await Promise.all(KINDS.map((kind) => says('plugin', 'new', kind, `my-${kind}`, '--json')));
    expect(written.map(({ code }) => code)).to.deep.equal(KINDS.map(() => 0));
    await Promise.all(
      KINDS.map(async (kind) => {
        const folder = packed.path(`git-kv-my-${kind}`);
        const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
        const texts = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')));
        expect(texts.join('').split('\n').length - 1, kind).to.be.at.most(MOST_LINES);
        await builds(folder);
      }),
    );
    for (const kind of KINDS) await tested(packed.path(`git-kv-my-${kind}`));
    const lock = (file: string): string => packed.path('git-kv-my-lock', 'dist', file);
    const [index, suite] = [await readFile(lock('index.js'), 'utf8'), await readFile(lock('test.js'), 'utf8')];
    await writeFile(lock('index.js'), index.replace('export const manifest =', 'export default'));
    await writeFile(lock('test.js'), suite.replace('{ manifest }', 'manifest'));
    await tested(packed.path('git-kv-my-lock'));
    await packed.link('mocha');
    const mocha = packed.path('node_modules', 'mocha', 'bin', 'mocha.js');
    expect(await packed.ok(packed.path('git-kv-my-chunker'), process.execPath, mocha, 'dist/test.js')).to.match(
      /[1-9]\d* passing/,
    );
    const again = await says('plugin', 'new', 'lock', 'my-lock');
    expect([again.code, again.stderr]).to.deep.equal([
      64,
      'error: git-kv-my-lock is not empty\nhint: name another folder with --into\n',
    ]);
    expect((await says('plugin', 'new', 'command', 'get')).stderr).to.contain('git kv get is a command already');
  });
});
