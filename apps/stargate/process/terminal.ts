import { KvError } from '../../../ports/error.js';
import { printableText } from '../../../ports/grammar/printable.js';

/** Writes to standard output. What others wrote into it, a mirror for example, can't steer a terminal; a pipe gets it as it is. */
export function say(text: string): void {
  process.stdout.write(process.stdout.isTTY ? printableText(text) : text);
}

/** Writes to standard error, as `say`. */
export function complain(text: string): void {
  process.stderr.write(printableText(text));
}

let failure: KvError | undefined;

/** Listens for a standard output that breaks, which would end the process otherwise. To be called before anything is said. */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return; // the reader has what it wanted: `git-kv-stargate check | head -1`
    failure ??= new KvError('IO_ERROR', `cannot write to standard output: ${error.message}`, { cause: error });
  });
}

/** Resolves once what was said is out. Throws `IO_ERROR` where it could not be written. */
export async function outputSaid(): Promise<void> {
  await new Promise((resolve) => process.stdout.write('', resolve));
  if (failure !== undefined) throw failure;
}
