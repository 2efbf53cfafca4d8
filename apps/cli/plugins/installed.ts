import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkManifest, loadPlugin } from '../../../plugins/host/index.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { CommandEntry, PluginManifest } from '../../../ports/plugin.js';
import { installedNames, linkOwn, pluginFolder } from './folder.js';

/** A plugin of the user's, or what keeps it from being one. */
export type Installed =
  | { readonly name: string; readonly version: string; readonly manifest: PluginManifest }
  | { readonly name: string; readonly version: string; readonly error: KvError };

/** A command that a plugin brings. */
export interface ForeignCommand {
  readonly id: string;
  readonly plugin: string;
  readonly entry: CommandEntry;
}

/**
 * Loads the user's plugins; `own` are the ids of this program's commands, which are taken. What is wrong with one is told beside its
 * name, and is nothing to the others.
 */
export async function installedPlugins(own: readonly string[], folder = pluginFolder()): Promise<readonly Installed[]> {
  const names = await installedNames(folder);
  if (names.length > 0) await linkOwn(folder);
  const taken = new Map<string, string>(own.map((id) => [id, 'git kv']));
  const all: Installed[] = [];
  for (const name of names) {
    const version = await versionOf(folder, name);
    try {
      const manifest = await loadInstalled(folder, name);
      for (const id of Object.keys(manifest.commands ?? {})) claim(taken, id, name);
      all.push({ name, version, manifest });
    } catch (error) {
      all.push({ name, version, error: toKvError(error) });
    }
  }
  return all;
}

/** Loads one of them. Throws `PLUGIN_INVALID`. */
async function loadInstalled(folder: string, name: string): Promise<PluginManifest> {
  const file = join(folder, 'package.json');
  const { manifest, from } = await loadPlugin(name, { name: 'plugins', file, plugins: [], adapters: {} });
  return checkManifest(manifest, from);
}

function claim(taken: Map<string, string>, id: string, name: string): void {
  const words = id.replaceAll(':', ' ');
  // A word in front of other commands' names is theirs too: nobody could call them any more, or nobody this one.
  const owner = [...taken].find(([other]) => other === id || other.startsWith(`${id}:`) || id.startsWith(`${other}:`))?.[1];
  if (owner !== undefined && owner !== name)
    throw new KvError('PLUGIN_INVALID', `plugin ${name}: its command '${words}' is taken by ${owner}`, {
      hint: 'ask who wrote the plugin to give it a name of its own',
    });
  taken.set(id, name);
}

async function versionOf(folder: string, name: string): Promise<string> {
  try {
    const text = await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8');
    return String((JSON.parse(text) as { version?: unknown }).version);
  } catch {
    return '?'; // loading it says what is wrong
  }
}

/** All commands of plugins that can be used. */
export function commandsOf(plugins: readonly Installed[]): readonly ForeignCommand[] {
  return plugins.flatMap((plugin) =>
    'error' in plugin
      ? []
      : Object.entries(plugin.manifest.commands ?? {}).map(([id, entry]) => ({ id, plugin: plugin.name, entry })),
  );
}

/** For the list of commands: names and what they do. Of plugins that can't be used, nothing. */
export async function pluginCommands(own: readonly string[]): Promise<readonly (readonly [name: string, summary: string])[]> {
  return commandsOf(await installedPlugins(own).catch(() => [])).map(({ id, entry }) => [id.replaceAll(':', ' '), entry.summary]); // `plugins list` says what is wrong
}
