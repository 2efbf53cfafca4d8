import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ClusterWorld } from './cluster-world.js';
import type { IntentTarget } from '../programs/intent-stream.js';
import { run } from '../programs/processes.js';
import { BIN_DIR } from '../root.js';
import type { SmallDisk } from './small-disk.js';
import { until } from '../until.js';

/** How soon ssh gives a server up that says nothing. */
export const PATIENCE = ['-o', 'ConnectTimeout=3', '-o', 'ServerAliveInterval=1', '-o', 'ServerAliveCountMax=3'];

/** One server: a process, and what it listens on. */
export class ClusterServer implements IntentTarget {
  log = '';
  http = '';
  /** Its own disk; null: a folder of the world's. */
  disk: SmallDisk | null = null;
  private child: ChildProcess | undefined;

  constructor(
    readonly world: ClusterWorld,
    readonly name: string,
    readonly ssh: number,
    readonly peer: number,
  ) {}

  get repo(): string {
    return join(this.world.dir, this.name, 'kv.git');
  }

  get pushUrl(): string {
    return `ssh://git@127.0.0.1:${this.ssh}/kv.git`;
  }

  /** What ssh is told, so that a server that is stopped or cut off is given up. */
  readonly options = PATIENCE;

  get dir(): string {
    return this.world.dir;
  }

  get port(): number {
    return this.ssh;
  }

  /** Where a clock that is moved in a test is told how far. */
  get clockFile(): string {
    return join(this.world.dir, `${this.name}.clock`);
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  key(person: string): string {
    return join(this.world.dir, person);
  }

  env(): NodeJS.ProcessEnv {
    return this.world.env;
  }

  get runs(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Starts the process, with a failpoint where one is named; `ready` tells when it serves. */
  start(failpoint = ''): void {
    const listen = ['--listen-ssh', `127.0.0.1:${this.ssh}`, '--listen-http', '127.0.0.1:0'];
    const profile = join(this.world.dir, `${this.name}.yaml`);
    const args = [join(BIN_DIR, 'git-kv-stargate.js'), 'serve', '--repo', this.repo, ...listen, '--profile', profile];
    const env = { ...this.world.env, ...this.world.serverEnv, CLOCK_FILE: this.clockFile, GIT_KV_FAILPOINT: failpoint };
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.log = '';
    child.stdout.resume();
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
    this.child = child;
  }

  /** Waits until it serves. */
  ready(): Promise<void> {
    const holds = (): boolean => {
      if (!this.runs) throw new Error(`${this.name} ended:\n${this.world.logs()}`);
      return /"event":"ready"/.test(this.log);
    };
    return until(`${this.name} serves`, holds, { ms: 60_000, clue: () => this.world.logs() });
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** Ends the process, and waits for it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  /** Waits until it has ended by itself. */
  async ended(): Promise<void> {
    await until(`${this.name} ends`, () => !this.runs, { clue: () => this.world.logs() });
  }

  /** Whether its log says that it leads: the newest word of it counts. */
  get leads(): boolean {
    return this.runs && this.log.lastIndexOf('"event":"leader.won"') > this.log.lastIndexOf('"event":"leader.lost"');
  }

  async refs(): Promise<string> {
    const { stdout } = await run('git', ['-C', this.repo, 'for-each-ref', '--format=%(refname) %(objectname)'], {
      env: this.world.env,
    });
    return stdout
      .split('\n')
      .filter((line) => line !== '' && !/^refs\/kv-(leader|mirror)/.test(line))
      .join('\n');
  }
}
