import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { KvError } from '../../../ports/index.js';
import { limited, OPENING_MS } from '../opening/limited.js';
import type { Profile } from '../profile.js';
import { lineOf } from '../profile/place.js';
import type { ManifestSource } from '../registry.js';
import { provideOwnPackage } from './own-package.js';

/** Where a plugin's code is. */
export interface FoundPlugin {
  /** As its manifest names it; before that is loaded, as the profile does. */
  readonly id: string;
  /** The folder of its package, and the module that its manifest is in. */
  readonly root: string;
  readonly file: string;
}

/** Where a plugin was looked for. */
function tried(specifier: string, base: string, path: string | undefined): string {
  if (path !== undefined) return `it was looked for at ${path}`;
  const folders = createRequire(base).resolve.paths(specifier) ?? [];
  return `a package is looked for from the profile's folder: in ${folders.join(', ')}`;
}

/**
 * Imports a plugin that a profile lists: a path (`./…`, `/…`) relative to the file that lists it, or a package that can be
 * resolved from there. Throws `PLUGIN_INVALID` naming the file, the line and the plugin, also for one that is not loaded in time.
 */
export async function loadPlugin(
  listed: Profile['plugins'][number],
  profile: Profile,
  ms = OPENING_MS,
  found?: (plugin: FoundPlugin) => void,
): Promise<ManifestSource> {
  const plugin = typeof listed === 'string' ? { use: listed, from: profile.file, place: lineOf(profile.file, 1) } : listed;
  const specifier = plugin.use;
  const from = `${specifier} (${plugin.place.source === 'profile' ? 'in ' : ''}${plugin.place.where})`;
  const base = resolve(plugin.from);
  const isPath = specifier.startsWith('.') || isAbsolute(specifier);
  let path: string | undefined;
  try {
    path = isPath ? resolve(base, '..', specifier) : createRequire(base).resolve(specifier);
    found?.({ id: specifier, root: packageOf(path), file: path });
    provideOwnPackage(path);
    const loading = import(pathToFileURL(path).href) as Promise<{ manifest?: unknown; default?: unknown }>;
    const module = await limited(loading, ms, `plugin ${from}: is not loaded`);
    return { manifest: module.manifest ?? module.default, from, root: packageOf(path), file: path };
  } catch (cause) {
    if (KvError.is(cause)) throw cause;
    const isThere = path !== undefined && existsSync(path);
    const what = isThere ? 'throws when it is loaded' : 'cannot be found';
    // Node adds where it has looked, over several lines; the hint says it in one.
    const why = (cause instanceof Error ? cause.message : String(cause)).replace(/\nRequire stack:.*$/s, '');
    throw new KvError('PLUGIN_INVALID', `plugin ${from}: ${what}: ${why}`, {
      cause,
      hint: isThere
        ? 'ask who wrote the plugin, or take it out of the profile'
        : `${tried(specifier, base, path)}; install the package, or correct the path under 'plugins' or behind --plugin`,
    });
  }
}

/** The folder of a module's package: the nearest one above that has a package.json, or else its own. */
function packageOf(file: string): string {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) return dirname(file);
  }
}
