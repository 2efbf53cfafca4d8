import type { PortName } from '../../../ports/index.js';
import type { Choice, Layer, Profile } from '../profile.js';
import type { ChoiceChange, ProfileSource } from './parse.js';
import { lineOf, type ValuePlace } from './place.js';

/** Where a layer's adapter is named. */
export function placeOf(profile: Profile, layer: Layer): ValuePlace {
  return layer.place ?? lineOf(layer.file ?? profile.file, layer.line);
}

/** Where a key of a layer's configuration stands; a nested key's name has dots. */
export function keyPlace(profile: Profile, layer: Layer, key: string): ValuePlace {
  const own = layer.configPlaces?.[key];
  if (own !== undefined) return own;
  const line = layer.configLines?.[key];
  if (line !== undefined) return lineOf(layer.file ?? profile.file, line);
  // What is missing has no line: the mapping that lacks it has one.
  const dot = key.lastIndexOf('.');
  return dot < 0 ? placeOf(profile, layer) : keyPlace(profile, layer, key.slice(0, dot));
}

/**
 * A profile out of its file and of what that extends. What the file says of a port with a `use` stands alone; without one, its
 * keys go on top of the inherited configuration, and its `wrap`, where there is one, takes the inherited one's place. Throws nothing:
 * a port without `use` that nobody has named above keeps the empty name, which the registry refuses with its line.
 */
export function inherit(source: ProfileSource, file: string, parent: Profile | undefined): Profile {
  const adapters: Partial<Record<PortName, Choice>> = {};
  for (const [port, choice] of Object.entries(parent?.adapters ?? {}) as [PortName, Choice][])
    adapters[port] = { ...withFile(choice, parent), wrap: choice.wrap.map((layer) => withFile(layer, parent)) };
  for (const [port, change] of Object.entries(source.adapters) as [PortName, ChoiceChange][])
    adapters[port] = changed(adapters[port], change, file);
  const hosts = source.hosts;
  const inherited = parent?.hosts === undefined ? {} : { hosts: parent.hosts, hostsAt: parent.hostsAt ?? parent.file };
  const settings = { ...parent?.settings, ...source.settings };
  return {
    name: source.name,
    file,
    plugins: [...(parent?.plugins ?? []), ...source.plugins],
    adapters,
    ...(hosts === undefined ? inherited : { hosts: hosts.value, hostsAt: `${file}:${hosts.line}` }),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
  };
}

function withFile<L extends Layer>(layer: L, profile: Profile | undefined): L {
  return layer.file === undefined && profile !== undefined ? { ...layer, file: profile.file } : layer;
}

function changed(above: Choice | undefined, change: ChoiceChange, file: string): Choice {
  const { use, line, config, configLines } = change;
  if (use !== undefined || above === undefined) {
    const own = config === undefined ? {} : { config, ...(configLines === undefined ? {} : { configLines }) };
    return { use: use ?? '', line, ...own, wrap: change.wrap ?? [] };
  }
  const wrap = change.wrap ?? above.wrap;
  if (config === undefined) return { ...above, wrap };
  const places = Object.entries(configLines ?? {}).map(([key, at]) => [key, lineOf(file, at)] as const);
  const configPlaces = { ...above.configPlaces, ...Object.fromEntries(places) };
  return { ...above, config: merged(above.config ?? {}, config), configPlaces, wrap };
}

/** Mappings are merged key by key; everything else is replaced. */
function merged(below: Readonly<Record<string, unknown>>, above: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const all = new Map(Object.entries(below));
  for (const [key, value] of Object.entries(above)) {
    const old = all.get(key);
    all.set(key, isMapping(old) && isMapping(value) ? merged(old, value) : value);
  }
  return Object.fromEntries(all);
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
