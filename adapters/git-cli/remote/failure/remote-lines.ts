/** No line of the other side's is longer, characters: the answer to the largest intent, with every key of it. */
const LONGEST = 64 * 1024 * 1024;

/** Tells each whole line of a text that comes in pieces; carriage returns end a line too, as progress has them. */
export function linesOf(onLine: (line: string) => void): (chunk: string) => void {
  let rest: string[] = [];
  let held = 0;
  return (chunk) => {
    const parts = chunk.split(/[\r\n]/);
    const last = parts.pop() ?? '';
    for (const part of parts) {
      const line = [...rest, part].join('');
      rest = [];
      held = 0;
      if (line !== '') onLine(line);
    }
    held += last.length;
    if (last !== '' && held <= LONGEST) rest.push(last);
  };
}

/** The lines that git passes on from the other side, without the `remote: ` by which it marks them. */
export function remoteLines(onLine: (line: string) => void): (chunk: string) => void {
  const mark = 'remote: ';
  return linesOf((line) => {
    if (!line.startsWith(mark)) return;
    const text = line.slice(mark.length);
    onLine((text.endsWith(ERASE) ? text.slice(0, -ERASE.length) : text).trimEnd());
  });
}

/** Told to erase the rest of a terminal's line, git does so at the end of each. */
const ERASE = '\u001b[K';
