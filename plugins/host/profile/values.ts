import { type AdapterModule, type PortName, shownUrl } from '../../../ports/index.js';
import { adapterConfig } from './adapter-config.js';
import type { Profile } from '../profile.js';
import type { NamedLayer, RegisteredAdapter } from '../registry.js';
import { keyPlace, placeOf } from './inherit.js';
import type { Source, ValuePlace } from './place.js';

/** A value that is in force, under its whole name, and where it comes from. */
export interface ProfileValue {
  /** `adapters.journal.config.path`. */
  readonly name: string;
  /** What nobody is to see is `(hidden)`; null: nothing is set. */
  readonly value: unknown;
  readonly source: Source;
  /** The file and line, the flag, the variable; empty for a default. */
  readonly where: string;
}

const HIDDEN = '(hidden)';
const SECRET = /pass(?:word|phrase|wd)?$|secret|token|credential|private/i;

/** Every adapter and every key of its configuration, defaults too. Throws what importing and checking them throws. */
export async function valuesOf(
  profile: Profile,
  layers: ReadonlyMap<PortName, readonly NamedLayer[]>,
  load: (adapter: RegisteredAdapter) => Promise<AdapterModule>,
): Promise<readonly ProfileValue[]> {
  const values: ProfileValue[] = [];
  for (const stack of layers.values()) {
    for (const { layer, path, adapter } of stack) {
      values.push(shownValue(`${path}.use`, layer.use, placeOf(profile, layer)));
      const module = await load(adapter);
      const configured = await adapterConfig(module, layer, path, profile);
      for (const [key, value] of Object.entries(configured.value ?? {})) {
        const hidden = module.secrets?.includes(key) === true || SECRET.test(key);
        const place = configured.placeOf(key);
        values.push(...spread(`${path}.config.${key}`, hidden ? HIDDEN : value, place, (name) => placed(name, place)));
      }
      function placed(name: string, place: ValuePlace): ValuePlace {
        return place.source === 'profile' ? keyPlace(profile, layer, name.slice(`${path}.config.`.length)) : place;
      }
    }
  }
  return values;
}

/** A mapping is shown key by key. */
function spread(name: string, value: unknown, place: ValuePlace, placeOfKey: (name: string) => ValuePlace): ProfileValue[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [shownValue(name, value, place)];
  return Object.entries(value).flatMap(([key, one]) => {
    const below = `${name}.${key}`;
    return spread(below, SECRET.test(key) ? HIDDEN : one, placeOfKey(below), placeOfKey);
  });
}

/** As people may see it: no password of an address. */
export function shownValue(name: string, value: unknown, { source, where }: ValuePlace): ProfileValue {
  return { name, value: typeof value === 'string' ? shownUrl(value) : (value ?? null), source, where };
}
