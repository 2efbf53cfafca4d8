import { spawn } from 'node:child_process';
import { KvError } from '../../../ports/error.js';
import { readConfig } from '../config/read-config.js';
import { runGit } from '../process/run-git.js';
import type { GitPlace } from '../process/run-git.js';
import { kvErrorIn, shownUrl, unreachable } from './remote-error.js';
import { SilenceWatch } from '../process/silence.js';
import { parseSshUrl } from './ssh-url.js';

/** Runs `git-kv-admin '<path>' <verb> <args>` at the Stargate, over ssh as git would start it; gives the JSON it prints. */
export async function runAdmin(place: GitPlace, url: string, verb: string, args: readonly string[]): Promise<unknown> {
  if (!/^[a-z][a-z0-9-]*( [a-z][a-z0-9-]*)*$/.test(verb)) {
    throw new KvError('INPUT_INVALID', `'${verb}' is not one of the Stargate's verbs`, { hint: 'a verb is lower-case words' });
  }
  // `url.<base>.insteadOf` applies to a push as well.
  const rewritten = await runGit(place, ['ls-remote', '--get-url', '--end-of-options', url]);
  const address = parseSshUrl(rewritten.code === 0 ? rewritten.stdout.toString('utf8').replace(/\n$/, '') : url);
  const remoteCommand = ['git-kv-admin', shellQuote(address.path), verb, ...args.map(shellQuote)].join(' ');
  const sshArgs = [...(address.port === null ? [] : ['-p', address.port]), address.destination, remoteCommand];
  const { code, stdout, stderr } = await run(place, await sshProgram(place), sshArgs, url);
  const what = `'${verb}' at ${shownUrl(url)}`;
  if (code !== 0) {
    throw (
      kvErrorIn(stderr) ??
      unreachable({ what, url, direction: 'write' }, stderr) ??
      new KvError('IO_ERROR', `${what}: ${stderr.trim().split('\n').at(-1) || `ssh ended with ${code}`}`, {
        hint: 'check the pushurl (`git remote -v`), that the Stargate is up, and that it knows your SSH key',
      })
    );
  }
  try {
    return JSON.parse(stdout) as unknown;
  } catch (cause) {
    throw new KvError('IO_ERROR', `${what}: the answer is not JSON`, {
      hint: 'check that the pushurl leads to a Stargate',
      cause,
    });
  }
}

/** Quotes as git's sq_quote does: `'` and `!` leave the quotes. */
function shellQuote(text: string): string {
  return `'${text.replace(/['!]/g, (character) => `'\\${character}'`)}'`;
}

interface SshProgram {
  readonly program: string;
  /** A command line for the shell, as the user wrote it, instead of a program's name. */
  readonly shell: boolean;
}

async function sshProgram(place: GitPlace): Promise<SshProgram> {
  const command = place.env['GIT_SSH_COMMAND'] ?? (await readConfig(place)).get('core.sshcommand')?.at(-1);
  if (command !== undefined && command !== '') return { program: command, shell: true };
  return { program: place.env['GIT_SSH'] ?? 'ssh', shell: false };
}

function run(
  place: GitPlace,
  ssh: SshProgram,
  args: readonly string[],
  url: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  // The user's own setting, run the way git runs it; nothing of ours is part of the text that the shell reads.
  const [program, argv] = ssh.shell ? ['sh', ['-c', `${ssh.program} "$@"`, ssh.program, ...args]] : [ssh.program, args];
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, {
      cwd: place.cwd,
      env: place.env as NodeJS.ProcessEnv,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let giveUp: (() => void) | null = null;
    const watch = new SilenceWatch(place, child, url, (error, over) => (giveUp = () => void over.then(() => reject(error))));
    let stdout = '';
    let stderr = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', watch.heard);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.on('error', (cause) => {
      watch.stop();
      reject(new KvError('IO_ERROR', `cannot start '${program}'`, { hint: 'install an OpenSSH client', cause }));
    });
    child.on('exit', () => {
      watch.stop();
      // A process that the user's command line left behind may hold them open.
      if (giveUp !== null) for (const stream of [child.stdout, child.stderr]) stream.destroy();
    });
    child.on('close', (code) => {
      if (giveUp === null) resolve({ code, stdout, stderr });
      else giveUp();
    });
  });
}
