import type { ValidationError } from 'class-validator';
import { meant } from '../../../ports/grammar/nearest.js';
import { type AdapterModule, type ConfigClass, KvError } from '../../../ports/index.js';
import type { Layer, Profile } from '../profile.js';
import { loosely } from './change.js';
import { keyPlace } from './inherit.js';
import { DEFAULT_PLACE, type ValuePlace } from './place.js';

/** What an adapter is opened with, and where each key of it comes from. */
export interface Configured {
  /** An instance of the adapter's Config; undefined when it has none. */
  readonly value: object | undefined;
  placeOf(key: string): ValuePlace;
}

type Checker = (config: object) => ValidationError[];

/**
 * The configuration that `open` gets: the defaults of the adapter's Config, the layer's keys on top, and above them what is set from
 * outside. class-validator is loaded only for an adapter that has a Config (whose decorators have loaded it already), so reads never
 * pay for it. Throws `CONFIG_INVALID`, all faults at once, each naming its file and line, or where else the value stands.
 */
export async function adapterConfig(module: AdapterModule, layer: Layer, path: string, profile: Profile): Promise<Configured> {
  const { Config } = module;
  const given = layer.config ?? {};
  const sets = layer.set ?? [];
  const at = (key: string): string => `${keyPlace(profile, layer, key).where}: ${path}.config.${key}`;
  if (Config === undefined) {
    const none = `unknown key; '${layer.use}' takes no configuration`;
    const faults = [
      ...Object.keys(given).map((key) => `${at(key)}: ${none}`),
      ...sets.map(({ key, place }) => `${place.where}: ${path}.config.${key}: ${none}`),
    ];
    if (faults.length > 0) throw wrong(faults);
    return { value: undefined, placeOf: () => DEFAULT_PLACE };
  }
  const { getMetadataStorage, validateSync } = await import('../validation.js');
  const known = knownKeys(Config, getMetadataStorage);
  const check: Checker = (config) =>
    validateSync(config, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
  const places = new Map<string, ValuePlace>();
  const faults: string[] = [];
  let plain: Record<string, unknown> = { ...given };
  for (const { key: loose, text, place } of sets) {
    const key = known.find((name) => loosely(name) === loosely(loose));
    if (key === undefined) faults.push(`${place.where}: ${path}.config.${loose}: unknown key${meant(loose, known)}`);
    else {
      plain = { ...plain, [key]: await readAs(Config, key, text, plain, check) };
      places.set(key, place);
    }
  }
  const config = Object.keys(plain).length === 0 ? new Config() : await instanceOf(Config, plain);
  const where = (key: string): string => {
    const place = places.get(key.split('.')[0] ?? '');
    return place === undefined ? at(key) : `${place.where}: ${path}.config.${key}`;
  };
  for (const error of check(config)) faults.push(...spell(error, error.property, where, getMetadataStorage));
  // class-transformer leaves out `__proto__` and `constructor` without a word.
  for (const key of Object.keys(plain)) if (!Object.hasOwn(config, key)) faults.push(`${where(key)}: unknown key`);
  if (faults.length > 0) throw wrong(faults);
  return {
    value: config,
    placeOf: (key) => places.get(key) ?? (Object.hasOwn(given, key) ? keyPlace(profile, layer, key) : DEFAULT_PLACE),
  };
}

/** Text is taken as it is where that will do, and as JSON (a number, true, a list) where that does better. */
async function readAs(
  Config: ConfigClass,
  key: string,
  text: string,
  plain: Readonly<Record<string, unknown>>,
  check: Checker,
): Promise<unknown> {
  let other: unknown;
  try {
    other = JSON.parse(text);
  } catch {
    return text; // nothing but text
  }
  const wrongAs = async (value: unknown): Promise<boolean> =>
    check(await instanceOf(Config, { ...plain, [key]: value })).some(({ property }) => property === key);
  return (await wrongAs(text)) && !(await wrongAs(other)) ? other : text;
}

async function instanceOf(type: ConfigClass, plain: Readonly<Record<string, unknown>>): Promise<object> {
  const { plainToInstance } = await import('../validation.js');
  return plainToInstance(type, plain, { exposeDefaultValues: true });
}

type Metadata = typeof import('class-validator').getMetadataStorage;

function knownKeys(type: new () => object, metadata: Metadata): string[] {
  const found = metadata().getTargetValidationMetadatas(type, '', true, false);
  return [...new Set(found.map((one) => one.propertyName))];
}

function spell(error: ValidationError, key: string, where: (key: string) => string, metadata: Metadata): string[] {
  const known = (): string[] =>
    error.target === undefined ? [] : knownKeys(error.target.constructor as new () => object, metadata); // an instance's class
  const own = Object.entries(error.constraints ?? {}).map(([name, message]) => {
    if (name === 'whitelistValidation') return `${where(key)}: unknown key${meant(error.property, known())}`;
    const what = message.startsWith(`${error.property} `) ? message.slice(error.property.length + 1) : message;
    return `${where(key)}: ${error.value === undefined ? `is missing; ${what}` : what}`;
  });
  return [...own, ...(error.children ?? []).flatMap((child) => spell(child, `${key}.${child.property}`, where, metadata))];
}

function wrong(faults: readonly string[]): KvError {
  return new KvError('CONFIG_INVALID', faults.join('\n'), { hint: 'correct the profile', details: { faults: faults.length } });
}
