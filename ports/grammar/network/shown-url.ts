/**
 * What may be shown of an address, in a message, a log line, a status or a label: no password, no token. One stands before the `@` of a
 * web address, in its query or its fragment; the user of an SSH address is no secret.
 */

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
const SSH = /^(?:ssh|git\+ssh|ssh\+git)$/i;
const HOST = /^(?:\[[^\]]*\]|[^:]*)(?::\d*)?$/;
// In running text an address ends where one can't go on, and programs quote it. Of a scheme, its end: a bound, or long words take forever.
const URL_IN_TEXT = /[a-z][a-z0-9+.-]{0,30}:\/\/[^\s'"<>]*/gi;

/** An address as people may see it. Of one that can't be taken apart, its scheme is all that is shown. */
export function shownUrl(text: string): string {
  const [start, scheme] = SCHEME.exec(text) ?? [];
  if (start === undefined || scheme === undefined) return shownScp(text);
  if (scheme.toLowerCase() === 'file') return text;
  const rest = text.slice(start.length);
  const slash = rest.indexOf('/');
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  // The last @: a password may hold others, and whatever else it isn't allowed to.
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1).replace(/[?#].*$/s, '');
  if (!HOST.test(host)) return `${start}…`;
  const user = SSH.test(scheme) ? authority.slice(0, Math.max(at, 0)).replace(/:.*$/s, '') : '';
  const path = slash < 0 || /[?#]/.test(authority.slice(at + 1)) ? '' : rest.slice(slash).replace(/[?#].*$/s, '');
  return `${start}${user === '' ? '' : `${user}@`}${host}${path}`;
}

/** Text in which another program may have named addresses, each as `shownUrl` gives it. */
export function withoutSecrets(text: string): string {
  return text.replace(URL_IN_TEXT, shownUrl);
}

/** `user:token@host/path` lacks its scheme: git would look for the host `user`, and the token would be shown as its path. */
function shownScp(text: string): string {
  return text.replace(/^([^@/:\s]+:)[^@/]*@(?=[^@]*$)/s, '$1…@');
}
