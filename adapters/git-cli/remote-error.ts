import { ERROR_CODES, KvError } from '../../ports/error.js';
import type { ErrorCode } from '../../ports/error.js';

const MARK = 'kv-error/1 ';
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
const RESET = /\u001b\[[0-9;]*[mK]/g;

/** True for the line in which a Stargate says why, which is not for people to read. */
export function isKvErrorLine(line: string): boolean {
  return line
    .replace(RESET, '')
    .replace(/^remote: /, '')
    .startsWith(MARK);
}

/** The first error that a Stargate sent in what a program wrote to stderr, or null. An unknown code becomes `GIT_ERROR`. */
export function kvErrorIn(stderr: string): KvError | null {
  for (const line of stderr.split(/[\r\n]+/)) {
    if (!isKvErrorLine(line)) continue;
    const error = parse(
      line
        .slice(line.indexOf(MARK) + MARK.length)
        .replace(RESET, '')
        .trim(),
    );
    if (error !== null) return error;
  }
  return null;
}

function parse(json: string): KvError | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // A line that was cut off says nothing that could be trusted; git's own words remain.
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { code, message, hint, details } = value as Record<string, unknown>;
  if (typeof code !== 'string' || typeof message !== 'string') return null;
  const known = (ERROR_CODES as readonly string[]).includes(code);
  return new KvError(known ? (code as ErrorCode) : 'GIT_ERROR', printable(known ? message : `${code}: ${message}`), {
    ...(typeof hint === 'string' ? { hint: printable(hint) } : {}),
    ...(typeof details === 'object' && details !== null ? { details: details as Record<string, unknown> } : {}),
  });
}

/** The other side's text without what would steer a terminal. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}

const UNREACHABLE = new RegExp(
  [
    'Could not read from remote repository',
    'Connection (refused|reset|closed|timed out)',
    'Could not resolve host',
    'unable to access',
    'hung up unexpectedly',
    'Permission denied',
    'Host key verification failed',
    'No route to host',
    'Network is unreachable',
    'does not appear to be a git repository',
    'kex_exchange',
    'early EOF',
  ].join('|'),
  'i',
);
const BOILERPLATE =
  /^(fatal: Could not read from remote repository\.|Please make sure you have|and the repository exists\.|remote: kv-error)/;

/** The other side can't be reached: `IO_ERROR` with git's or ssh's own words; null when that is not what happened. */
export function unreachable(what: string, stderr: string): KvError | null {
  if (!UNREACHABLE.test(stderr)) return null;
  const lines = stderr
    .replace(RESET, '')
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const said = lines.filter((line) => !BOILERPLATE.test(line)).at(-1) ?? lines[0] ?? '';
  return new KvError('IO_ERROR', `${what}: ${said.replace(/^(fatal|error): /, '')}`, {
    hint: 'check the address (`git remote -v`), that the Stargate or the host is up, and that it knows your SSH key',
  });
}
