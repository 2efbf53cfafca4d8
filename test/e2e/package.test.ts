import { readdir, readFile, symlink, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { isolatedEnv } from '../support/worlds/isolated-env.js';
import { type Ran, run } from '../support/programs/processes.js';
import { ROOT } from '../support/root.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly man: readonly string[];
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** A plugin's clock, in TypeScript, and its test. */
const PLUGIN = `
import { setTimeout } from 'node:timers/promises';
import { openClone } from 'git-kv/client';
import { Command } from 'git-kv/command';
import { IsInt, Min, Type, ValidateNested } from 'git-kv/config';
import { openPlugin } from 'git-kv/host';
import { type Clock, KvError } from 'git-kv/ports';
import { clockContract } from 'git-kv/testing';
class Bounds {
  @IsInt() @Min(1) most = 3;
}
export class Config {
  @ValidateNested() @Type(() => Bounds) bounds = new Bounds();
}
// @ts-expect-error: types of decorators are none that take anything
Min('one');
export const used = [openClone, Command, openPlugin];
const interrupted = (cause: unknown): never => {
  throw new KvError('INTERRUPTED', 'the sleep was interrupted', { cause });
};
const clock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => setTimeout(ms, undefined, signal === undefined ? {} : { signal }).catch(interrupted),
};
clockContract('the clock of a plugin', async () => clock);
`;

const TSCONFIG = {
  // Without skipLibCheck: what the package declares is whole.
  compilerOptions: { target: 'es2022', module: 'nodenext', strict: true, types: ['node', 'mocha'], experimentalDecorators: true },
  files: ['plugin.test.ts'],
};

/** What \`npm pack\` makes, unpacked as npm would install it: beside the packages that it says it needs, and no other. */
describe('the packed package', () => {
  let folder: Temporary;
  let manifest: Manifest;
  let files: readonly string[];
  const installed = (...parts: string[]): string => join(folder.path, 'node_modules', 'git-kv', ...parts);
  const runs = (command: string, ...args: string[]): Promise<Ran> =>
    run(command, args, { cwd: folder.path, env: isolatedEnv(folder.path) });
  const ok = async (command: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runs(command, ...args);
    expect(code, `${args.join(' ')}\n${stdout}${stderr}`).to.equal(0);
    return stdout;
  };
  /** As npm installs a package that is in this checkout already. */
  const link = async (name: string): Promise<void> => {
    const path = join(folder.path, 'node_modules', name);
    await mkdir(dirname(path), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), path);
  };

  before(async () => {
    folder = await temporaryFolder();
    await mkdir(installed(), { recursive: true });
    // Without the scripts: it is built already.
    const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder.path];
    const packed = await run('npm', pack, { cwd: ROOT, env: isolatedEnv(folder.path) });
    expect(packed.code, packed.stderr).to.equal(0);
    await ok('tar', '-xzf', packed.stdout.trim(), '--strip-components=1', '-C', installed());
    manifest = JSON.parse(await readFile(installed('package.json'), 'utf8')) as Manifest;
    for (const name of Object.keys(manifest.dependencies)) await link(name);
    const entries = await readdir(installed(), { recursive: true, withFileTypes: true });
    files = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(installed().length + 1));
  });
  after(() => folder?.remove());

  it('has programs, manual, licences and documents, and no tests but the contracts', async () => {
    expect(files).to.include.members(['LICENSE', 'README.md', 'docs/GUIDE.md', 'dist/bin/LICENSES.txt', ...manifest.man]);
    expect(manifest.license).to.equal('Apache-2.0');
    expect(
      files.filter((file) => /\.map$|\.test\.|(?:^|\/)bench\/|^dist\/test\/(?!contracts\/)|^test\//.test(file)),
    ).to.deep.equal([]);
    const licences = await readFile(installed('dist/bin/LICENSES.txt'), 'utf8');
    for (const name of ['fastify', 'inversify', '@oclif/core'])
      expect(licences).to.match(new RegExp(`^${name} \\d.*\\(MIT\\)$`, 'm'));
  });

  it('has programs that run with the packages that they need', async () => {
    const kv = installed(manifest.bin['git-kv'] as string);
    await ok('git', 'init', '-q', '.');
    expect(await ok(kv, '--version')).to.match(/^git-kv \d/);
    expect((await runs(kv, 'get', '--offline', 'cfg:a')).code).to.equal(6);
    expect(await ok(kv, 'list', '--help')).to.contain('--prefix');
    // A value's digest takes blake3, a host key ssh2.
    await ok('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(folder.path, 'wendy'));
    const settings = { 'user.name': 'Wendy', 'user.email': 'w@example.org', 'gpg.format': 'ssh', 'user.signingKey': 'wendy.pub' };
    for (const [name, value] of Object.entries(settings)) await ok('git', 'config', name, value);
    await ok(kv, 'set', 'cfg:a', '1');
    expect(await ok(kv, 'get', 'cfg:a')).to.equal('1');
    await ok('git', 'init', '-q', '--bare', 'mirror.git');
    const stargate = installed(manifest.bin['git-kv-stargate'] as string);
    expect(await ok(stargate, 'init', '--repo', 'kv.git', '--mirror-remote', 'mirror.git', '--admin', 'wendy.pub')).to.contain(
      'SHA256:',
    );
  });

  it("is enough for a plugin's author: types, and the contracts under a mocha of the author's own", async () => {
    for (const name of [...Object.keys(manifest.peerDependencies), '@types/node', '@types/mocha']) await link(name);
    await writeFile(join(folder.path, 'package.json'), '{"type":"module"}');
    await writeFile(join(folder.path, 'plugin.test.ts'), PLUGIN);
    await writeFile(join(folder.path, 'tsconfig.json'), JSON.stringify(TSCONFIG));
    await ok(process.execPath, join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', '.');
    const mocha = join(folder.path, 'node_modules', 'mocha', 'bin', 'mocha.js');
    expect(await ok(process.execPath, mocha, 'plugin.test.js'))
      .to.match(/[1-9]\d* passing/)
      .and.not.to.contain('failing');
  });
});
