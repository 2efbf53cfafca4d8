import { join } from 'node:path';
import { isObject } from '../../../../domain/admin/fields.js';
import { readKept, writeKept } from '../../repository/kept-file.js';
import type { KnownNames } from './replica-peers.js';

/** Keeps the names of the other servers of a root. What can't be read as such counts as nothing: they are found again. */
export function knownNamesOf(root: string): KnownNames {
  const file = join(root, '.stargate', 'peers.json');
  return {
    async read() {
      const kept = parsed((await readKept(file)) ?? '{}');
      return new Map(Object.entries(kept).flatMap(([at, name]) => (typeof name === 'string' ? [[at, name] as const] : [])));
    },
    write: (names) => writeKept(file, `${JSON.stringify(Object.fromEntries(names))}\n`),
  };
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {}; // somebody else's
  }
}
