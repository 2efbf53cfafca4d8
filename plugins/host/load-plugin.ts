import { createRequire } from 'node:module';
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { KvError } from '../../ports/index.js';
import type { ManifestSource } from './registry.js';

/** Where a plugin was looked for. */
function tried(specifier: string, base: string, path: string | undefined): string {
  if (path !== undefined) return `it was looked for at ${path}`;
  const folders = createRequire(base).resolve.paths(specifier) ?? [];
  return `a package is looked for from the profile's folder: in ${folders.join(', ')}`;
}

/**
 * Imports a plugin that a profile lists: a path (`./…`, `/…`) relative to the profile's file, or a package that can be
 * resolved from there. Throws `PLUGIN_INVALID` naming the profile and the plugin.
 */
export async function loadPlugin(specifier: string, profileFile: string): Promise<ManifestSource> {
  const from = `${specifier} (in ${profileFile})`;
  const base = resolve(profileFile);
  const isPath = specifier.startsWith('.') || isAbsolute(specifier);
  let path: string | undefined;
  try {
    path = isPath ? resolve(base, '..', specifier) : createRequire(base).resolve(specifier);
    const module = (await import(pathToFileURL(path).href)) as { manifest?: unknown; default?: unknown };
    return { manifest: module.manifest ?? module.default, from };
  } catch (cause) {
    throw new KvError(
      'PLUGIN_INVALID',
      `plugin ${from}: cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
        hint: `${tried(specifier, base, path)}; install the package, or correct the path under 'plugins' or behind --plugin`,
      },
    );
  }
}
