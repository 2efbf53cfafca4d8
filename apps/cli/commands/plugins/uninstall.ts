import { Args } from '@oclif/core';
import { print, printJson } from '../../io/terminal.js';
import { KvCommand } from '../../oclif/base.js';
import { oclifFlags } from '../../oclif/flags.js';
import { pluginFolder } from '../../plugins/folder.js';

/** `git kv plugins uninstall`: takes a package of commands out. */
export class PluginsUninstall extends KvCommand {
  static override summary = 'remove a plugin';
  static override description = 'Its commands are gone, and so is whatever it alone needed.';
  static override examples = ['<%= config.bin %> plugins uninstall git-kv-hello'];
  static override args = {
    package: Args.string({ required: true, ignoreStdin: true, description: 'its name, as plugins list has it' }),
  };
  static override flags = oclifFlags({});

  async run(): Promise<void> {
    const { args, flags } = await this.input({});
    const [name = ''] = args;
    const { uninstallPlugin } = await import('../../plugins/oclif-plugins.js');
    await uninstallPlugin(pluginFolder(), name);
    return flags.json ? printJson({ ok: true, name }) : print(`removed ${name}\n`);
  }
}
