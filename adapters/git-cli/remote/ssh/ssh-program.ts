import { spawn } from 'node:child_process';
import { KvError } from '../../../../ports/error.js';
import { startChild } from '../../../../ports/start-child.js';
import type { Environment, GitPlace } from '../../process/run-git.js';
import type { ConfiguredValues } from '../remote-url.js';

/** How an SSH client takes its options: git's own words for it. */
type SshVariant = 'ssh' | 'plink' | 'tortoiseplink' | 'simple' | 'auto';

/** The SSH client that git would start. */
export interface SshProgram {
  readonly program: string;
  /** A command line for the shell, as the user wrote it, instead of a program's name. */
  readonly shell: boolean;
  /** `auto`: its name doesn't tell. */
  readonly variant: SshVariant;
}

/** Where it is to go. */
export interface SshDestination {
  readonly user: string | null;
  readonly host: string;
  readonly port: number | null;
}

/** The SSH client that git would start here: GIT_SSH_COMMAND, core.sshCommand, GIT_SSH; GIT_SSH_VARIANT and ssh.variant count too. */
export function sshProgram(env: Environment, config: ConfiguredValues): SshProgram {
  const command = env['GIT_SSH_COMMAND'] ?? config.all('core.sshcommand').at(-1);
  const said = env['GIT_SSH_VARIANT'] ?? config.all('ssh.variant').at(-1);
  if (command !== undefined && command !== '') {
    return { program: command, shell: true, variant: variantOf(said, firstWord(command)) };
  }
  const program = env['GIT_SSH'] ?? 'ssh';
  return { program, shell: false, variant: variantOf(said, program) };
}

/** As git decides it: what was said, else the program's name. Any other word than git's own means OpenSSH. */
function variantOf(said: string | undefined, program: string): SshVariant {
  if (said !== undefined && said !== 'auto') {
    if (said === 'putty') return 'plink';
    return said === 'plink' || said === 'tortoiseplink' || said === 'simple' ? said : 'ssh';
  }
  const name = (/[^/\\]*$/.exec(program)?.[0] ?? '').toLowerCase().replace(/\.exe$/, '');
  return name === 'ssh' || name === 'plink' || name === 'tortoiseplink' ? name : 'auto';
}

/** The first word of a shell's command line, without its quotes. */
function firstWord(command: string): string {
  const [, single, double, bare] = /^\s*(?:'([^']*)'|"([^"]*)"|((?:\\.|[^\s\\])+))/.exec(command) ?? [];
  return single ?? double ?? bare ?? '';
}

/** The options and the destination in this client's own words. Throws `CONFIG_INVALID` when it can't be given a port. */
export async function sshArguments(place: GitPlace, ssh: SshProgram, { user, host, port }: SshDestination): Promise<string[]> {
  const destination = user === null ? host : `${user}@${host}`;
  if (port === null) return [...(ssh.variant === 'tortoiseplink' ? ['-batch'] : []), destination];
  const variant = ssh.variant === 'auto' ? await probed(place, ssh, destination) : ssh.variant;
  if (variant === 'ssh') return ['-p', String(port), destination];
  if (variant === 'plink') return ['-P', String(port), destination];
  if (variant === 'tortoiseplink') return ['-batch', '-P', String(port), destination];
  throw new KvError('CONFIG_INVALID', `'${firstWord(ssh.program)}' can't be given a port, as the pushurl has one`, {
    hint: 'say what kind of program it is: git config ssh.variant ssh (or plink)',
  });
}

/** As git finds out what a program of another name is: OpenSSH alone knows `-G`. */
async function probed(place: GitPlace, ssh: SshProgram, destination: string): Promise<SshVariant> {
  const { code } = await runSsh(place, ssh, ['-G', destination]);
  return code === 0 ? 'ssh' : 'simple';
}

/** The program and its arguments. The user's own setting runs the way git runs it; nothing of ours is in the text that the shell reads. */
export function sshCommandLine(ssh: SshProgram, args: readonly string[]): readonly [string, readonly string[]] {
  return ssh.shell ? ['sh', ['-c', `${ssh.program} "$@"`, ssh.program, ...args]] : [ssh.program, args];
}

/** Runs the client for what it says of itself, without a connection. Throws `IO_ERROR` when it can't be started. */
export function runSsh(
  place: GitPlace,
  ssh: SshProgram,
  args: readonly string[],
): Promise<{ code: number | null; stdout: string }> {
  return runProgram(place, ...sshCommandLine(ssh, args));
}

/** Runs a program of OpenSSH's. Throws `IO_ERROR` when it can't be started. */
export function runProgram(
  place: GitPlace,
  program: string,
  args: readonly string[],
): Promise<{ code: number | null; stdout: string }> {
  return new Promise((ended, reject) => {
    const { cwd, env } = place;
    const start = () => spawn(program, args, { cwd, env: env as NodeJS.ProcessEnv, stdio: ['ignore', 'pipe', 'ignore'] });
    const child = startChild(program, start, reject, (cause) => noOpenSsh(program, cause));
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.on('close', (code) => ended({ code, stdout }));
  });
}

/** For a program of OpenSSH's that could not be started. */
export function noOpenSsh(program: string, cause: Error): KvError {
  return new KvError('IO_ERROR', `cannot start '${program}'`, { hint: 'install an OpenSSH client', cause });
}
