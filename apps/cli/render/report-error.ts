import { KvError, toKvError } from '../../../ports/error.js';
import { EXIT_CODES } from '../../exit-codes.js';
import { hasPrinted, note, paint, ReaderGone } from '../io/terminal.js';

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
  const request = requestOf(error);
  if (json && !hasPrinted()) process.stdout.write(`${JSON.stringify(errorDocument(error, { hint, exit, request }))}\n`);
  note(`${paint('1;31', 'error:')} ${error.message}`);
  if (hint !== undefined) note(`${paint('36', 'hint:')} ${hint}`);
  if (request !== undefined) note(`${paint('36', 'request:')} ${request}`);
  if (debug) note(causes(error));
  return exit;
}

interface Shown {
  readonly hint: string | undefined;
  readonly exit: number;
  readonly request: string | undefined;
}

function errorDocument(error: KvError, { hint, exit, request }: Shown): object {
  const { code, message, details } = error;
  const more = { ...(request === undefined ? {} : { request }), ...(details === undefined ? {} : { details }) };
  return { ok: false, error: { code, message, hint: hint ?? null, exit, ...more } };
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
