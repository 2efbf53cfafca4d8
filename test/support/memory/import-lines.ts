import type { ImportSource } from '../../../domain/client/transfer/import/source.js';
import { utf8 } from '../../../domain/git/bytes.js';

/** What an import reads: so many keys, a line each, and no values in files. `named` and `valued` say what each is called, and has. */
export function importLines(count: number, named: (i: number) => string, valued: (i: number) => string = String): ImportSource {
  const lines = Array.from({ length: count }, (_, i) => `${JSON.stringify({ op: 'set', key: named(i), value: valued(i) })}\n`);
  return {
    name: 'keys.ndjson',
    async *open() {
      yield utf8(lines.join(''));
    },
    file: async () => ({ fault: 'there is none' }),
  };
}
