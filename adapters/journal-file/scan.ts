import type { FileHandle } from 'node:fs/promises';
import { type JournalRecord, KvError } from '../../ports/index.js';
import { checkHeader, decodeLine, HEADER } from './line.js';

const PIECE = 256 * 1024;

/** A record, and the offset behind it: where the file may be cut when nothing good follows. */
interface Scanned {
  readonly record: JournalRecord;
  readonly end: number;
}

/**
 * Reads the records in the first `size` bytes. A torn last line ends the scan quietly: one without its LF, or with blocks
 * of zeros that a power failure left unwritten. Any other damaged line throws `JOURNAL_CORRUPT` naming file and line; the
 * last one too, since it was once whole, and a damaged LF would else make two records look like one torn.
 */
export async function* scan(file: FileHandle, path: string, size: number): AsyncIterable<Scanned> {
  let number = 0;
  let end = 0;
  let torn = 0;
  for await (const line of lines(file, size)) {
    number++;
    if (torn > 0) throw corrupt(path, torn);
    if (number === 1) {
      checkHeader(`${line.toString('utf8')}\n`, path);
      end = HEADER.length;
      continue;
    }
    const record = decodeLine(line, `${path}:${number}`);
    if (record === null) {
      if (!line.includes(0)) throw corrupt(path, number);
      torn = number;
      continue;
    }
    end += line.length + 1;
    yield { record, end };
  }
  if (number === 0) checkHeader('', path);
}

async function* lines(file: FileHandle, size: number): AsyncIterable<Buffer> {
  const held: Buffer[] = [];
  for (let at = 0; at < size; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(PIECE, size - at)), 0, null, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    let from = 0;
    for (let lf = buffer.indexOf(10, from); lf !== -1 && lf < bytesRead; lf = buffer.indexOf(10, from)) {
      held.push(buffer.subarray(from, lf));
      yield Buffer.concat(held);
      held.length = 0;
      from = lf + 1;
    }
    held.push(buffer.subarray(from, bytesRead));
  }
}

function corrupt(path: string, line: number): KvError {
  return new KvError('JOURNAL_CORRUPT', `${path}:${line}: a record does not match its checksum`, {
    hint: 'stop the Stargate, keep a copy of the file, and restore the journal from a backup or remove the line by hand',
    details: { file: path, line },
  });
}
