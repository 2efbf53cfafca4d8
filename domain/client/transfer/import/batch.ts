import { parseBatch } from '../../write/parse-batch.js';
import { linesOf } from './lines.js';
import { type Found, type ImportSource, input } from './source.js';

/** Reads a batch as `git kv mset` takes it. `now` in ms since the epoch, for TTLs that are durations. */
export async function* readBatchFile(source: ImportSource, now: number): AsyncGenerator<Found[]> {
  for await (const lines of linesOf(source)) {
    const found: Found[] = [];
    for (const { line, bytes } of lines) {
      const { entries, faults } = parseBatch(bytes, now);
      for (const fault of faults) found.push({ ...fault, line });
      for (const entry of entries) {
        if ('operation' in entry) {
          found.push({ line, operation: entry.operation });
          continue;
        }
        const file = await source.file(entry.file, null);
        if ('fault' in file)
          found.push(input(line, `has the file ${JSON.stringify(entry.file)}, which can't be read: ${file.fault}`));
        else
          found.push({
            line,
            operation: entry.complete({ stream: { [Symbol.asyncIterator]: () => file.open()[Symbol.asyncIterator]() } }),
          });
      }
    }
    yield found;
  }
}
