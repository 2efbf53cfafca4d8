import type { HashStream } from '../../../ports/hasher.js';
import type { GitObject, ObjectFormat } from '../../../ports/vocabulary.js';
import { concat, writeHex } from '../../git/bytes.js';
import { entryHeader, packHeader, storedStream, TYPE_CODE } from '../../git/pack/entry.js';

/** A pack (gitformat-pack, version 2) of whole objects, none of them compressed: it takes no library, and room where it is kept. */
export async function* storedPack(
  format: ObjectFormat,
  count: number,
  objects: AsyncIterable<GitObject>,
  hash: HashStream,
): AsyncGenerator<Uint8Array> {
  const header = packHeader(count);
  hash.update(header);
  yield header;
  for await (const { type, body } of objects) {
    const entry = concat([entryHeader(TYPE_CODE[type], body.length), ...storedStream(body)]);
    hash.update(entry);
    yield entry;
  }
  const checksum = new Uint8Array(format === 'sha1' ? 20 : 32);
  writeHex(hash.hex(), checksum, 0);
  yield checksum;
}
