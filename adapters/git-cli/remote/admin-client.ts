import { resolve } from 'node:path';
import type { AdminClient, HeldVerb, PinnedHostKey } from '../../../ports/clone/admin-client.js';
import { KvError } from '../../../ports/error.js';
import type { Endable } from '../../../ports/git/git-remote.js';
import { shownUrl } from '../../../ports/grammar/network/shown-url.js';
import { isFingerprint } from '../../../ports/grammar/network/ssh-key.js';
import { unlessEnded } from '../process/end-on.js';
import { gitPlace } from '../process/run-git.js';
import type { Environment, GitPlace } from '../process/run-git.js';
import { pinHostKey } from './ssh/known-hosts.js';
import { checkUrl } from '../process/guard.js';
import { failedCall, holdVerb, readAnswer } from './held-verb.js';
import { type AdminCall, startCall } from './started-call.js';
import { verbLine } from './verb-line.js';
import { configuredAt, stargateUrl } from './remote-url.js';
import { rewritten } from './rewritten-url.js';
import { sshAddress } from './ssh/ssh-address.js';
import { sshArguments, sshCommandLine, sshProgram } from './ssh/ssh-program.js';

/** No report is nearly as long, characters. */
const LONGEST_ANSWER = 64 * 1024 * 1024;

/** Whose remotes are asked, and the environment that ssh runs in. */
export interface AdminClientOptions {
  /** The Git directory, or a folder to look for one from. */
  readonly directory: string;
  readonly env: Environment;
}

/** Runs admin verbs over ssh as git would start it, with every URL and ssh setting of the user's. No process until the first verb. */
export function openAdminClient({ directory, env }: AdminClientOptions): AdminClient {
  return new SshAdminClient(gitPlace(resolve(directory), env));
}

class SshAdminClient implements AdminClient {
  constructor(private readonly place: GitPlace) {}

  async run(remote: string, verb: string, args: readonly string[], { signal }: Endable = {}): Promise<unknown> {
    const call = await adminCall(this.place, remote, verb, args);
    unlessEnded(signal);
    const { code, stdout, stderr } = await run(this.place, call, signal);
    if (code !== 0) throw failedCall(call, code, stderr);
    return readAnswer(call, stdout);
  }

  async hold(remote: string, verb: string, args: readonly string[], { signal }: Endable = {}): Promise<HeldVerb> {
    const call = await adminCall(this.place, remote, verb, args);
    unlessEnded(signal);
    return holdVerb(this.place, call, signal);
  }

  async pinHostKey(url: string, fingerprint: string): Promise<PinnedHostKey> {
    if (!isFingerprint(fingerprint)) {
      throw new KvError('INPUT_INVALID', `'${fingerprint.slice(0, 80)}' is no fingerprint`, { hint: 'it looks like SHA256:…' });
    }
    return pinHostKey(this.place, await rewritten(this.place, checkUrl(url)), fingerprint);
  }
}

/** `git-kv-admin '<path>' <verb> <args>` at the Stargate behind a remote, as ssh is to be started for it. */
async function adminCall(place: GitPlace, remote: string, verb: string, args: readonly string[]): Promise<AdminCall> {
  const config = await configuredAt(place);
  const url = stargateUrl(config, remote);
  const address = sshAddress(await rewritten(place, url));
  const remoteCommand = verbLine(address.path, verb, args);
  const ssh = sshProgram(place.env, config);
  const [program, argv] = sshCommandLine(ssh, [...(await sshArguments(place, ssh, address)), remoteCommand]);
  return { program, argv, url, what: `'${verb}' at ${shownUrl(url)}` };
}

/** Runs a call to its end. */
function run(
  place: GitPlace,
  call: AdminCall,
  signal: AbortSignal | undefined,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    let giveUp: (() => void) | null = null;
    const ended = (error: KvError, over: Promise<void>): void => {
      giveUp = () => void over.then(() => reject(error));
    };
    const { child, said, unwatch } = startCall(place, call, signal, { failed: reject, ended });
    let stdout = '';
    child.stdin.end();
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      if (stdout.length > LONGEST_ANSWER) child.kill(); // what is cut off is no JSON, and said to be none
    });
    child.on('exit', () => {
      unwatch();
      // A process that the user's command line left behind may hold them open.
      if (giveUp !== null) for (const stream of [child.stdout, child.stderr]) stream.destroy();
    });
    child.on('close', (code) => {
      if (giveUp === null) resolve({ code, stdout, stderr: said() });
      else giveUp();
    });
  });
}
