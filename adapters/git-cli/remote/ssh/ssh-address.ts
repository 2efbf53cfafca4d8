import { KvError } from '../../../../ports/error.js';
import { shownUrl } from '../../../../ports/grammar/network/shown-url.js';
import { parseSshUrl, type SshUrl } from '../../../../ports/grammar/network/ssh-url.js';

/** Where ssh is to go. Throws `NOT_SUPPORTED` for a URL of another kind, `CONFIG_INVALID` for one that ssh can't be given. */
export function sshAddress(url: string): SshUrl {
  const address = parseSshUrl(url);
  if (address !== undefined) return address;
  if (/^(?:ssh|git\+ssh|ssh\+git):|^[^/]*:(?!\/\/)/.test(url)) {
    throw new KvError('CONFIG_INVALID', `'${shownUrl(url)}' names no host that ssh could be given`, {
      hint: 'correct the pushurl',
    });
  }
  throw new KvError('NOT_SUPPORTED', `'${shownUrl(url)}' is not an ssh address, and the Stargate's own commands need one`, {
    hint: 'set the pushurl to ssh://user@host:port/repository',
    advice: { id: 'set-push-url' },
  });
}
