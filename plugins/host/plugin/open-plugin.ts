import type { PluginManifest, PortName } from '../../../ports/index.js';
import { BUILTIN_PROFILES } from '../builtin-profiles.js';
import { type Composition, openProfile } from '../compose.js';
import type { Choice, Profile } from '../profile.js';

/** Where one adapter of a plugin is opened, and with what. */
export interface OpenPluginOptions {
  /** The repository's Git directory, or whatever folder the adapter works in. */
  readonly directory: string;
  readonly config?: Readonly<Record<string, unknown>>;
  /** What child processes get; absent: this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

interface Closable {
  close?: () => Promise<void>;
}

/**
 * Opens one adapter of a plugin, as a profile that names it would: among the adapters of the built-in profile `embedded`, for a test.
 * Throws what opening it throws. Closing what it gives closes what it has opened besides.
 */
export async function openPlugin<T extends object>(
  manifest: PluginManifest,
  port: PortName,
  name: string,
  { directory, config, env = process.env }: OpenPluginOptions,
): Promise<T> {
  const choice: Choice = { use: name, line: 1, wrap: [], ...(config === undefined ? {} : { config }) };
  const embedded = BUILTIN_PROFILES['embedded'] as Profile; // the generated file has it
  const profile: Profile = { name: 'test', file: 'test', plugins: [], adapters: { ...embedded.adapters, [port]: choice } };
  const composition = await openProfile(profile, { directory, env, plugins: [manifest] });
  return closingAll(await composition.get<T & Closable>(port), composition);
}

function closingAll<T extends Closable>(adapter: T, composition: Composition): T {
  if (typeof adapter.close !== 'function') return adapter;
  return new Proxy(adapter, {
    get: (target, key) => {
      if (key === 'close') return () => composition.close();
      const found: unknown = Reflect.get(target, key);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}
