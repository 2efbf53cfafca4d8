/** Addresses that Git reaches over SSH: `ssh://[user@]host[:port]/path`, and `[user@]host:path` as scp has it. */

/** What an SSH address names. */
export interface SshUrl {
  /** Only a URL has a port of its own; of an scp-like address, the user's SSH configuration may have one. */
  readonly form: 'url' | 'scp';
  readonly user: string | null;
  /** A name or an address, IPv6 without its brackets. */
  readonly host: string;
  /** 1 to 65535; null where the address names none. */
  readonly port: number | null;
  /** As git sends it to the other side: `/org/repo.git`, `org/repo.git`, `~ada/repo.git`. */
  readonly path: string;
}

// A leading dash would be an option to ssh. There is no colon in a user: ssh takes no password from an address.
const AT_HOST = /(?:([A-Za-z0-9_%][A-Za-z0-9._+%-]*)@)?([A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?\])/
  .source;
const SCHEME = /^(?:ssh|git\+ssh|ssh\+git):\/\//;

/** Reads an SSH address; undefined for any other text, and for one that git or ssh could take for something else. */
export function parseSshUrl(text: string): SshUrl | undefined {
  return SCHEME.test(text) ? fromUrl(text.replace(SCHEME, '')) : fromScp(text);
}

function fromUrl(rest: string): SshUrl | undefined {
  const [, user, host, port, path] = new RegExp(`^${AT_HOST}(?::(\\d{1,5}))?(/\\S+)$`).exec(rest) ?? [];
  if (host === undefined || path === undefined || (port !== undefined && !isPort(Number(port)))) return undefined;
  return sound({
    form: 'url',
    user: user === undefined ? null : decodePercent(user),
    host: bare(host),
    port: port === undefined ? null : Number(port),
    path: decodePercent(path),
  });
}

function fromScp(text: string): SshUrl | undefined {
  // Nothing is encoded here. A second colon would be `ext::…`, with which git runs a program; two slashes, a URL of another kind.
  const [, user, host, path] = new RegExp(`^${AT_HOST}:(?!//)([^\\s:-]\\S*)$`).exec(text) ?? [];
  if (host === undefined || path === undefined) return undefined;
  return sound({ form: 'scp', user: user ?? null, host: bare(host), port: null, path });
}

const isPort = (port: number): boolean => port >= 1 && port <= 65_535;
const bare = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

/** What percent signs hid may be no option and no control character. A home folder's path is sent without its slash. */
function sound(url: SshUrl): SshUrl | undefined {
  const { user, path } = url;
  if ((user !== null && /^-|[\s:\p{Cc}]/u.test(user)) || /\p{Cc}/u.test(path)) return undefined;
  return { ...url, path: path.startsWith('/~') ? path.slice(1) : path };
}

/** As git does it: what is no percent-encoded UTF-8 stays as it is. */
function decodePercent(text: string): string {
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded; // bytes that are no UTF-8: no address of ours has them
    }
  });
}
