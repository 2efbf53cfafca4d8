import { KvError } from '../../../../ports/error.js';
import type { Hasher } from '../../../../ports/hasher.js';
import { decodeBase64 } from '../../../../ports/grammar/base64.js';
import { isText, isTextOrNull } from '../../../ledger/canonical-json.js';
import { decodeUtf8, isWellFormed, utf8 } from '../../../git/bytes.js';
import { keyFault, quoteKey } from '../../../ledger/value/key.js';
import { isContentType, isTime } from '../../../ledger/value/metadata.js';
import type { BatchFault } from '../../write/parse-batch.js';
import type { ValueStream } from '../../write/operations.js';
import { fileNameOf, readHeader, SNAPSHOT_VERSION } from '../snapshot-format.js';
import { linesOf } from './lines.js';
import { type Found, type ImportEntry, type ImportSource, input } from './source.js';

type Fields = Readonly<Record<string, unknown>>;

const FIELDS = new Set(['key', 'ctype', 'ttl', 'created_by', 'created_at', 'txn', 'etag', 'value', 'value_b64', 'file']);
const VALUES = ['value', 'value_b64', 'file'] as const;
const NEWLINE = utf8('\n');

/**
 * Reads a snapshot: its header, its keys, and its end, which tells a file that was cut off or changed. Each value is held against its
 * ETag; a large value's file only when `digests` says so. Throws `FORMAT_UNSUPPORTED` for another version.
 */
export async function* readSnapshot(source: ImportSource, hasher: Hasher, digests: boolean): AsyncGenerator<Found[]> {
  const run = new SnapshotReader(source, hasher, digests);
  for await (const lines of linesOf(source)) {
    const found: Found[] = [];
    for (const { line, bytes } of lines) found.push(...(await run.line(line, bytes)));
    yield found;
  }
  yield run.finish();
}

class SnapshotReader {
  private files: string | null = null;
  private keys = 0;
  private last = 0;
  private ended = false;
  private readonly digest;

  constructor(
    private readonly source: ImportSource,
    private readonly hasher: Hasher,
    private readonly digests: boolean,
  ) {
    this.digest = hasher.stream('sha256');
  }

  async line(line: number, bytes: Uint8Array): Promise<Found[]> {
    this.last = line;
    const fields = parseObject(bytes);
    if (line === 1) return this.header(fields);
    if (this.ended) return [input(line, 'follows the end of the snapshot')];
    if (fields?.['git-kv'] === 'end') return this.end(line, fields);
    this.digest.update(bytes).update(NEWLINE);
    this.keys++;
    if (fields === undefined) return [input(line, 'is not a JSON object')];
    return [await this.key(line, fields)];
  }

  finish(): BatchFault[] {
    return this.ended ? [] : [input(this.last, 'is the last line, but not the end of a snapshot: the file was cut off')];
  }

  private header(fields: Fields | undefined): Found[] {
    const version = fields?.['v'];
    if (version !== SNAPSHOT_VERSION) {
      throw new KvError('FORMAT_UNSUPPORTED', `snapshot ${this.source.name} has version ${JSON.stringify(version) ?? 'none'}`, {
        hint: `this git-kv reads version ${SNAPSHOT_VERSION}: update it`,
      });
    }
    const header = readHeader(fields ?? {});
    if (header === undefined) return [input(1, 'is no header of a snapshot: ns, epoch or commit is missing')];
    this.files = header.files;
    return [];
  }

  private end(line: number, { keys, sha256 }: Fields): Found[] {
    this.ended = true;
    if (keys !== this.keys)
      return [input(line, `says that there are ${JSON.stringify(keys) ?? 'no'} keys, but there are ${this.keys}`)];
    return sha256 === this.digest.hex()
      ? []
      : [input(line, 'has a sha256 that is not that of the lines before: one was changed')];
  }

  private async key(line: number, fields: Fields): Promise<ImportEntry | BatchFault> {
    const { key, ctype, etag } = fields;
    const ttl = fields['ttl'] ?? null;
    const foreign = Object.keys(fields).filter((name) => !FIELDS.has(name));
    if (foreign.length > 0)
      return input(line, `has ${foreign.map((name) => quoteKey(name)).join(', ')}, which no key of a snapshot has`);
    if (!isText(key)) return input(line, "has no 'key' that is a string");
    const fault = keyFault(key);
    if (fault !== undefined) return { line, kind: 'key', what: `has the invalid key ${quoteKey(key)}: ${fault}` };
    if (!isText(ctype) || !isContentType(ctype)) return input(line, `has no 'ctype' of the form type/subtype`);
    if (!isTextOrNull(ttl) || (ttl !== null && !isTime(ttl)))
      return input(line, "has a 'ttl' that is no time of the form 2027-01-31T00:00:00.000Z");
    if (!isText(etag)) return input(line, "has no 'etag'");
    const given = VALUES.filter((name) => fields[name] !== undefined);
    const [name] = given;
    const value = name === undefined ? undefined : fields[name];
    if (name === undefined || given.length > 1 || !isText(value))
      return input(line, `must have one of ${VALUES.join(', ')}, a string`);
    const read = name === 'file' ? await this.fromFile(value, etag) : this.inLine(name, value, etag);
    if ('fault' in read) return input(line, `(${quoteKey(key)}) ${read.fault}`);
    const operation = { op: 'set', key, value: read.value, ctype } as const;
    return { line, operation: ttl === null ? operation : { ...operation, expiresAt: Date.parse(ttl) } };
  }

  private inLine(name: 'value' | 'value_b64', text: string, etag: string): { value: Uint8Array } | { fault: string } {
    const value = name === 'value' ? (isWellFormed(text) ? utf8(text) : undefined) : decodeBase64(text);
    if (value === undefined)
      return { fault: name === 'value' ? "has a 'value' with a lone surrogate" : "has a 'value_b64' that is not base64" };
    return `blake3:${this.hasher.hex('blake3', value)}` === etag
      ? { value }
      : { fault: 'has a value that is not the one its etag names' };
  }

  private async fromFile(name: string, etag: string): Promise<{ value: ValueStream } | { fault: string }> {
    if (name !== fileNameOf(etag)) return { fault: `has the file ${quoteKey(name)}, which is not named by its etag` };
    const file = await this.source.file(name, this.files);
    if ('fault' in file) return { fault: `has the file ${quoteKey(name)}, which can't be read: ${file.fault}` };
    if (this.digests) {
      const digest = this.hasher.stream('blake3');
      for await (const piece of file.open()) digest.update(piece);
      if (`blake3:${digest.hex()}` !== etag)
        return { fault: `has the file ${quoteKey(name)}, whose content is not the one its etag names` };
    }
    return { value: { stream: rereadable(() => file.open()) } };
  }
}

/** Opened when it is read, so that a file which is never written costs no descriptor. */
function rereadable(open: () => AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => open()[Symbol.asyncIterator]() };
}

function parseObject(bytes: Uint8Array): Fields | undefined {
  try {
    const value: unknown = JSON.parse(decodeUtf8(bytes) ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
  } catch {
    return undefined; // the parser's own words could quote a value
  }
}
