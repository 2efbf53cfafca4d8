import { createRequire, register } from 'node:module';

/** In Node's loader: what imports git-kv and has none beside it gets the one that this file is of, by its own exports. */
const HOOKS = `
let own;
const initialize = (data) => { own = data.own; };
const resolve = async (specifier, context, next) => {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !/^git-kv(?:\\/|$)/.test(specifier)) throw error;
    return next(specifier, { ...context, parentURL: own });
  }
};
export { initialize, resolve };`;

/** A process has one loader, whatever is opened in it, so this is its state and nobody's here. */
let isProvided = false;

/**
 * Lets a plugin import git-kv where it isn't installed beside it: a plugin is installed beside a profile, and git-kv anywhere. Changes
 * nothing where the plugin finds one itself, which it then keeps.
 */
export function provideOwnPackage(pluginFile: string): void {
  if (isProvided || finds(pluginFile)) return;
  isProvided = true;
  register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, { parentURL: import.meta.url, data: { own: import.meta.url } });
}

function finds(file: string): boolean {
  try {
    createRequire(file).resolve('git-kv/package.json');
    return true;
  } catch {
    return false; // it isn't there, or is another's that shows nothing
  }
}
