import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AcceptedPush, Gateway, PushRequest } from '../../domain/gateway/push.js';
import type { GitStore } from '../../ports/git-store.js';
import type { Log } from '../../apps/stargate/log.js';
import { PUSH_LIMITS, serveReceivePack, type PushLimits, type PushOutcome } from '../../apps/stargate/push/receive-pack.js';
import { repositoryIds } from '../../apps/stargate/repository/repository-id.js';
import type { Identify } from '../../apps/stargate/ssh/auth.js';
import { listenSsh, type SshLimits, type SshListener } from '../../apps/stargate/ssh/server.js';
import { routeCommands } from '../../apps/stargate/ssh/route.js';
import { openProfile } from '../../plugins/host/index.js';
import type { GitService } from '../../ports/git-service.js';
import type { RepositoryHost } from '../../ports/repository-host.js';

const run = promisify(execFile);

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of its own with a HOME; everything in it is removed at the end. */
export class Sandbox {
  readonly children = new Set<ChildProcess>();
  private constructor(readonly path: string) {}

  static async create(): Promise<Sandbox> {
    const sandbox = new Sandbox(await mkdtemp(join(tmpdir(), 'stargate-test-')));
    return sandbox;
  }

  get env(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.path,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_AUTHOR_NAME: 'ada',
      GIT_AUTHOR_EMAIL: 'ada@example.org',
      GIT_COMMITTER_NAME: 'ada',
      GIT_COMMITTER_EMAIL: 'ada@example.org',
    };
  }

  start(file: string, args: readonly string[], env: Record<string, string> = {}): { child: ChildProcess; done: Promise<Ran> } {
    const child = spawn(file, [...args], {
      cwd: this.path,
      env: { ...this.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.children.add(child);
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (text: Buffer) => (stdout += text.toString()));
    child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()));
    const done = new Promise<Ran>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        this.children.delete(child);
        resolve({ status: code ?? -1, stdout, stderr });
      });
    });
    return { child, done };
  }

  /** Kills a process that `start` gave, and the processes that it started itself. */
  kill(child: ChildProcess): void {
    if (child.pid !== undefined && this.children.has(child)) process.kill(-child.pid, 'SIGKILL');
  }

  async run(file: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
    const { child, done } = this.start(file, args, env);
    child.stdin?.end();
    return done;
  }

  async git(...args: string[]): Promise<string> {
    return (await run('git', args, { cwd: this.path, env: this.env })).stdout.trim();
  }

  /** Makes a key pair; gives the private key's path. */
  async key(name: string, type = 'ed25519'): Promise<string> {
    const file = join(this.path, `${name}.key`);
    await run('ssh-keygen', ['-t', type, '-N', '', '-q', '-C', name, '-f', file]);
    return file;
  }

  async dispose(): Promise<void> {
    for (const child of this.children) this.kill(child);
    await rm(this.path, { recursive: true, force: true });
  }
}

export async function publicBlob(keyFile: string): Promise<Buffer> {
  return Buffer.from((await readFile(`${keyFile}.pub`, 'utf8')).split(' ')[1] ?? '', 'base64');
}

/** An ssh client that knows one key and nothing of the user's. */
export function sshOptions(key: string, port: number): string[] {
  return [
    ...['-F', '/dev/null', '-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'IdentityAgent=none', '-o', 'BatchMode=yes'],
    ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', '-p', String(port)],
  ];
}

/** Every file below a folder, sorted. */
export async function files(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name))
    .sort();
}

/** The command lines of processes that work in a folder: it is among their arguments, or their GIT_DIR, or where they are. */
export async function processesIn(folder: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = ids.map(async (id) => {
    const gone = (): string => ''; // ended meanwhile, or not ours to look at
    const line = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(gone);
    const env = await readFile(`/proc/${id}/environ`, 'utf8').catch(gone);
    const cwd = await readlink(`/proc/${id}/cwd`).catch(gone);
    const inside = line.includes(folder) || cwd.startsWith(folder) || env.includes(`GIT_DIR=${folder}`);
    return inside ? `${id} ${line.replaceAll('\0', ' ')}` : '';
  });
  return (await Promise.all(lines)).filter((line) => line !== '');
}

export const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Accepts what its `check` lets through and moves the refs with `git update-ref`; records what it was asked. */
export class FakeGateway implements Gateway {
  readonly validated: PushRequest[] = [];
  readonly committed: AcceptedPush[] = [];
  readonly abandoned: AcceptedPush[] = [];
  check: (request: PushRequest) => Promise<void> = async () => undefined;
  beforeCommit: () => Promise<void> = async () => undefined;
  private tail: Promise<void> = Promise.resolve();
  private readonly releases = new Map<AcceptedPush, () => void>();

  constructor(
    private readonly sandbox: Sandbox,
    private readonly gitDir: string,
  ) {}

  async validate(request: PushRequest): Promise<AcceptedPush> {
    const before = this.tail;
    let release: () => void = () => undefined;
    this.tail = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    this.validated.push(request);
    try {
      await this.check(request);
    } catch (error) {
      release();
      throw error;
    }
    const accepted = { request, events: [] };
    this.releases.set(accepted, release);
    return accepted;
  }

  async commit(accepted: AcceptedPush): Promise<void> {
    try {
      await this.beforeCommit();
      for (const { ref, old, next } of accepted.request.commands) {
        const zero = '0'.repeat(40);
        await this.sandbox.git('--git-dir', this.gitDir, 'update-ref', ref, next ?? zero, old ?? zero);
      }
      this.committed.push(accepted);
    } finally {
      this.release(accepted);
    }
  }

  abandon(accepted: AcceptedPush): void {
    if (!this.releases.has(accepted)) return;
    this.abandoned.push(accepted);
    this.release(accepted);
  }

  async recover(): Promise<{ rolledForward: number; rolledBack: number }> {
    return { rolledForward: 0, rolledBack: 0 };
  }

  private release(accepted: AcceptedPush): void {
    this.releases.get(accepted)?.();
    this.releases.delete(accepted);
  }
}

/** A bare repository behind a real SSH server, with a fake gateway, and a clone to push from. */
export interface Rig {
  readonly sandbox: Sandbox;
  readonly gitDir: string;
  readonly gateway: FakeGateway;
  readonly ssh: SshListener;
  readonly outcomes: PushOutcome[];
  readonly keys: { readonly writer: string; readonly reader: string; readonly stranger: string };
  readonly work: string;
  sshArgs(key: string): string[];
  sshCommand(key: string): string;
  url(path?: string): string;
  push(...args: string[]): Promise<Ran>;
  close(): Promise<void>;
}

export async function rig(options: { limits?: Partial<PushLimits>; ssh?: Partial<SshLimits> } = {}): Promise<Rig> {
  const sandbox = await Sandbox.create();
  const gitDir = join(sandbox.path, 'shop.git');
  const composition = await openProfile('test', { directory: gitDir, env: sandbox.env });
  const host = await composition.get<RepositoryHost>('repository-host');
  const services = await composition.get<GitService>('git-service');
  await host.create({ objectFormat: 'sha1', mirror: { remote: 'mirror', url: '/nowhere', push: [] } });
  const keys = {
    writer: await sandbox.key('writer'),
    reader: await sandbox.key('reader'),
    stranger: await sandbox.key('stranger'),
  };
  const hostKey = await sandbox.key('host');
  const [writer, reader] = [await publicBlob(keys.writer), await publicBlob(keys.reader)];
  const identify: Identify = (_type, blob) => {
    if (writer.equals(blob)) return { name: 'writer', admin: false, writer: true, reader: false };
    return reader.equals(blob) ? { name: 'reader', admin: false, writer: false, reader: true } : null;
  };
  const gateway = new FakeGateway(sandbox, gitDir);
  const outcomes: PushOutcome[] = [];
  const push = serveReceivePack({
    ...{ services, host, gateway },
    store: await composition.get<GitStore>('git-store'),
    limits: { ...PUSH_LIMITS, ...options.limits },
    onOutcome: (outcome) => outcomes.push(outcome),
    log: SILENT,
  });
  const verbs = [{ name: 'echo', role: 'any' as const, run: async (args: readonly string[]) => args }];
  const ssh = await listenSsh({
    host: '127.0.0.1',
    port: 0,
    hostKeys: [await readFile(hostKey)],
    identify,
    answersTo: repositoryIds(gitDir, 'ssh://git@stargate.local/org/repo.git'),
    route: routeCommands({ services, push, verbs, readTimeout: 60_000 }),
    ...(options.ssh === undefined ? {} : { limits: options.ssh }),
    log: SILENT,
  });
  const work = join(sandbox.path, 'work');
  await sandbox.git('init', '--quiet', '-b', 'main', work);
  const sshArgs = (key: string): string[] => sshOptions(key, ssh.port);
  const sshCommand = (key: string): string => `ssh ${sshArgs(key).join(' ')}`;
  const url = (path = 'shop.git'): string => `git@127.0.0.1:${path}`;
  return {
    ...{ sandbox, gitDir, gateway, ssh, outcomes, keys, work, sshArgs, sshCommand, url },
    push: (...args) => sandbox.run('git', ['-C', work, 'push', url(), ...args], { GIT_SSH_COMMAND: sshCommand(keys.writer) }),
    async close() {
      await ssh.close(0);
      await composition.close();
      await sandbox.dispose();
    },
  };
}

/** Commits one file and gives the commit's id. */
export async function commitFile(rigged: Rig, name: string, text: string): Promise<string> {
  const { sandbox, work } = rigged;
  const { child, done } = sandbox.start('git', ['-C', work, 'hash-object', '-w', '--stdin']);
  child.stdin?.end(text);
  const blob = (await done).stdout.trim();
  await sandbox.git('-C', work, 'update-index', '--add', '--cacheinfo', `100644,${blob},${name}`);
  await sandbox.git('-C', work, 'commit', '--quiet', '-m', name);
  return sandbox.git('-C', work, 'rev-parse', 'HEAD');
}
