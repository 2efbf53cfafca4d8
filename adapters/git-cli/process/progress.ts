import { isKvErrorLine } from '../remote/remote-error.js';

/** A push of a few keys is over before its progress could be read. Milliseconds. */
const QUIET_MS = 2000;

/** Git's progress on a terminal. */
export interface ProgressLine {
  /** Takes what git writes to stderr. */
  readonly onStderr: (chunk: string) => void;
  /** Clears the line. */
  readonly end: () => void;
}

/** Git's progress in one line that is rewritten, once it takes longer than a moment; undefined when there is no terminal. */
export function progressTo(
  stream: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number },
): ProgressLine | undefined {
  if (stream.isTTY !== true) return undefined;
  const started = Date.now();
  let rest = '';
  let shown = false;
  return {
    onStderr(chunk) {
      const parts = (rest + chunk).split(/[\r\n]+/);
      rest = parts.pop() ?? '';
      const last = parts.findLast((part) => part.trim() !== '' && !isKvErrorLine(part));
      if (last === undefined || Date.now() - started < QUIET_MS) return;
      shown = true;
      stream.write(`\r\u001b[K${last.trimEnd().slice(0, (stream.columns ?? 80) - 1)}`);
    },
    end() {
      if (shown) stream.write('\r\u001b[K');
    },
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
