import { Container } from 'inversify';
import {
  type AdapterContext,
  KvError,
  type LeaderLock,
  type PluginManifest,
  type PortName,
  tokenOf,
  toKvError,
} from '../../ports/index.js';
import { adapterConfig } from './profile/adapter-config.js';
import { BUILTIN_ADAPTERS } from './builtin-adapters.js';
import { type FoundPlugin, loadPlugin } from './plugin/load-plugin.js';
import { imported, opening } from './opening/open-adapter.js';
import type { Layer, Profile } from './profile.js';
import { findProfile } from './profile/find.js';
import { placeOf } from './profile/inherit.js';
import { lineOf } from './profile/place.js';
import { type ProfileValue, valuesOf } from './profile/values.js';
import { createRegistry, type ManifestSource, type NamedLayer, type Registry, tolerantRegistry } from './registry.js';
import { Waits } from './opening/waits.js';

/** Where a profile is opened, and which plugins there are. */
export interface OpenProfileOptions {
  /** The repository's Git directory, or the folder to look for one from. */
  readonly directory: string;
  /** What adapters give their child processes. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Manifests besides the built-in ones and those that the profile lists. */
  readonly plugins?: readonly PluginManifest[];
  /** How long a plugin's adapter may take to be loaded, and to open, ms; absent: half a minute. */
  readonly patienceMs?: number;
  /** Hears of each plugin before any of its code runs, and once more when its manifest has named it. */
  readonly onPlugin?: (plugin: FoundPlugin) => void;
  /** What is opened for a port whose adapter a plugin should have brought, and hasn't; undefined: the error stands. */
  readonly standIn?: (port: PortName, error: KvError) => object | undefined;
}

/** One adapter in use; wrappers follow what they wrap. */
export interface ActiveAdapter {
  readonly port: PortName;
  readonly name: string;
  readonly plugin: string;
}

/** The adapters that a profile names, each opened when it is asked for. */
export interface Composition {
  readonly profile: Profile;
  /** The plugins that the profile lists and that could be loaded. */
  readonly loaded: readonly FoundPlugin[];
  /** What is wrong with plugins that can't be used, and that no port needs as it seems: `PLUGIN_INVALID`, each naming its plugin. */
  readonly failed: readonly KvError[];
  /** Opens a port's adapter, once, and gives it. Throws `CONFIG_INVALID` when the profile names none; what `open` throws. */
  get<T>(port: PortName): Promise<T>;
  /**
   * Opens a further adapter of a port, by name and configuration, for what is only known at run time: a policy names its
   * chunker. The caller owns it. Throws `CONFIG_INVALID` for an unknown name or a wrong configuration.
   */
  open<T>(port: PortName, use: string, config?: Readonly<Record<string, unknown>>): Promise<T>;
  /**
   * As `open`, for what is opened many times: the name and the configuration are looked at once, and each call of what this gives opens
   * one. All of them get the same configuration, which is frozen.
   */
  opener<T>(port: PortName, use: string, config?: Readonly<Record<string, unknown>>): Promise<() => Promise<T>>;
  /** Puts a value in a port's place. The caller closes it. Adapters that already hold the old one keep it. */
  rebind(port: PortName, value: object): void;
  /** What the profile names, opened or not. */
  activeAdapters(): readonly ActiveAdapter[];
  /** Every value that the adapters would be opened with, and where it comes from. Imports their modules, opens none. */
  values(): Promise<readonly ProfileValue[]>;
  /** Closes what was opened, the last first. Idempotent. Throws the first error after having closed all. */
  close(): Promise<void>;
}

interface Closable {
  close?: () => Promise<void>;
}

/**
 * Makes a container of a profile's adapters. Every name is looked up now, and nothing is opened: an adapter's module is
 * imported by the first `get` of its port. Throws `CONFIG_INVALID`, `PLUGIN_INVALID`.
 */
export async function openProfile(profileOrName: Profile | string, options: OpenProfileOptions): Promise<Composition> {
  const profile = typeof profileOrName === 'string' ? await findProfile(profileOrName) : profileOrName;
  const listed: ManifestSource[] = [];
  const failed: KvError[] = [];
  const loading = profile.plugins.map((one) => loadPlugin(one, profile, options.patienceMs, options.onPlugin));
  for (const outcome of await Promise.allSettled(loading)) {
    if (outcome.status === 'fulfilled') listed.push(outcome.value);
    else failed.push(toKvError(outcome.reason));
  }
  const given = (options.plugins ?? []).map((manifest) => ({ manifest, from: idOf(manifest) }));
  // What the app gives is the app's own affair; what others have written must not keep it from working without them.
  createRegistry([{ manifest: BUILTIN_ADAPTERS, from: 'git-kv' }, ...given]);
  const registry = tolerantRegistry([{ manifest: BUILTIN_ADAPTERS, from: 'git-kv' }, ...given, ...listed], failed);
  const loaded = listed.flatMap(({ manifest, root, file }) => {
    const { id } = manifest as Partial<PluginManifest>;
    const isUsed = id !== undefined && registry.plugins.includes(id);
    return isUsed && root !== undefined && file !== undefined ? [{ id, root, file }] : [];
  });
  if (options.onPlugin) loaded.forEach(options.onPlugin);

  const layers = new Map<PortName, NamedLayer[]>();
  for (const [port, choice] of Object.entries(profile.adapters) as [PortName, Profile['adapters'][PortName]][]) {
    if (choice === undefined) continue;
    const found = (layer: Layer, path: string, wraps: boolean): NamedLayer => {
      return { layer, path, adapter: registry.find(port, layer.use, `${placeOf(profile, layer).where}: ${path}`, wraps) };
    };
    const wraps = choice.wrap.map((layer, at) => found(layer, `adapters.${port}.wrap[${at}]`, true));
    layers.set(port, [found(choice, `adapters.${port}`, false), ...wraps]);
  }
  return compose({ profile, layers, registry, loaded, options });
}

/** What errors call a plugin that the app gives: JavaScript may give none at all, which the registry refuses by this name. */
function idOf(manifest: Partial<PluginManifest> | undefined): string {
  return manifest?.id ?? 'that was given';
}

interface Parts {
  readonly profile: Profile;
  readonly layers: ReadonlyMap<PortName, readonly NamedLayer[]>;
  readonly registry: Registry;
  readonly loaded: readonly FoundPlugin[];
  readonly options: OpenProfileOptions;
}

function compose({ profile, layers, registry, loaded, options }: Parts): Composition {
  const container = new Container();
  const opened: { port: PortName; value: Closable }[] = [];
  const waits = new Waits(profile);
  let closed = false;

  const get = async <T>(port: PortName): Promise<T> => {
    if (closed) throw new KvError('UNEXPECTED', `the profile '${profile.name}' was closed before ${port} was asked for`);
    if (!container.isBound(tokenOf(port))) {
      throw new KvError('CONFIG_INVALID', `${profile.file}: the profile '${profile.name}' names no ${port} adapter`, {
        hint: `add '${port}' under 'adapters'`,
      });
    }
    return container.getAsync<T>(tokenOf(port));
  };

  /** An adapter's own `get`. */
  const getFor = <T>(asker: PortName, port: PortName): Promise<T> =>
    opened.some((one) => one.port === asker) ? get<T>(port) : waits.during(asker, port, () => get<T>(port));

  const openerOf = async <T>(
    port: PortName,
    use: string,
    config?: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly value: object | undefined; readonly open: () => Promise<T> }> => {
    const adapter = registry.find(port, use, port);
    const module = await imported(adapter, options.patienceMs);
    const layer: Layer = { use, line: 1, ...(config === undefined ? {} : { config }) };
    const { value } = await adapterConfig(module, layer, use, { ...profile, file: port });
    const context = { directory: options.directory, env: options.env, get, open: openFurther };
    const open = async (): Promise<T> => (await opening(module, value, context, adapter, options.patienceMs)) as T; // what the port's adapters are
    return { value, open };
  };

  const openFurther = async <T>(port: PortName, use: string, config?: Readonly<Record<string, unknown>>): Promise<T> =>
    (await openerOf<T>(port, use, config)).open();

  const openStack = async (port: PortName, stack: readonly NamedLayer[]): Promise<unknown> => {
    let below: unknown;
    for (const [at, { layer, path, adapter }] of stack.entries()) {
      const context: AdapterContext = {
        directory: options.directory,
        env: options.env,
        // To a wrapper, its own port is what it wraps.
        get: <T>(wanted: PortName) => (wanted === port && at > 0 ? Promise.resolve(below as T) : getFor<T>(port, wanted)),
        open: openFurther,
      };
      try {
        const module = await imported(adapter, options.patienceMs);
        const { value } = await adapterConfig(module, layer, path, profile);
        below = await opening(module, value, context, adapter, options.patienceMs);
      } catch (error) {
        if (at > 0) await (below as Closable).close?.(); // no wrapper came to own it
        throw error;
      }
    }
    if (port === 'leader-lock') await requireHosts(profile, stack, below as LeaderLock & Closable); // what the port's adapters are
    return below;
  };

  const openPort = async (port: PortName, stack: readonly NamedLayer[]): Promise<unknown> => {
    const value = await openStack(port, stack).catch((error: unknown) => {
      const instead = KvError.is(error) && error.code === 'PLUGIN_INVALID' ? options.standIn?.(port, error) : undefined;
      if (instead === undefined) throw error;
      return instead;
    });
    opened.push({ port, value: value as Closable });
    return value;
  };

  for (const [port, stack] of layers) {
    container
      .bind(tokenOf(port))
      .toDynamicValue(() => openPort(port, stack))
      .inSingletonScope();
  }

  return {
    profile,
    loaded,
    failed: registry.failed,
    get,
    open: openFurther,
    async opener<T>(port: PortName, use: string, config?: Readonly<Record<string, unknown>>) {
      const { value, open } = await openerOf<T>(port, use, config);
      Object.freeze(value);
      return open;
    },
    rebind(port, value) {
      if (container.isBound(tokenOf(port))) container.unbind(tokenOf(port));
      container.bind(tokenOf(port)).toConstantValue(value);
    },
    activeAdapters: () =>
      [...layers].flatMap(([port, stack]) => stack.map(({ adapter }) => ({ port, name: adapter.name, plugin: adapter.plugin }))),
    values: () => valuesOf(profile, layers, (adapter) => imported(adapter, options.patienceMs)),
    async close() {
      closed = true;
      const errors: unknown[] = [];
      for (let last = opened.pop(); last !== undefined; last = opened.pop()) {
        try {
          await last.value.close?.();
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0) throw errors[0];
    },
  };
}

/** A profile of many hosts takes no lock that holds on one host alone: two of them would lead. */
async function requireHosts(profile: Profile, stack: readonly NamedLayer[], lock: LeaderLock & Closable): Promise<void> {
  if (profile.hosts !== 'many' || lock.capabilities.multiHost) return;
  const [first] = stack;
  await lock.close?.();
  const where = first === undefined ? lineOf(profile.file, 1).where : placeOf(profile, first.layer).where;
  throw new KvError('CONFIG_INVALID', `${where}: adapters.leader-lock: '${first?.layer.use}' is a lock of one host`, {
    hint: `${profile.hostsAt ?? profile.file} says hosts: many; name a lock that holds between hosts, or say hosts: one`,
  });
}
