import { parseSshUrl } from '../../../../ports/grammar/network/ssh-url.js';
import type { GitPlace } from '../../process/run-git.js';
import type { ConfiguredValues } from '../remote-url.js';
import { shellQuote } from '../ssh/shell-quote.js';
import { sshArguments, sshCommandLine, sshProgram } from '../ssh/ssh-program.js';

/** Configuration that only git itself obeys. */
const GIT_ALONE = /^(?:url\..*\.(?:insteadof|pushinsteadof)|protocol\..*|push\.pushoption|transfer\.advertisesid)$/;

/** What a receive-pack is asked for by. */
const RECEIVE_PACK = (path: string): string => `git-receive-pack ${shellQuote(path)}`;

/**
 * The ssh client's command line for what is pushed to behind a URL, as `command` has it for its path; null where a push is git's: another transport, or a setting or
 * environment that only git knows how to obey.
 */
export async function directWay(
  place: GitPlace,
  config: ConfiguredValues,
  remote: string,
  url: string,
  command: (path: string) => string = RECEIVE_PACK,
): Promise<readonly [string, readonly string[]] | null> {
  const address = parseSshUrl(url);
  if (address === undefined) return null;
  const { env } = place;
  if (env['GIT_ALLOW_PROTOCOL'] !== undefined || Object.keys(env).some((name) => name.startsWith('GIT_TRACE'))) return null;
  if (config.names().some((name) => GIT_ALONE.test(name))) return null;
  if (config.all(`remote.${remote}.receivepack`).length > 0) return null;
  const ssh = sshProgram(env, config);
  if (ssh.variant === 'auto' || ssh.variant === 'simple') return null;
  const args = [...(await sshArguments(place, ssh, address)), command(address.path)];
  return sshCommandLine(ssh, args);
}
