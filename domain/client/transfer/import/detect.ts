import { KvError } from '../../../../ports/error.js';
import { concat, decodeLoose } from '../../../git/bytes.js';
import type { ImportFormat, ImportSource } from './source.js';

/** How much of a file to look at. Bytes. */
const HEAD = 64 * 1024;

/** Tells a file's format by its beginning. Throws `INPUT_INVALID` for one that is none of those that can be imported. */
export async function detectFormat(source: ImportSource): Promise<ImportFormat> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const piece of source.open()) {
    parts.push(piece.subarray(0, HEAD));
    size += piece.length;
    if (size >= HEAD) break;
  }
  const text = decodeLoose(concat(parts))
    .replace(/^\ufeff/, '')
    .trimStart();
  if (text.startsWith('[')) return 'consul';
  const first = parse(text.split('\n', 1)[0] ?? '');
  if (first !== undefined && 'git-kv' in first) return 'snapshot';
  // Its key lines alone, or a header that is broken, must not be taken for a batch: nothing would tell that keys are missing.
  if (/^\{\s*"git-kv"/.test(text)) return 'snapshot';
  if (/^\{\s*"(?:header|kvs)"\s*:/.test(text)) return 'etcd';
  if (first !== undefined ? 'op' in first : /^\{[^\n]*"op"\s*:/.test(text)) return 'batch';
  throw new KvError(
    'INPUT_INVALID',
    `${source.name} is ${text === '' ? 'empty' : 'nothing that can be imported'}, nothing was written`,
    {
      hint: 'what can be imported: a snapshot, an export of consul or etcd (in JSON), the lines of a batch',
      advice: { id: 'import-formats' },
    },
  );
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // not a line of JSON: the caller goes by what it begins with
  }
}
