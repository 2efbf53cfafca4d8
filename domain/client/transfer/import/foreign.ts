import { decodeBase64 } from '../../../../ports/grammar/base64.js';
import { decodeUtf8 } from '../../../git/bytes.js';
import { keyFault, quoteKey } from '../../../ledger/value/key.js';
import type { BatchFault } from '../../write/parse-batch.js';
import { typeOfBytes } from '../../write/value/content-type.js';
import { type Element, ElementScanner } from './elements.js';
import { type Found, type ImportEntry, type ImportSource, input } from './source.js';

type Fields = Readonly<Record<string, unknown>>;

/** `consul kv export`: an array of `{"key","flags","value"}`, the value in base64. */
export async function* readConsul(source: ImportSource): AsyncGenerator<Found[]> {
  const scanner = new ElementScanner(source, null);
  let flags = 0;
  for await (const elements of scanner.run()) {
    yield elements.map((element) => {
      const fields = fieldsOf(element);
      if (fields === undefined) return input(element.line, `entry ${element.at} is not a JSON object`);
      if (fields['flags'] !== undefined && fields['flags'] !== 0) flags++;
      const { key } = fields;
      if (typeof key !== 'string') return input(element.line, `entry ${element.at} has no 'key' that is a string`);
      const entry = entryOf(element, key, fields['value'] ?? '');
      return key.endsWith('/') && 'operation' in entry && (fields['value'] ?? '') === ''
        ? { ...entry, folder: true as const }
        : entry;
    });
  }
  scanner.skeleton();
  if (flags > 0) yield [{ warning: `${plural(flags, 'entry has', 'entries have')} Consul flags, which are left behind` }];
}

/**
 * `etcdctl get --prefix -w json`: an object with `kvs`, an array of `{"key","value",…}`, both in base64. Go leaves an empty value out,
 * and `kvs` itself where nothing was found.
 */
export async function* readEtcd(source: ImportSource): AsyncGenerator<Found[]> {
  const scanner = new ElementScanner(source, 'kvs');
  let [entries, leases, empty] = [0, 0, 0];
  for await (const elements of scanner.run()) {
    yield elements.map((element) => {
      entries++;
      const fields = fieldsOf(element);
      if (fields === undefined) return input(element.line, `entry ${element.at} is not a JSON object`);
      if (fields['lease'] !== undefined && fields['lease'] !== 0) leases++;
      if (fields['value'] === undefined) empty++;
      const bytes = typeof fields['key'] === 'string' ? decodeBase64(fields['key']) : undefined;
      if (bytes === undefined) return input(element.line, `entry ${element.at} has no 'key' in base64`);
      const key = decodeUtf8(bytes);
      if (key === undefined) return { line: element.line, kind: 'key', what: `entry ${element.at} has a key that is not UTF-8` };
      return entryOf(element, key, fields['value'] ?? '');
    });
  }
  const { count, more } = scanner.skeleton() as Fields;
  const warnings: string[] = [];
  if (more === true || (typeof count === 'number' && count > entries))
    warnings.push(`the export holds ${entries} of ${count} keys: it was made with a limit`);
  if (leases > 0) warnings.push(`${plural(leases, 'entry has', 'entries have')} a lease, which is left behind: nothing expires`);
  if (entries > 0 && empty === entries) warnings.push('no entry has a value: was it exported with --keys-only?');
  yield warnings.map((warning) => ({ warning }));
}

function entryOf({ line, at }: Element, key: string, value: unknown): ImportEntry | BatchFault {
  const fault = keyFault(key);
  if (fault !== undefined) return { line, kind: 'key', what: `entry ${at} has the invalid key ${quoteKey(key)}: ${fault}` };
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined;
  if (bytes === undefined) return input(line, `entry ${at} (${quoteKey(key)}) has a 'value' that is not base64`);
  return { line, operation: { op: 'set', key, value: bytes, ctype: typeOfBytes(bytes) } };
}

function fieldsOf({ text }: Element): Fields | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Fields);
  } catch {
    return undefined; // the parser's own words could quote a value
  }
}

const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;
