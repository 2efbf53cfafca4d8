import { ERROR_CODES, KvError, type ErrorCode } from '../../ports/error.js';

const PREFIX = 'kv-error/1 ';

/** One line of printable ASCII that carries an error to a client through a hook's standard error. */
export function formatRejection(error: KvError): string {
  const fields: Record<string, unknown> = { code: error.code, message: error.message };
  if (error.hint !== undefined) fields['hint'] = error.hint;
  if (error.details !== undefined) fields['details'] = error.details;
  return (
    PREFIX + JSON.stringify(fields).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  );
}

/** Reads a `kv-error/1` line; undefined for any other line. An unknown code becomes `GIT_ERROR`. */
export function parseRejection(line: string): KvError | undefined {
  const at = line.indexOf(PREFIX);
  if (at < 0) return undefined;
  let fields: unknown;
  try {
    fields = JSON.parse(line.slice(at + PREFIX.length).trim());
  } catch {
    return undefined; // cut off or foreign: the caller shows git's own words instead
  }
  if (typeof fields !== 'object' || fields === null) return undefined;
  const { code, message, hint, details } = fields as Record<string, unknown>;
  const known = ERROR_CODES.find((c): c is ErrorCode => c === code) ?? 'GIT_ERROR';
  return new KvError(known, typeof message === 'string' ? message : 'rejected by the Stargate', {
    ...(typeof hint === 'string' ? { hint } : {}),
    ...(typeof details === 'object' && details !== null ? { details: details as Record<string, unknown> } : {}),
  });
}
