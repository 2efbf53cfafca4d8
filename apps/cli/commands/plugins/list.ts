import { print, printJson } from '../../io/terminal.js';
import { KvCommand } from '../../oclif/base.js';
import { oclifFlags } from '../../oclif/flags.js';
import type { Installed } from '../../plugins/installed.js';

/** `git kv plugins list`: what is installed, and whether it can be used. */
export class PluginsList extends KvCommand {
  static override summary = 'list the plugins that are installed, with what they bring';
  static override description = 'What is wrong with a plugin is told in its place.';
  static override examples = ['<%= config.bin %> plugins list'];
  static override flags = oclifFlags({});

  async run(): Promise<void> {
    const { flags } = await this.input({});
    const { installedPlugins } = await import('../../plugins/installed.js');
    const plugins = await installedPlugins(this.config.commandIDs);
    if (flags.json) return printJson({ ok: true, plugins: plugins.map(facts) });
    return print(plugins.map(line).join(''));
  }
}

function facts(plugin: Installed): object {
  const { name, version } = plugin;
  if ('error' in plugin) return { name, version, error: plugin.error.message };
  return { name, version, ...brought(plugin) };
}

function brought({ manifest }: Exclude<Installed, { readonly error: unknown }>): { commands: string[]; adapters: string[] } {
  return {
    commands: Object.keys(manifest.commands ?? {}).map((id) => id.replaceAll(':', ' ')),
    adapters: manifest.adapters.map(({ port, name }) => `${port}/${name}`),
  };
}

function line(plugin: Installed): string {
  const head = `${plugin.name} ${plugin.version}`;
  if ('error' in plugin) return `${head}  cannot be used: ${plugin.error.message}\n`;
  const { commands, adapters } = brought(plugin);
  const parts = [
    ...(commands.length > 0 ? [`commands: ${commands.join(', ')}`] : []),
    ...(adapters.length > 0 ? [`adapters: ${adapters.join(', ')}`] : []),
  ];
  return `${[head, ...parts].join('  ')}\n`;
}
