import { printableText } from '../../../ports/grammar/printable.js';

/** Writes to standard output. What others wrote into it, a mirror for example, can't steer a terminal; a pipe gets it as it is. */
export function say(text: string): void {
  process.stdout.write(process.stdout.isTTY ? printableText(text) : text);
}

/** Writes to standard error, as `say`. */
export function complain(text: string): void {
  process.stderr.write(printableText(text));
}
