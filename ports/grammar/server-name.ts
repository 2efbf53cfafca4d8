const SERVER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** True when `text` may name a server of a cluster: 1 to 63 letters, digits, dots, dashes and underscores. */
export function isServerName(text: string): boolean {
  return SERVER.test(text);
}
