/** Whether what is long is run at its full length, `GIT_KV_THOROUGH=1`: nightly or before a release. Else a shorter one that shows the same. */
export const THOROUGH = process.env['GIT_KV_THOROUGH'] === '1';

/**
 * The object formats that a session of real processes is run in. Both are tried in memory and in the contracts of the adapters everywhere;
 * of sessions that take a minute each, half are run in one, half in the other, and all in both when it is to be thorough.
 */
export function formatsOfSession(usual: 'sha1' | 'sha256'): readonly ('sha1' | 'sha256')[] {
  return THOROUGH ? ['sha1', 'sha256'] : [usual];
}
