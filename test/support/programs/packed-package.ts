import { mkdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isolatedEnv } from '../worlds/isolated-env.js';
import { type Ran, run } from './processes.js';
import { ROOT } from '../root.js';
import { type Temporary, temporaryFolder } from '../temporary.js';

/** What `npm pack` makes, unpacked as npm would install it, in a project of its own; nothing comes from the network. */
export class PackedPackage {
  private constructor(readonly folder: Temporary) {}

  static async make(): Promise<PackedPackage> {
    const packed = new PackedPackage(await temporaryFolder());
    await mkdir(packed.path('node_modules', 'git-kv'), { recursive: true });
    // Without the scripts: it is built already.
    const archive = await packed.ok(
      ROOT,
      'npm',
      'pack',
      '--ignore-scripts',
      '--silent',
      '--pack-destination',
      packed.folder.path,
    );
    await packed.unpack(archive.trim(), 'git-kv');
    const { dependencies } = JSON.parse(await readFile(packed.path('node_modules', 'git-kv', 'package.json'), 'utf8')) as {
      dependencies: Readonly<Record<string, string>>;
    };
    for (const name of Object.keys(dependencies)) await packed.link(name);
    return packed;
  }

  path(...parts: string[]): string {
    return join(this.folder.path, ...parts);
  }

  /** As npm installs a tarball that needs no other package. */
  async unpack(archive: string, name: string): Promise<void> {
    const home = this.path('node_modules', name);
    await mkdir(home, { recursive: true });
    await this.ok(this.folder.path, 'tar', '-xzf', archive, '--strip-components=1', '-C', home);
  }

  /** As npm installs a package that is in this checkout already. */
  async link(name: string): Promise<void> {
    const path = this.path('node_modules', name);
    await mkdir(dirname(path), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), path);
  }

  /** The environment of everything that runs here. */
  get env(): Record<string, string> {
    return isolatedEnv(this.folder.path);
  }

  runs(cwd: string, command: string, ...args: string[]): Promise<Ran> {
    return run(command, args, { cwd, env: this.env });
  }

  /** Standard output. Throws unless the exit status is 0. */
  async ok(cwd: string, command: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.runs(cwd, command, ...args);
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} exited with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }
}
