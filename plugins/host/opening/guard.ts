import { KvError } from '../../../ports/index.js';

/**
 * An adapter that somebody else has written, so that whatever it throws is an error that names it: `PLUGIN_INVALID`, unless it is a
 * `KvError` already. What its methods give (a lease, a quarantine, records one by one) is guarded in the same way.
 */
export function guarded<T>(value: T, name: string): T {
  return isGuarded(value) ? (new Proxy(value, handler(name)) as T) : value; // a proxy of a T stands for it
}

/** Objects of the adapter's own making: what the language and Node bring (signals, maps, buffers, streams) stays as it is. */
function isGuarded(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const kind = Object.prototype.toString.call(value);
  if (kind === '[object AsyncGenerator]') return true;
  if (kind !== '[object Object]' || typeof (value as { pipe?: unknown }).pipe === 'function') return false;
  const isPlain = Object.getPrototypeOf(value) === Object.prototype;
  return !isPlain || Object.values(value).some((one) => typeof one === 'function'); // a record of facts can't throw
}

function handler(name: string): ProxyHandler<object> {
  return {
    get(target, key) {
      const found: unknown = Reflect.get(target, key, target);
      if (typeof found !== 'function') return found;
      const fixed = Object.getOwnPropertyDescriptor(target, key);
      // A proxy must not give anything else in the place of what can't change.
      if (fixed?.configurable === false && fixed.writable === false) return found;
      const call = typeof key === 'symbol' ? name : `${name}: ${key}`;
      return (...args: unknown[]): unknown => {
        try {
          const given: unknown = Reflect.apply(found, target, args);
          if (!(given instanceof Promise)) return guarded(given, name);
          return given.then(
            (result: unknown) => guarded(result, name),
            (error: unknown) => Promise.reject(named(error, call)),
          );
        } catch (error) {
          throw named(error, call);
        }
      };
    },
  };
}

/** An error of a plugin's, with its name in front. */
export function named(error: unknown, name: string): KvError {
  if (KvError.is(error)) return error;
  return new KvError('PLUGIN_INVALID', `${name}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
    hint: 'ask who wrote the plugin, or name another adapter in the profile',
  });
}
