import { resolve } from 'node:path';
import { Args } from '@oclif/core';
import { KvError } from '../../../../ports/error.js';
import { findPackage } from '../../io/package-file.js';
import { print, printJson } from '../../io/terminal.js';
import { KvCommand } from '../../oclif/base.js';
import { oclifFlags } from '../../oclif/flags.js';
import type { FlagTable } from '../../parse/flags.js';
import { type Kind, KINDS, packageName } from '../../plugins/templates.js';
import { prose } from '../../render/prose.js';

const FLAGS = {
  into: { type: 'string', summary: 'the folder to write (default: git-kv-NAME, here)', value: 'DIR' },
  'git-kv': { type: 'string', summary: 'what npm installs as git-kv: a tarball, a version (default: this one)', value: 'SPEC' },
} as const satisfies FlagTable;

/** `git kv plugin new`: a package to begin with. */
export class PluginNew extends KvCommand {
  static override summary = 'write a package to begin a plugin with';
  static override description =
    prose(`A package in TypeScript that installs, builds and passes its port's whole contract suite as it is: 40 lines or fewer
in all. A mirror, a lock and a journal begin as the adapter that git-kv has itself; change one call at a time, and run npm test.`);
  static override examples = ['<%= config.bin %> plugin new mirror carried', '<%= config.bin %> plugin new command hello'];
  static override args = {
    kind: Args.string({ required: true, ignoreStdin: true, options: [...KINDS], description: KINDS.join(', ') }),
    name: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'of the adapter or the command: lower case, with dashes',
    }),
  };
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { args, flags } = await this.input(FLAGS);
    const [kind = '', name = ''] = args;
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(name))
      throw new KvError('USAGE', `${JSON.stringify(name)} is no name for a plugin`, {
        hint: 'use lower-case letters, digits and dashes',
      });
    if (kind === 'command' && this.config.commandIDs.some((id) => id === name || id.startsWith(`${name}:`)))
      throw new KvError('USAGE', `git kv ${name} is a command already`, { hint: 'name yours otherwise' });
    const folder = flags.into ?? packageName(name);
    const { writePlugin } = await import('../../plugins/new-plugin.js');
    const gitKv = flags['git-kv'] ?? `file:${findPackage().root}`;
    const files = await writePlugin({ kind: kind as Kind, name, folder, gitKv }); // oclif has checked it
    if (flags.json) return printJson({ ok: true, folder: resolve(folder), files });
    return print(
      `wrote ${folder}\n${files.map((file) => `  ${file}\n`).join('')}next: cd ${folder} && npm install && npm test\n`,
    );
  }
}
