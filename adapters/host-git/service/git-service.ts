import type { Readable, Writable } from 'node:stream';
import type {
  GitService,
  PushProcess,
  PushServiceRequest,
  ServiceClient,
  ServiceProcess,
  ServiceRequest,
} from '../../../ports/index.js';
import type { Hosted } from '../process/hosted.js';
import { bytesOf, handOn, sinkOf } from './byte-streams.js';
import { type Started, startGit } from './service-process.js';

/** Whatever the repository's configuration says: with it, git would take a history that is cut off, unlooked at. */
const WHOLE = ['-c', 'receive.shallowUpdate=false'];

/** Protocol v0 too gives what v2 gives to whoever names it: a ref may have moved between the list and the request. */
const ANY_OBJECT = ['-c', 'uploadpack.allowAnySHA1InWant=true'];

/** Standard input, output and error, and the four descriptors that `repository/hooks.ts` tells of. */
const PIPES_OF_A_PUSH = 7;

/** Git's server sides, each a process of its own. */
export class GitServices implements GitService {
  constructor(private readonly hosted: Hosted) {}

  read(command: 'upload-pack' | 'upload-archive', request: ServiceRequest, client: ServiceClient): ServiceProcess {
    const started = startGit([...ANY_OBJECT, command, this.hosted.gitDir], this.environment(request), 3);
    return connected(started, client);
  }

  receive(request: PushServiceRequest, client: ServiceClient): PushProcess {
    const env = { ...this.environment(request), GIT_KV_STARGATE: '1' };
    // git's own bound, in front of what the repository's configuration says.
    const bound = `receive.maxInputSize=${Math.trunc(request.maxBytes)}`;
    const started = startGit(['-c', bound, ...WHOLE, 'receive-pack', this.hosted.gitDir], env, PIPES_OF_A_PUSH);
    const [, , , preReceive, verdict, procReceive, reply] = started.child.stdio as unknown as [
      ...[null, null, null],
      ...[Readable, Writable, Readable, Writable],
    ];
    const hooks = {
      preReceive: bytesOf(preReceive),
      verdict: sinkOf(verdict),
      procReceive: bytesOf(procReceive),
      procReceiveReply: sinkOf(reply),
    };
    return { ...connected(started, client), hooks };
  }

  private environment({ gitProtocol }: ServiceRequest): Record<string, string> {
    return { ...this.hosted.serviceEnv, ...(gitProtocol === undefined ? {} : { GIT_PROTOCOL: gitProtocol }) };
  }
}

function connected({ child, ended, stop }: Started, client: ServiceClient): ServiceProcess {
  const { stdin, stdout, stderr } = child as { stdin: Writable; stdout: Readable; stderr: Readable };
  handOn(stdout, client.output);
  stderr.on('data', client.errors);
  return { input: sinkOf(stdin), ended, stop };
}
