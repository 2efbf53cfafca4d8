import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { PinnedHostKey } from '../../../../ports/clone/admin-client.js';
import { KvError } from '../../../../ports/error.js';
import { shownUrl } from '../../../../ports/grammar/network/shown-url.js';
import { parseSshKey } from '../../../../ports/grammar/network/ssh-key.js';
import type { GitPlace } from '../../process/run-git.js';
import { configuredAt } from '../remote-url.js';
import { sshAddress } from './ssh-address.js';
import { runProgram, runSsh, sshArguments, type SshProgram, sshProgram } from './ssh-program.js';

/** A host key as the host shows it: not proved yet. */
interface ShownKey {
  readonly type: string;
  readonly fingerprint: string;
  /** `<type> <base64>`, as known_hosts has it. */
  readonly line: string;
}

/** How ssh would go to a host: what its options and its configuration come to. */
interface Resolved {
  readonly hostname: string;
  readonly port: string;
  /** The host's name in known_hosts. */
  readonly name: string;
  /** The file that ssh notes host keys in. */
  readonly file: string;
}

/** Seconds for one answer of the host. */
const SCAN_TIMEOUT = '10';

/**
 * Asks the host behind an SSH address for its keys and notes the one with this fingerprint where ssh will look for it, in the place of
 * every other key that was known for the host. As `AdminClient.pinHostKey` has it.
 */
export async function pinHostKey(place: GitPlace, url: string, fingerprint: string): Promise<PinnedHostKey> {
  const ssh = sshProgram(place.env, await configuredAt(place));
  if (ssh.variant !== 'ssh' && ssh.variant !== 'auto') {
    throw new KvError('NOT_SUPPORTED', `'${ssh.variant}' keeps host keys in a place of its own`, {
      hint: `connect with it once, and take the key when it shows ${fingerprint}`,
    });
  }
  const { name, hostname, port, file } = await resolved(place, ssh, url);
  const shown = await scan(place, hostname, port);
  const key = shown.find((each) => each.fingerprint === fingerprint);
  if (key === undefined) {
    const others = shown.map((each) => `${each.fingerprint} (${each.type})`).join(', ');
    const what = shown.length === 0 ? `no SSH server answers at ${shownUrl(url)}` : `${shownUrl(url)} shows other host keys`;
    throw new KvError('IO_ERROR', shown.length === 0 ? what : `${what}: ${others}; and not ${fingerprint}`, {
      hint: 'compare the fingerprint with whoever runs the Stargate: another server may answer there',
    });
  }
  const known = await linesOf(place, file, name);
  const replaced = known.filter((line) => !shown.some((each) => each.line === line)).length;
  const outcome = { fingerprint, type: key.type, host: name, file, replaced, known: replaced === 0 && known.includes(key.line) };
  if (known.length > 0 && known.every((line) => line === key.line)) return outcome;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  // Another key that stays would stay trusted: that of a host that was broken into, for example. Those that the host shows are not proved
  // here, and go as well: OpenSSH notes them again by itself, over a connection that this key secures.
  if (known.length > 0) await removeKeys(place, file, name);
  await append(file, `${name} ${key.line}\n`);
  return outcome;
}

async function resolved(place: GitPlace, ssh: SshProgram, url: string): Promise<Resolved> {
  const address = sshAddress(url);
  const { code, stdout } = await runSsh(place, ssh, ['-G', ...(await sshArguments(place, ssh, address))]);
  const said = (name: string): string | undefined => new RegExp(`^${name} (.+)$`, 'm').exec(stdout)?.[1];
  const proxy = said('proxyjump') ?? said('proxycommand');
  if (code === 0 && proxy !== undefined && proxy !== 'none') {
    throw new KvError('NOT_SUPPORTED', `the way to ${address.host} leads through a proxy (${proxy.slice(0, 80)})`, {
      hint: 'connect with ssh once, and take the key when it shows the fingerprint',
    });
  }
  const hostname = said('hostname') ?? address.host;
  const port = said('port') ?? String(address.port ?? 22);
  const plain = hostname.toLowerCase();
  const name = said('hostkeyalias') ?? (port === '22' ? plain : `[${plain}]:${port}`);
  const [first = join('~', '.ssh', 'known_hosts')] = said('userknownhostsfile')?.split(' ') ?? [];
  if (first === '/dev/null' || first === 'none') {
    throw new KvError('CONFIG_INVALID', 'ssh is told to know no hosts (UserKnownHostsFile)', {
      hint: 'take that out of its options or its configuration',
    });
  }
  return { hostname, port, name, file: absolute(first, place.cwd) };
}

/** ssh takes the home folder of the account, whatever HOME says. */
function absolute(file: string, cwd: string): string {
  if (file.startsWith('~/')) return join(userInfo().homedir || homedir(), file.slice(2));
  return isAbsolute(file) ? file : resolve(cwd, file);
}

async function scan(place: GitPlace, hostname: string, port: string): Promise<ShownKey[]> {
  const { stdout } = await runProgram(place, 'ssh-keyscan', [
    '-T',
    SCAN_TIMEOUT,
    '-p',
    port,
    '-t',
    'ed25519,ecdsa,rsa',
    '--',
    hostname,
  ]);
  return stdout.split('\n').flatMap((line) => keyIn(line) ?? []);
}

/** The key in a line of known_hosts. */
function keyIn(line: string): ShownKey | undefined {
  const [, rest] = /^[^#@\s]\S* (.+)$/.exec(line.trim()) ?? [];
  const key = rest === undefined ? 'is none' : parseSshKey(rest);
  if (typeof key === 'string') return undefined;
  const digest = createHash('sha256').update(key.blob).digest('base64').replace(/=+$/, '');
  return { type: key.type, fingerprint: `SHA256:${digest}`, line: `${key.type} ${key.base64}` };
}

/** The keys that are known for a host, hashed names among them. */
async function linesOf(place: GitPlace, file: string, name: string): Promise<string[]> {
  const { stdout } = await runProgram(place, 'ssh-keygen', ['-F', name, '-f', file]);
  return stdout.split('\n').flatMap((line) => keyIn(line)?.line ?? []);
}

async function removeKeys(place: GitPlace, file: string, name: string): Promise<void> {
  const { code } = await runProgram(place, 'ssh-keygen', ['-R', name, '-f', file]);
  if (code !== 0)
    throw new KvError('IO_ERROR', `cannot take the old keys of ${name} out of ${file}`, {
      hint: 'see that the file can be written',
    });
}

async function append(file: string, line: string): Promise<void> {
  try {
    const before = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    await appendFile(file, `${before === '' || before.endsWith('\n') ? '' : '\n'}${line}`, { mode: 0o600 });
  } catch (cause) {
    throw new KvError('IO_ERROR', `cannot write to ${file}: ${(cause as NodeJS.ErrnoException).code}`, {
      cause,
      hint: 'see that the file can be written',
    });
  }
}
