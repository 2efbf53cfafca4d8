import type { TransferProgress } from '../../../ports/git/git-remote.js';
import { parseRejection } from '../../../ports/rejection.js';

/** Of a line that doesn't end, so much is kept. Characters. */
const LONGEST = 64 * 1024;

/** Tells the newest line of progress in what git writes to stderr, which comes in pieces. */
export function progressIn(onProgress: TransferProgress): (chunk: string) => void {
  let rest = '';
  return (chunk) => {
    const parts = (rest + chunk).split(/[\r\n]+/);
    rest = (parts.pop() ?? '').slice(0, LONGEST);
    // The line in which a Stargate says why it refuses is for programs.
    const last = parts.findLast((part) => part.trim() !== '' && parseRejection(part) === undefined);
    if (last !== undefined) onProgress(last.trimEnd());
  };
}

const PROGRESS = /^(remote: )?([A-Z][A-Za-z ]+: +\d+(%|,|$)|Total \d+ \(delta|Delta compression using)/;

/** What git has said besides its progress. */
export function withoutProgress(stderr: string): string {
  return stderr
    .split(/(?<=[\r\n])/)
    .filter((part) => !PROGRESS.test(part))
    .join('');
}
