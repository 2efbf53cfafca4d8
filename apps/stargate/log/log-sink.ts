import { fstatSync, writeSync } from 'node:fs';

/** Takes a line; throws when it could not be written. */
type Write = (line: string) => void;

/**
 * A place for log lines that outlives a full disk: a line that can't be written is counted and dropped, and once lines can be written
 * again, `lost` gives the line that says how many.
 */
export function steadySink(write: Write, lost: (lines: number) => string): (line: string) => void {
  let dropped = 0;
  return (line) => {
    try {
      if (dropped > 0) write(`\n${lost(dropped)}`); // of the last one a part may have been written
      dropped = 0;
      write(line);
    } catch {
      dropped += 1; // the daemon serves on; the next line that can be written tells of this one
    }
  };
}

/** Writes to standard error: to a file at once, since a stream is of no use any more after its first error. */
export function toStandardError(): Write {
  const { stderr } = process;
  if (!fstatSync(stderr.fd).isFile()) return (line) => void stderr.write(line);
  return (line) => {
    const bytes = Buffer.from(line);
    for (let at = 0; at < bytes.length; ) at += writeSync(stderr.fd, bytes, at);
  };
}
