import { Container } from 'inversify';
import {
  type AdapterContext,
  type AdapterModule,
  KvError,
  type PluginManifest,
  type PortName,
  tokenOf,
} from '../../ports/index.js';
import { adapterConfig } from './adapter-config.js';
import { BUILTIN_ADAPTERS } from './builtin-adapters.js';
import { BUILTIN_PROFILES } from './builtin-profiles.js';
import { loadPlugin } from './load-plugin.js';
import { type Layer, type Profile, readProfile } from './profile.js';
import { createRegistry, type RegisteredAdapter, type Registry } from './registry.js';

/** Where a profile is opened, and which plugins there are. */
export interface OpenProfileOptions {
  /** The repository's Git directory, or the folder to look for one from. */
  readonly directory: string;
  /** What adapters give their child processes. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Manifests besides the built-in ones and those that the profile lists. */
  readonly plugins?: readonly PluginManifest[];
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
  /** Opens a port's adapter, once, and gives it. Throws `CONFIG_INVALID` when the profile names none; what `open` throws. */
  get<T>(port: PortName): Promise<T>;
  /**
   * Opens a further adapter of a port, by name and configuration, for what is only known at run time: a policy names its
   * chunker. The caller owns it. Throws `CONFIG_INVALID` for an unknown name or a wrong configuration.
   */
  open<T>(port: PortName, use: string, config?: Readonly<Record<string, unknown>>): Promise<T>;
  /** Puts a value in a port's place, for tests. The caller closes it. Adapters that already hold the old one keep it. */
  rebind(port: PortName, value: object): void;
  /** What the profile names, opened or not. */
  activeAdapters(): readonly ActiveAdapter[];
  /** Closes what was opened, the last first. Idempotent. Throws the first error after having closed all. */
  close(): Promise<void>;
}

interface NamedLayer {
  readonly layer: Layer;
  readonly path: string;
  readonly adapter: RegisteredAdapter;
}

interface Closable {
  close?: () => Promise<void>;
}

/** A built-in profile by its name, else a file by its path. */
export async function findProfile(nameOrFile: string): Promise<Profile> {
  if (Object.hasOwn(BUILTIN_PROFILES, nameOrFile)) return BUILTIN_PROFILES[nameOrFile] as Profile;
  if (/[/\\]|\.ya?ml$/.test(nameOrFile)) return readProfile(nameOrFile);
  throw new KvError('CONFIG_INVALID', `no profile is called '${nameOrFile}'`, {
    hint: `use one of: ${Object.keys(BUILTIN_PROFILES).join(', ')}; or the path of a YAML file`,
  });
}

/**
 * Makes a container of a profile's adapters. Every name is looked up now, and nothing is opened: an adapter's module is
 * imported by the first `get` of its port. Throws `CONFIG_INVALID`, `PLUGIN_INVALID`.
 */
export async function openProfile(profileOrName: Profile | string, options: OpenProfileOptions): Promise<Composition> {
  const profile = typeof profileOrName === 'string' ? await findProfile(profileOrName) : profileOrName;
  const listed = await Promise.all(profile.plugins.map((specifier) => loadPlugin(specifier, profile.file)));
  const given = (options.plugins ?? []).map((manifest) => ({ manifest, from: manifest.id }));
  const registry = createRegistry([{ manifest: BUILTIN_ADAPTERS, from: 'git-kv' }, ...given, ...listed]);

  const layers = new Map<PortName, NamedLayer[]>();
  for (const [port, choice] of Object.entries(profile.adapters) as [PortName, Profile['adapters'][PortName]][]) {
    if (choice === undefined) continue;
    const named = (layer: Layer, path: string): NamedLayer => {
      return { layer, path, adapter: registry.find(port, layer.use, `${profile.file}:${layer.line}: ${path}`) };
    };
    const wraps = choice.wrap.map((layer, at) => named(layer, `adapters.${port}.wrap[${at}]`));
    layers.set(port, [named(choice, `adapters.${port}`), ...wraps]);
  }
  return compose(profile, layers, registry, options);
}

function compose(
  profile: Profile,
  layers: ReadonlyMap<PortName, readonly NamedLayer[]>,
  registry: Registry,
  options: OpenProfileOptions,
): Composition {
  const container = new Container();
  const opened: { port: PortName; value: Closable }[] = [];
  /** Which ports' adapters wait, while they open, for which others. */
  const waits = new Map<PortName, Set<PortName>>();
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

  /** An adapter's own `get`: remembers who waits for whom, since two that wait for each other never open. */
  const getFor = async <T>(asker: PortName, port: PortName): Promise<T> => {
    const isOpen = opened.some((one) => one.port === asker);
    const circle = isOpen ? null : wayBack(waits, port, asker);
    if (circle !== null) {
      throw new KvError('PLUGIN_INVALID', `${profile.file}: adapters need each other: ${[asker, ...circle].join(' -> ')}`, {
        hint: 'name another adapter for one of these ports; a wrapper belongs under wrap',
      });
    }
    const waiting = waits.get(asker) ?? new Set();
    waits.set(asker, waiting.add(port));
    try {
      return await get<T>(port);
    } finally {
      waiting.delete(port);
    }
  };

  const openPort = async (port: PortName, stack: readonly NamedLayer[]): Promise<unknown> => {
    let below: unknown;
    for (const [at, { layer, path, adapter }] of stack.entries()) {
      const context: AdapterContext = {
        directory: options.directory,
        env: options.env,
        // To a wrapper, its own port is what it wraps.
        get: <T>(wanted: PortName) => (wanted === port && at > 0 ? Promise.resolve(below as T) : getFor<T>(port, wanted)),
      };
      try {
        const module = await imported(adapter);
        below = await module.open(await adapterConfig(module, layer, path, profile.file), context);
      } catch (error) {
        if (at > 0) await (below as Closable).close?.(); // no wrapper came to own it
        throw error;
      }
    }
    opened.push({ port, value: below as Closable });
    return below;
  };

  for (const [port, stack] of layers) {
    container
      .bind(tokenOf(port))
      .toDynamicValue(() => openPort(port, stack))
      .inSingletonScope();
  }

  return {
    profile,
    get,
    async open<T>(port: PortName, use: string, config?: Readonly<Record<string, unknown>>): Promise<T> {
      const module = await imported(registry.find(port, use, port));
      const layer: Layer = { use, line: 1, ...(config === undefined ? {} : { config }) };
      return (await module.open(await adapterConfig(module, layer, use, port), { ...options, get })) as T;
    },
    rebind(port, value) {
      if (container.isBound(tokenOf(port))) container.unbind(tokenOf(port));
      container.bind(tokenOf(port)).toConstantValue(value);
    },
    activeAdapters: () =>
      [...layers].flatMap(([port, stack]) => stack.map(({ adapter }) => ({ port, name: adapter.name, plugin: adapter.plugin }))),
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

async function imported(adapter: RegisteredAdapter): Promise<AdapterModule> {
  const where = `plugin ${adapter.plugin}: ${adapter.port} adapter '${adapter.name}'`;
  let module: Partial<AdapterModule>;
  try {
    module = await adapter.module();
  } catch (cause) {
    throw new KvError(
      'PLUGIN_INVALID',
      `${where}: cannot be imported: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
        hint: 'install what it needs, or name another adapter in the profile',
      },
    );
  }
  if (typeof module.open !== 'function') {
    throw new KvError('PLUGIN_INVALID', `${where}: its module exports no function 'open'`, { hint: 'see ports/plugin.ts' });
  }
  return module as AdapterModule;
}

/** The ports on the way from one to another along the waits, both ends included; null when there is none. */
function wayBack(waits: ReadonlyMap<PortName, ReadonlySet<PortName>>, from: PortName, to: PortName): PortName[] | null {
  if (from === to) return [to];
  for (const next of waits.get(from) ?? []) {
    const way = wayBack(waits, next, to);
    if (way !== null) return [from, ...way];
  }
  return null;
}
