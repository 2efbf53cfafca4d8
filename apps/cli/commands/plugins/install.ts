import { Args } from '@oclif/core';
import { print, printJson } from '../../io/terminal.js';
import { KvCommand } from '../../oclif/base.js';
import { oclifFlags } from '../../oclif/flags.js';
import { pluginFolder } from '../../plugins/folder.js';
import { prose } from '../../render/prose.js';

/** `git kv plugins install`: takes a package of commands in. */
export class PluginsInstall extends KvCommand {
  static override summary = 'install a plugin, whose commands are then commands of git kv';
  static override description =
    prose(`PACKAGE is a name of npm's registry (perhaps with @VERSION), a tarball, a folder or a Git URL. npm installs it into
$XDG_DATA_HOME/git-kv (~/.local/share/git-kv) with what it needs, and runs the scripts that it asks for: install only what you trust.
A package that is no plugin, or claims a command that there is, is taken out again.

A Stargate's plugins are not installed here: its profile lists them, and they are looked for beside the profile.`);
  static override examples = ['<%= config.bin %> plugins install ./git-kv-hello-0.1.0.tgz'];
  static override args = {
    package: Args.string({ required: true, ignoreStdin: true, description: 'name, file, folder or URL' }),
  };
  static override flags = oclifFlags({});

  async run(): Promise<void> {
    const { args, flags } = await this.input({});
    const { installPlugin } = await import('../../plugins/oclif-plugins.js');
    const { name, version } = await installPlugin(pluginFolder(), args[0] ?? '', this.config.commandIDs);
    return flags.json ? printJson({ ok: true, name, version }) : print(`installed ${name} ${version}\n`);
  }
}
