import type { ValidationError } from 'class-validator';
import { type AdapterModule, type ConfigClass, KvError } from '../../ports/index.js';
import type { Layer } from './profile.js';

/**
 * The configuration that `open` gets: the defaults of the adapter's Config with the layer's keys on top. class-validator
 * is loaded only for an adapter that has a Config (whose decorators have loaded it already), so reads never pay for it.
 * Throws `CONFIG_INVALID`, all faults at once, naming file and line.
 */
export async function adapterConfig(module: AdapterModule, layer: Layer, path: string, file: string): Promise<unknown> {
  const { Config } = module;
  const at = (key: string): string => `${file}:${layer.configLines?.[key] ?? layer.line}: ${path}.config`;
  const keys = Object.keys(layer.config ?? {});
  if (Config === undefined) {
    if (keys.length === 0) return undefined;
    throw wrong(keys.map((key) => `${at(key)}.${key}: unknown key; '${layer.use}' takes no configuration`));
  }
  const { validateSync } = await import('class-validator');
  const config = layer.config === undefined ? new Config() : await instanceOf(Config, layer.config);
  const errors = validateSync(config, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
  const faults = errors.flatMap((error) => spell(error, `${at(error.property)}.${error.property}`));
  // class-transformer leaves out `__proto__` and `constructor` without a word.
  for (const key of keys) if (!Object.hasOwn(config, key)) faults.push(`${at(key)}.${key}: unknown key`);
  if (faults.length > 0) throw wrong(faults);
  return config;
}

async function instanceOf(type: ConfigClass, plain: Readonly<Record<string, unknown>>): Promise<object> {
  await import('reflect-metadata'); // class-transformer's @Type reads it, should a Config nest
  const { plainToInstance } = await import('class-transformer');
  return plainToInstance(type, plain, { exposeDefaultValues: true });
}

function spell(error: ValidationError, at: string): string[] {
  const own = Object.entries(error.constraints ?? {}).map(([name, message]) => {
    if (name === 'whitelistValidation') return `${at}: unknown key`;
    return `${at}: ${message.startsWith(`${error.property} `) ? message.slice(error.property.length + 1) : message}`;
  });
  return [...own, ...(error.children ?? []).flatMap((child) => spell(child, `${at}.${child.property}`))];
}

function wrong(faults: readonly string[]): KvError {
  return new KvError('CONFIG_INVALID', faults.join('\n'), { hint: 'correct the profile', details: { faults: faults.length } });
}
