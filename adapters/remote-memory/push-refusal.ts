import { KvError, parseRejection, type RefName, type RefUpdate } from '../../ports/index.js';

/** What a write side's lines mean: the `kv-error/1` line among them, or else `GIT_ERROR` with its words. */
export function pushRefusal(remote: string, commands: readonly RefUpdate[], lines: readonly string[]): KvError {
  const ref = commands[0]?.ref;
  const sent = lines.map(parseRejection).find((error) => error !== undefined);
  return (
    sent ??
    new KvError('GIT_ERROR', `'${remote}' did not accept '${ref}': ${lines.join(' ')}`, {
      hint: `ask whoever runs '${remote}' what it refuses`,
      details: { ref },
    })
  );
}

/** The error for a ref that is not where a push expected it. */
export function moved(remote: string, ref: RefName): KvError {
  return new KvError('CAS_CONFLICT', `'${ref}' has moved at '${remote}'`, {
    hint: 'read the newest state and try again',
    details: { ref },
  });
}
