import { KvError } from '../../../ports/error.js';
import type { TransferProgress } from '../../../ports/git/git-remote.js';
import { printable, printableText } from '../../../ports/grammar/printable.js';

/** The reader of standard output has gone (`git kv list | head -1`): the command stops, and that is a success. */
export class ReaderGone extends Error {}

let failure: ReaderGone | KvError | undefined;
let wroteAny = false;

/** Listens for a broken pipe. To be called before a command prints anything. */
export function watchPipe(): void {
  failure = undefined;
  wroteAny = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    const broken = new KvError('IO_ERROR', `cannot write to standard output: ${error.message}`, {
      cause: error,
      hint: 'check where it leads, and the space left there',
    });
    failure ??= error.code === 'EPIPE' ? new ReaderGone() : broken;
  });
  // With nobody to read the diagnosis there is nothing left to say it to.
  process.stderr.on('error', () => undefined);
}

/** True once something is on standard output: an error can then no longer be a JSON document of its own. */
export const hasPrinted = (): boolean => wroteAny;

/**
 * Writes to standard output and waits until its reader has it. On a terminal, text is made safe; bytes are written as they are, and a
 * pipe gets everything as it is. Throws `ReaderGone`, `IO_ERROR`.
 */
export async function print(chunk: string | Uint8Array): Promise<void> {
  if (failure !== undefined) throw failure;
  if (chunk.length === 0) return;
  wroteAny = true;
  // The callback's error is the same that the stream's listener hears.
  const safe = typeof chunk === 'string' && process.stdout.isTTY ? printableText(chunk) : chunk;
  await new Promise<void>((resolve) => process.stdout.write(safe, () => resolve()));
  if (failure !== undefined) throw failure;
}

/** Writes bytes that are text in UTF-8, as they come: as `print`, made safe on a terminal. Throws `ReaderGone`, `IO_ERROR`. */
export async function printStream(pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const decoder = process.stdout.isTTY ? new TextDecoder() : undefined;
  for await (const piece of pieces) await print(decoder?.decode(piece, { stream: true }) ?? piece);
  if (decoder !== undefined) await print(decoder.decode());
}

/** What a line on standard error may begin with, and its colour on a terminal. */
const LABELS = { error: '1;31', hint: '36', request: '36', warning: '33' } as const;

/** A line on standard error, or several. What others wrote into it can't steer a terminal. */
export function note(line: string, label?: keyof typeof LABELS): void {
  clearProgress();
  const head = label === undefined ? '' : `${paint(LABELS[label], `${label}:`)} `;
  process.stderr.write(`${head}${printableText(line)}\n`);
}

/** Prints a warning to standard error. */
export function warn(line: string): void {
  note(line, 'warning');
}

/** Colours text for a terminal's standard error. */
function paint(code: string, text: string): string {
  return hasColour(process.stderr) ? `\u001b[${code}m${text}\u001b[0m` : text;
}

function hasColour(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
}

/** Prints JSON as one line. */
export function printJson(value: unknown): Promise<void> {
  return print(`${JSON.stringify(value)}\n`);
}

/** One line on a terminal's standard error that is rewritten; nothing in a pipe. */
export class Progress {
  constructor(private readonly enabled = process.stderr.isTTY === true) {}

  phase(text: string): void {
    if (!this.enabled) return;
    progressing = true;
    process.stderr.write(`\r\u001b[K${printable(text)} …`);
  }

  done(): void {
    if (this.enabled) clearProgress();
  }
}

/** Standard error's line is one that is going to be rewritten. */
let progressing = false;

function clearProgress(): void {
  if (progressing) process.stderr.write('\r\u001b[K');
  progressing = false;
}

/** A transfer of a few keys is over before its progress could be read. Milliseconds. */
const QUIET_MS = 2000;

/** A terminal, or what stands in for one. */
export type TerminalStream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'write'>;

/**
 * Shows the progress of what is fetched and pushed in one line that is rewritten, once a transfer takes longer than a moment, and cleared
 * when it is over; undefined when there is no terminal.
 */
export function transferLine(stream: TerminalStream = process.stderr): TransferProgress | undefined {
  if (stream.isTTY !== true) return undefined;
  let started = Date.now();
  let shown = false;
  return (line) => {
    if (line === '') {
      if (shown) stream.write('\r\u001b[K');
      shown = false;
      started = Date.now();
    } else if (Date.now() - started >= QUIET_MS) {
      shown = true;
      stream.write(`\r\u001b[K${printable(line).slice(0, (stream.columns ?? 80) - 1)}`);
    }
  };
}
