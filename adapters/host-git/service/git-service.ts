import type { Readable, Writable } from 'node:stream';
import type {
  GitBounds,
  GitService,
  Oid,
  PushProcess,
  PushServiceRequest,
  ServiceClient,
  ServiceProcess,
  ServiceRequest,
  RefName,
} from '../../../ports/index.js';
import type { Hosted } from '../process/hosted.js';
import { bytesOf, handOn, sinkOf } from './byte-streams.js';
import { RepositoryMemory, thriftySettings } from './git-memory.js';
import { refsIn } from '../process/bundle-file.js';
import { runGit } from '../process/run-git.js';
import { advertisement } from './receive/commands.js';
import { OwnReceive } from './receive/own-receive.js';
import { type Started, startGit } from './service-process.js';

/** Whatever the repository's configuration says: with it, git would take a history that is cut off, unlooked at. */
const WHOLE = ['-c', 'receive.shallowUpdate=false'];

/** Protocol v0 too gives what v2 gives to whoever names it: a ref may have moved between the list and the request. */
const ANY_OBJECT = ['-c', 'uploadpack.allowAnySHA1InWant=true'];

/** Standard input, output and error, and the four descriptors that `repository/hooks.ts` tells of. */
const PIPES_OF_A_PUSH = 7;

/** Git's server sides, each a process of its own. */
export class GitServices implements GitService {
  private readonly repository: RepositoryMemory;
  private objectFormat: Promise<string> | undefined;

  constructor(private readonly hosted: Hosted) {
    this.repository = new RepositoryMemory(hosted.gitDir);
  }

  read(command: 'upload-pack' | 'upload-archive', request: ServiceRequest, client: ServiceClient): ServiceProcess {
    const bounds = this.boundsOf(request);
    const env = { ...this.environment(request), GIT_ALLOC_LIMIT: String(bounds.memory) };
    const args = [...thriftySettings(request.bounds), ...ANY_OBJECT, command, ...statelessOptions(request), this.hosted.gitDir];
    return connected(startGit(args, { env, pipes: 3, bounds }), client);
  }

  receive(request: PushServiceRequest, client: ServiceClient): PushProcess {
    const { gitDir, serviceEnv } = this.hosted;
    return new OwnReceive({
      ...{ gitDir, client, maxBytes: request.maxBytes },
      env: { ...serviceEnv, GIT_ALLOC_LIMIT: String(Math.trunc(request.bounds.memory)) },
      settings: thriftySettings(request.bounds),
      bounds: this.boundsOf(request),
      greeting: async () => {
        const refs = await this.refs();
        return advertisement(refs, {
          format: await this.format(),
          version1: request.gitProtocol === 'version=1',
          turns: request.turns?.() ?? [],
        });
      },
      git: (greeted) => this.receiveByGit(request, greeted),
    });
  }

  /** Any push, as git itself takes it. */
  private receiveByGit(request: PushServiceRequest, client: ServiceClient): PushProcess {
    // No object of the repository is as large as the bound: one that grows beyond it is the client's.
    const limit = String(Math.trunc(request.bounds.memory));
    const env = { ...this.environment(request), GIT_KV_STARGATE: '1', GIT_ALLOC_LIMIT: limit };
    // git's own bound, in front of what the repository's configuration says.
    const bound = `receive.maxInputSize=${Math.trunc(request.maxBytes)}`;
    const args = [...thriftySettings(request.bounds), '-c', bound, ...WHOLE, 'receive-pack', this.hosted.gitDir];
    const started = startGit(args, { env, pipes: PIPES_OF_A_PUSH, bounds: this.boundsOf(request) });
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

  /** All refs, by name. */
  private async refs(): Promise<(readonly [RefName, Oid])[]> {
    const { gitDir, serviceEnv: env } = this.hosted;
    const listed = await runGit(['--git-dir', gitDir, 'for-each-ref', '--format=%(objectname) %(refname)'], { env });
    return [...refsIn(listed)];
  }

  private format(): Promise<string> {
    const { gitDir, serviceEnv: env } = this.hosted;
    this.objectFormat ??= runGit(['--git-dir', gitDir, 'rev-parse', '--show-object-format'], { env }).then((said) => said.trim());
    return this.objectFormat;
  }

  private boundsOf({ bounds: { memory, time } }: ServiceRequest): GitBounds {
    return { memory: Math.trunc(memory) + this.repository.bytes, time };
  }

  private environment({ gitProtocol }: ServiceRequest): Record<string, string> {
    return { ...this.hosted.serviceEnv, ...(gitProtocol === undefined ? {} : { GIT_PROTOCOL: gitProtocol }) };
  }
}

function statelessOptions({ stateless }: ServiceRequest): readonly string[] {
  if (stateless === undefined) return [];
  return ['--stateless-rpc', ...(stateless === 'refs' ? ['--advertise-refs'] : [])];
}

function connected({ child, ended, stop }: Started, client: ServiceClient): ServiceProcess {
  const { stdin, stdout, stderr } = child as { stdin: Writable; stdout: Readable; stderr: Readable };
  handOn(stdout, client.output);
  stderr.on('data', client.errors);
  return { input: sinkOf(stdin), ended, stop };
}
