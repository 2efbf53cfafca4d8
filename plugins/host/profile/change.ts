import { KvError, nearest, PORT_NAMES, type PortName } from '../../../ports/index.js';
import type { Choice, Layer, Profile, SetKey } from '../profile.js';
import type { ValuePlace } from './place.js';

/** What stands above a profile's file: one value of one adapter. */
export interface Change {
  /** The port as its name or loosely spelt, then perhaps a wrapper, then `use` or a key of the configuration. */
  readonly path: readonly string[];
  readonly text: string;
  readonly place: ValuePlace;
}

/** Names that differ in case, dashes and underscores alone are one: the environment has no others. */
export function loosely(name: string): string {
  return name.replace(/[-_]/g, '').toLowerCase();
}

/**
 * The profile with changes on top, the weakest first. A `use` puts another adapter in the place of the named one, without its
 * configuration and with its wrappers. Throws `CONFIG_INVALID` for a port or a wrapper that isn't there, naming the place.
 */
export function changeProfile(profile: Profile, changes: readonly Change[]): Profile {
  return changes.reduce(changed, profile);
}

function changed(profile: Profile, { path, text, place }: Change): Profile {
  const [first = '', ...rest] = path;
  const port = PORT_NAMES.find((name) => loosely(name) === loosely(first));
  if (port === undefined) throw wrong(place, `no port is called '${first}'`, nearest(first, PORT_NAMES), PORT_NAMES);
  const choice = profile.adapters[port];
  const key = rest.at(-1);
  if (key === undefined || rest.length > 2)
    throw wrong(place, `'${path.join('.')}' names no value`, undefined, [`${port}.use`, `${port}.KEY`, `${port}.WRAPPER.KEY`]);
  const put = (next: Choice): Profile => ({ ...profile, adapters: { ...profile.adapters, [port]: next } });
  if (rest.length === 1 && loosely(key) === 'use') return put({ use: text, line: 1, place, wrap: choice?.wrap ?? [] });
  if (choice === undefined)
    throw wrong(place, `the profile '${profile.name}' names no ${port} adapter`, undefined, portsOf(profile));
  const set: SetKey = { key, text, place };
  if (rest.length === 1) return put(withKey(choice, set));
  const name = rest[0] ?? '';
  const names = choice.wrap.map(({ use }) => use);
  const at = wrapperCalled(name, names, port);
  if (at < 0) throw wrong(place, `no wrapper around the ${port} is called '${name}'`, nearest(name, names), names);
  return put({ ...choice, wrap: choice.wrap.map((layer, i) => (i === at ? withKey(layer, set) : layer)) });
}

/** Which one is meant; around a mirror, `breaker` is `mirror-breaker` too, which is the same wrapper by its longer name. -1: none. */
function wrapperCalled(name: string, names: readonly string[], port: PortName): number {
  const exact = names.findIndex((one) => loosely(one) === loosely(name));
  if (exact >= 0) return exact;
  const kind = port.split('-', 1)[0] ?? '';
  const short = (one: string): string => loosely(one).replace(new RegExp(`^${kind}`), '');
  return names.findIndex((one) => short(one) === short(name));
}

function withKey<L extends Layer>(layer: L, set: SetKey): L {
  return { ...layer, set: [...(layer.set ?? []), set] };
}

function portsOf(profile: Profile): PortName[] {
  return Object.keys(profile.adapters) as PortName[];
}

function wrong(place: ValuePlace, what: string, near: string | undefined, known: readonly string[]): KvError {
  const hint = near === undefined ? `there are: ${known.join(', ')}` : `did you mean '${near}'?`;
  return new KvError('CONFIG_INVALID', `${place.where}: ${what}`, { hint });
}
