import { type AdapterContext, type AdapterModule, KvError } from '../../../ports/index.js';
import { BUILTIN_ADAPTERS } from '../builtin-adapters.js';
import { guarded, named } from './guard.js';
import { limited, OPENING_MS } from './limited.js';
import type { RegisteredAdapter } from '../registry.js';

function isForeign({ plugin }: RegisteredAdapter): boolean {
  return plugin !== BUILTIN_ADAPTERS.id;
}

function nameOf(adapter: RegisteredAdapter): string {
  return `plugin ${adapter.plugin}: ${adapter.port} adapter '${adapter.name}'`;
}

/** Opens an adapter. One that others have written has a time limit, and is guarded from then on. */
export async function opening(
  module: AdapterModule,
  config: unknown,
  context: AdapterContext,
  adapter: RegisteredAdapter,
  ms = OPENING_MS,
): Promise<unknown> {
  if (!isForeign(adapter)) return module.open(config, context);
  const name = nameOf(adapter);
  try {
    const open = async (): Promise<unknown> => module.open(config, context);
    const close = (late: unknown): unknown => (late as { close?: () => Promise<void> } | undefined)?.close?.();
    const opened = await limited(open(), ms, `${name}: does not open`, close);
    // What a chunker throws may be its input's error, which whoever gave the input is to get back.
    return adapter.port === 'chunker' ? opened : guarded(opened, name);
  } catch (error) {
    throw named(error, `${name}: open`);
  }
}

/** An adapter's module. Throws `PLUGIN_INVALID` when it can't be imported, in time, or opens nothing. */
export async function imported(adapter: RegisteredAdapter, ms = OPENING_MS): Promise<AdapterModule> {
  const where = nameOf(adapter);
  let module: Partial<AdapterModule<never>>;
  try {
    const loading = adapter.module();
    module = await (isForeign(adapter) ? limited(loading, ms, `${where}: is not loaded`) : loading);
  } catch (cause) {
    if (KvError.is(cause)) throw cause;
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
