import { KvError, toKvError } from '../../../ports/error.js';
import { EXIT_CODES } from '../../exit-codes.js';
import { hasPrinted, note, printJson, ReaderGone } from '../io/terminal.js';

interface DoorOptions {
  readonly json: boolean;
  readonly debug: boolean;
}

/** The one way out for errors: says what happened and what to do next, and gives the exit code. */
export async function reportError(thrown: unknown, { json, debug }: DoorOptions): Promise<number> {
  if (thrown instanceof ReaderGone) return 0;
  const error = toKvError(thrown);
  const exit = EXIT_CODES[error.code];
  const { hintOf } = await import('../hints/hint.js'); // a command that succeeds needs no words for what to do instead
  const hint = hintOf(error);
  if (json && !hasPrinted()) await printJson(errorDocument(error, hint, exit)).catch(() => undefined); // its reader may have gone
  note(error.message, 'error');
  if (hint !== undefined) note(hint, 'hint');
  const request = requestOf(error);
  if (request !== undefined) note(request, 'request');
  if (debug) note(causes(error));
  return exit;
}

function errorDocument(error: KvError, hint: string | undefined, exit: number): object {
  return { ok: false, error: errorFields(error, hint, exit) };
}

/** An error as `--json` shows it. */
export function errorFields(error: KvError, hint?: string, exit = EXIT_CODES[error.code]): object {
  const { code, message, details } = error;
  const request = requestOf(error);
  const more = { ...(request === undefined ? {} : { request }), ...(details === undefined ? {} : { details }) };
  return { code, message, hint: hint ?? null, exit, ...more };
}

/** Under which name the Stargate's log has the request that this error, or what led to it, came from. */
function requestOf(error: KvError): string | undefined {
  return error.request ?? (KvError.is(error.cause) ? requestOf(error.cause) : undefined);
}

function causes(error: Error): string {
  const lines: string[] = [];
  for (let at: unknown = error, depth = 0; at !== undefined && at !== null && depth < 10; depth++) {
    const stack = at instanceof Error ? (at.stack ?? at.message) : String(at);
    lines.push(depth === 0 ? stack : `caused by: ${stack}`);
    at = at instanceof Error ? at.cause : undefined;
  }
  return lines.join('\n');
}

/** What the flags that stand for the door itself say, also when parsing failed. */
export function doorOptions(argv: readonly string[]): DoorOptions {
  const end = argv.indexOf('--');
  const flags = end < 0 ? argv : argv.slice(0, end);
  return { json: flags.includes('--json'), debug: flags.includes('--debug') };
}
