import type { HashStream } from '../../../ports/hasher.js';
import type { GitObject, ObjectFormat } from '../../../ports/vocabulary.js';
import { writeHex } from '../../git/bytes.js';
import { LONGEST_NUMBER, packHeader, storedSize, TYPE_CODE, writeEntryHeader, writeStored } from '../../git/pack/entry.js';

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
    const entry = new Uint8Array(LONGEST_NUMBER + storedSize(body.length));
    const whole = entry.subarray(0, writeStored(body, entry, writeEntryHeader(TYPE_CODE[type], body.length, entry, 0)));
    hash.update(whole);
    yield whole;
  }
  const checksum = new Uint8Array(format === 'sha1' ? 20 : 32);
  writeHex(hash.hex(), checksum, 0);
  yield checksum;
}
