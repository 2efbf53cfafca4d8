import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { files } from '../files.js';
import { isolatedEnv } from './isolated-env.js';
import { personKey, sshOptions } from '../keys.js';
import { asRan, type CommandOptions, isAlone, isEachAlone, runKept, runProgram } from '../commands/kept.js';
import { type Ended, serveAlone, serveKept, type Serving } from '../commands/serving.js';
import { freePort } from '../programs/free-port.js';
import { asText, type Ran, type RunOptions } from '../programs/processes.js';
import { refsIn } from '../refs-in.js';
import { BIN_DIR, HOST_KEYS } from '../root.js';
import { until } from '../until.js';

export interface WorldOptions {
  readonly hash?: 'sha1' | 'sha256';
  /** Changes the policy file that init wrote, before the Stargate starts. */
  readonly policy?: (text: string) => string;
  /** Persona names; the first is the admin. All but those in `strangers` are writers. */
  readonly writers?: readonly string[];
  readonly strangers?: readonly string[];
  /** May fetch from the Stargate, and not push. */
  readonly readers?: readonly string[];
  /** Namespaces of the policy that init writes; `main` when absent. */
  readonly namespaces?: readonly string[];
  /** What the Stargate is served with, the text of a profile; `embedded` when absent. */
  readonly profile?: string;
  /** The Stargate has a process of its own each time: what is asked is what a process holds, or does with its environment. */
  readonly alone?: boolean;
}

/**
 * A Stargate on loopback, its mirror, and people with keys and clones: everything real, in one temporary folder, with Git
 * kept from the user's and the system's configuration.
 */
export class World {
  private daemon: Serving | undefined;
  private log = '';
  port = 0;
  http = '';
  private profile: readonly string[] = [];

  private constructor(
    readonly dir: string,
    readonly hash: 'sha1' | 'sha256',
    private readonly alone: boolean,
  ) {}

  static async create(options: WorldOptions = {}): Promise<World> {
    const world = new World(await mkdtemp(join(tmpdir(), 'git-kv-world-')), options.hash ?? 'sha1', options.alone ?? false);
    await mkdir(join(world.dir, 'bin'));
    for (const name of ['git-kv', 'git-kv-stargate']) await symlink(join(BIN_DIR, `${name}.js`), join(world.dir, 'bin', name));
    const writers = options.writers ?? ['ada'];
    for (const person of [...writers, ...(options.readers ?? []), ...(options.strangers ?? [])]) await world.addPerson(person);
    world.port = await freePort();
    await world.git(world.dir, 'ada', [
      'init',
      '-q',
      '--bare',
      `--object-format=${world.hash}`,
      '--initial-branch=main',
      world.mirror,
    ]);
    const init = await world.run('git-kv-stargate', [
      ...['init', '--no-initial-branch', '--repo', world.repo, '--mirror-remote', world.mirror, '--hash', world.hash],
      ...['--host-keys', HOST_KEYS],
      ...['--push-url', world.pushUrl, '--admin', world.key(writers[0] as string, '.pub')],
      ...writers.flatMap((writer) => ['--writer', world.key(writer, '.pub')]),
      ...(options.namespaces ?? []).flatMap((ns) => ['--ns', ns]),
      ...(options.readers ?? []).flatMap((reader) => ['--reader', world.key(reader, '.pub')]),
    ]);
    if (init.code !== 0) throw new Error(`init failed: ${init.stderr}`);
    if (options.policy !== undefined) await world.editPolicy(options.policy);
    if (options.profile !== undefined) {
      const file = join(world.dir, 'profile.yaml');
      await writeFile(file, options.profile);
      world.profile = ['--profile', file];
    }
    await world.start();
    return world;
  }

  get mirror(): string {
    return join(this.dir, 'mirror.git');
  }

  get repo(): string {
    return join(this.dir, 'srv', 'kv.git');
  }

  get pushUrl(): string {
    return `ssh://git@127.0.0.1:${this.port}/kv.git`;
  }

  key(person: string, suffix = ''): string {
    return join(this.dir, 'keys', `${person}${suffix}`);
  }

  clonePath(person: string): string {
    return join(this.dir, 'clones', person);
  }

  /** The environment of a person's terminal. */
  env(person: string, extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    const isolated = isolatedEnv(join(this.dir, 'home'));
    return {
      ...isolated,
      PATH: `${join(this.dir, 'bin')}:${isolated['PATH']}`,
      GIT_SSH_COMMAND: ['ssh', ...sshOptions(this.key(person), join(this.dir, 'known_hosts'))].join(' '),
      LC_ALL: 'C.UTF-8',
      ...extra,
    };
  }

  /**
   * Starts the daemon and waits until it says where it listens. `env` may name a failpoint; `first` is what a shell does before it becomes
   * the daemon, such as `ulimit -n 128`; `more` are further arguments. With any of these, or a profile, it has a process of its own; else
   * another World's may have served in it.
   */
  async start(env: Readonly<Record<string, string>> = {}, first = ':', more: readonly string[] = []): Promise<void> {
    const listen = ['--listen-ssh', `127.0.0.1:${this.port}`, '--listen-http', '127.0.0.1:0'];
    const args = ['serve', '--repo', this.repo, ...listen, ...this.profile, ...more];
    const plain = first === ':' && [...Object.keys(env), ...more, ...this.profile].length === 0;
    const program = [process.execPath, join(BIN_DIR, 'git-kv-stargate.js'), ...args];
    const daemon =
      plain && !this.alone && !isEachAlone()
        ? serveKept(args, this.env('ada'))
        : serveAlone('sh', ['-c', `${first}; exec "$@"`, 'sh', ...program], { ...this.env('ada'), ...env });
    this.daemon = daemon;
    this.log = '';
    daemon.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
    this.http = (await untilListening(daemon.ended, daemon.stdout, () => this.log)).http;
    await this.logged(/"event":"ready"/); // by another pipe: with it, all that was logged before is here
  }

  /** The running daemon's process; undefined when there is none. */
  get pid(): number | undefined {
    return this.daemon?.pid;
  }

  /** Ends the daemon; gives its exit code and signal. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    const { daemon } = this;
    this.daemon = undefined;
    daemon?.kill(signal);
    return daemon?.ended ?? [null, null];
  }

  /** Resolves once the daemon has ended by itself. */
  async ended(): Promise<void> {
    await this.daemon?.ended;
  }

  daemonLog(): string {
    return this.log;
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }); // a git gc that was told to end may still be at it
  }

  async editPolicy(change: (text: string) => string): Promise<void> {
    const path = join(this.repo, '.kv', 'policy.yaml');
    await writeFile(path, change(await readFile(path, 'utf8')));
  }

  async addPerson(person: string): Promise<void> {
    await mkdir(join(this.dir, 'keys'), { recursive: true });
    await mkdir(join(this.dir, 'home'), { recursive: true });
    personKey(this.key(person), person);
  }

  /** A clone of the mirror, set up as a developer would. */
  async clone(person: string, name = person): Promise<string> {
    const path = this.clonePath(name);
    // Not by git clone: before 2.41, git takes a SHA-256 repository without branches for a SHA-1 one.
    const made = await this.git(this.dir, person, ['init', '-q', `--object-format=${this.hash}`, '--initial-branch=main', path]);
    if (made.code !== 0) throw new Error(`git init: ${made.stderr}`);
    const fetch = '+refs/heads/*:refs/remotes/origin/*';
    const sections = [
      `[remote "origin"]\n\turl = ${this.mirror}\n\tfetch = ${fetch}`,
      `[user]\n\tname = ${person}\n\temail = ${person}@example.org\n\tsigningKey = ${this.key(person)}`,
      '[gpg]\n\tformat = ssh\n',
    ];
    await appendFile(join(path, '.git', 'config'), sections.join('\n'));
    await this.mirrored(); // the policy that remote setup looks for
    const setup = await this.kv(name, ['remote', 'setup'], { person });
    if (setup.code !== 0) throw new Error(`remote setup: ${setup.stderr}${setup.stdout}\n${this.log}`);
    return path;
  }

  /** `git kv …` in a clone; alone, it is git itself that starts it. */
  async kv(
    clone: string,
    args: readonly string[],
    { person = clone, ...options }: CommandOptions & { readonly person?: string } = {},
  ): Promise<Ran> {
    const typed = { cwd: this.clonePath(clone), ...options, env: { ...this.env(person), ...options.env } };
    return isAlone(options) ? this.run('git', ['kv', ...args], typed) : asText(asRan(await runKept('git-kv', args, typed)));
  }

  git(cwd: string, person: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return this.run('git', args, { cwd, ...options, env: { ...this.env(person), ...options.env } });
  }

  run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<Ran> {
    return runProgram(command, args, { cwd: this.dir, env: this.env('ada'), ...options });
  }

  /** Every ref of the Stargate, or of another bare repository, and what it points to. */
  refs(repo = this.repo): Promise<Map<string, string>> {
    return refsIn(repo);
  }

  /** Every file of the Stargate's object store: a rejected push must not add one. */
  objectFiles(): Promise<string[]> {
    const read = (triesLeft: number): Promise<string[]> =>
      files(join(this.repo, 'objects')).catch((error: NodeJS.ErrnoException) => {
        // Housekeeping may take a folder away while it is being read.
        if (error.code !== 'ENOENT' || triesLeft === 0) throw error;
        return read(triesLeft - 1);
      });
    return read(10);
  }

  /** Waits until every ref of the Stargate is the same at the mirror. */
  mirrored(): Promise<void> {
    return this.until('the mirror has every ref', async () => {
      const [here, there] = await Promise.all([this.refs(), this.refs(this.mirror)]);
      return [...here].every(([ref, oid]) => there.get(ref) === oid);
    });
  }

  /** Waits until something holds; throws with the daemon's log when it doesn't within half a minute, or `ms`. */
  until(what: string, holds: () => boolean | Promise<boolean>, ms?: number): Promise<void> {
    return until(what, holds, { clue: () => this.log, ...(ms === undefined ? {} : { ms }) });
  }

  /** What the daemon has logged by now, since its start. */
  get logText(): string {
    return this.log;
  }

  /** Waits until the daemon's log has a line that matches. */
  logged(pattern: RegExp): Promise<void> {
    return this.until(`a log line ${pattern}`, () => pattern.test(this.log));
  }
}

/** Resolves with the addresses that a Stargate prints when it is ready; throws with its log when it ends before. */
export async function untilListening(
  ended: Promise<unknown>,
  stdout: Readable,
  log: () => string,
): Promise<{ readonly ssh: string; readonly http: string }> {
  let out = '';
  stdout.setEncoding('utf8');
  const exited = ended.then(() => {
    throw new Error(`the Stargate ended before it was ready:\n${log()}`);
  });
  exited.catch(() => undefined); // it ends later too, when it is told to
  while (!/^http.*\n/m.test(out)) {
    const [text] = (await Promise.race([once(stdout, 'data'), exited])) as [string];
    out += text;
  }
  const after = (name: string): string => new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(out)?.[1] ?? '';
  return { ssh: after('ssh'), http: after('http') };
}
