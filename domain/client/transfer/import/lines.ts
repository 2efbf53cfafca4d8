import { KvError } from '../../../../ports/error.js';
import { concat } from '../../../git/bytes.js';
import { MAX_LINE } from '../snapshot-format.js';
import type { ImportSource } from './source.js';

/** A line without its newline; `line` counts from 1. */
interface Line {
  readonly line: number;
  readonly bytes: Uint8Array;
}

const NEWLINE = 0x0a;

/** The lines of a file, as many at a time as a piece of it has. Throws `INPUT_INVALID` for a line that is longer than any value allows. */
export async function* linesOf(source: ImportSource): AsyncGenerator<Line[]> {
  let rest: Uint8Array[] = [];
  let held = 0;
  let line = 1;
  for await (const piece of source.open()) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      const part = piece.subarray(start, end);
      lines.push({ line: line++, bytes: held === 0 ? part : concat([...rest, part]) });
      rest = [];
      held = 0;
      start = end + 1;
    }
    if (start < piece.length) {
      const part = piece.subarray(start);
      rest.push(part);
      held += part.length;
      if (held > MAX_LINE) throw tooLong(source.name, line, 'line');
    }
    if (lines.length > 0) yield lines;
  }
  if (held > 0) yield [{ line, bytes: concat(rest) }];
}

/** `INPUT_INVALID` for a line, or a file's only text, that is longer than an import reads. */
export function tooLong(name: string, line: number, what: string): KvError {
  return new KvError('INPUT_INVALID', `${name}:${line}: the ${what} is longer than ${MAX_LINE} bytes`, {
    hint: 'give large values as files: a batch takes {"op":"set","key":…,"file":…}',
    advice: { id: 'mset-files' },
  });
}
