import { KvError } from '../../../ports/error.js';

/** What an ssh remote names. `path` is as git would send it to the other side. */
export interface SshAddress {
  /** `host` or `user@host`. */
  readonly destination: string;
  readonly port: string | null;
  readonly path: string;
}

/** Reads `ssh://[user@]host[:port]/path` and `[user@]host:path`. Throws `NOT_SUPPORTED` for any other URL. */
export function parseSshUrl(url: string): SshAddress {
  const address = fromUrl(url) ?? fromScp(url);
  if (address === null) {
    throw new KvError('NOT_SUPPORTED', `'${url}' is not an ssh address, and the Stargate's own commands need one`, {
      hint: 'set the pushurl to ssh://user@host:port/repository',
      advice: { id: 'set-push-url' },
    });
  }
  // ssh would read either as an option.
  const host = address.destination.slice(address.destination.lastIndexOf('@') + 1);
  if (/^-|[\s\0]/.test(address.destination) || host.startsWith('-') || host === '' || address.path.startsWith('-')) {
    throw new KvError('CONFIG_INVALID', `'${url}' names no host that ssh could be given`, { hint: 'correct the pushurl' });
  }
  return address;
}

function fromUrl(url: string): SshAddress | null {
  const match = /^(?:ssh|git\+ssh|ssh\+git):\/\/(?:([^@/]*)@)?(\[[^\]]+\]|[^:/]+)(?::(\d*))?(\/.*)$/.exec(url);
  if (match === null) return null;
  const [, user, host = '', port = '', path = ''] = match;
  const name = decode(host).replace(/^\[(.*)\]$/, '$1');
  const decoded = decode(path);
  return {
    destination: user === undefined ? name : `${decode(user)}@${name}`,
    port: port === '' ? null : port,
    path: decoded.startsWith('/~') ? decoded.slice(1) : decoded,
  };
}

function fromScp(url: string): SshAddress | null {
  if (url.includes('://')) return null;
  const match = /^(?:([^@/:]*)@)?(\[[^\]]+\]|[^:/]+):(.+)$/s.exec(url);
  if (match === null) return null;
  const [, user, host = '', path = ''] = match;
  const name = host.replace(/^\[(.*)\]$/, '$1');
  return {
    destination: user === undefined ? name : `${user}@${name}`,
    port: null,
    path: path.startsWith('/~') ? path.slice(1) : path,
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // git leaves a stray percent sign as it is.
    return text;
  }
}
