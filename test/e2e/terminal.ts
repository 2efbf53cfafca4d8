import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { matches, type Step, type Transcript } from './transcript.js';
import { type KeptServer, serveKept } from '../support/commands/kept-server.js';
import { ROOT } from '../support/root.js';
import { untilListening, World } from '../support/worlds/world.js';

const PATIENCE_MS = 30_000;
const AGAIN_MS = 200;
/** What is interrupted, or has less than a shell usually gives, has a process of its own in any session. */
const ALONE = /\btimeout \d|\bulimit |>&-/;
/** For whoever writes a script: print what comes, expect nothing. */
const SHOW = process.env['GIT_KV_TRANSCRIPT'] === 'show';

interface Background {
  readonly child: ChildProcess;
  log: string;
}

/** Plays one transcript in a world of its own. Throws with the transcript up to where it went another way. */
export async function play(transcript: Transcript): Promise<void> {
  const { hash, writers, readers, strangers, namespaces, policy } = transcript.setting;
  const edit = (text: string): string =>
    policy.reduce((sum, [pattern, by]) => changed(sum, sum.replace(pattern, by), pattern), text);
  const world = await World.create({ hash, writers, readers, strangers, namespaces, policy: edit });
  const terminal = new Terminal(world);
  try {
    if (!transcript.setting.alone && hasPerl()) await terminal.keepProcesses();
    for (const person of [...writers, ...readers, ...strangers]) await terminal.moveIn(person);
    for (const person of transcript.setting.clones) await world.clone(person);
    for (const [i, step] of transcript.steps.entries()) await terminal.step(step, transcript.steps.slice(0, i));
  } finally {
    await terminal.close();
    await world.close();
  }
}

/** Whether the client of processes that are kept can be started. */
function hasPerl(): boolean {
  return spawnSync('perl', ['-e', '1']).status === 0;
}

function changed(before: string, after: string, pattern: RegExp): string {
  if (before === after) throw new Error(`@policy: ${pattern} changes nothing in\n${before}`);
  return after;
}

/** The terminals of everybody in a script, and the processes that they left running. */
class Terminal {
  private readonly values = new Map<string, string>();
  private readonly background = new Map<string, Background>();
  private output = '';
  private kept: KeptServer | undefined;

  constructor(private readonly world: World) {}

  /** From now on the shells find programs in their PATH that have processes do the work which are kept. */
  async keepProcesses(): Promise<void> {
    const { dir } = this.world;
    await mkdir(join(dir, 'kept'));
    const client = join(ROOT, 'test', 'support', 'commands', 'kept-client');
    for (const name of ['git-kv', 'git-kv-stargate']) await symlink(client, join(dir, 'kept', name));
    this.kept = await serveKept(join(dir, 'kept', 'socket'));
  }

  /** Git configuration as a person has in their home, so that a plain `git clone` is enough. */
  async moveIn(person: string): Promise<void> {
    const settings = [
      `[user]\n\tname = ${person}\n\temail = ${person}@example.org\n\tsigningKey = ${this.world.key(person)}`,
      '[gpg]\n\tformat = ssh\n[init]\n\tdefaultBranch = main\n[advice]\n\tdetachedHead = false\n',
    ];
    await writeFile(this.configOf(person), settings.join('\n'));
    await mkdir(join(this.world.dir, 'clones'), { recursive: true });
  }

  async step(step: Step, before: readonly Step[]): Promise<void> {
    try {
      await this.take(step);
    } catch (error) {
      const story = before.slice(-12).flatMap(describe).join('\n');
      throw new Error(`line ${step.line}\n${story}\n${(error as Error).message}\n\n${this.logTail()}`);
    }
  }

  private async take(step: Step): Promise<void> {
    if (step.kind === 'background') return this.leaveRunning(step.name, step.command);
    if (step.kind === 'capture') {
      const match = step.pattern.exec(this.output);
      if (match === null) throw new Error(`capture ${step.name}: ${step.pattern} is not in\n${this.output}`);
      return void this.values.set(step.name, match[1] ?? match[0]);
    }
    if (step.kind === 'stargate') {
      if (step.verb === 'start') return this.world.start();
      return void (await this.world.stop(step.verb === 'kill' ? 'SIGKILL' : 'SIGTERM'));
    }
    const started = Date.now();
    for (;;) {
      const code = await this.type(step.who, step.command);
      const fits = code === step.exit && matches(step.expected, this.output, this.facts());
      if (SHOW && (fits || step.kind === 'command')) {
        console.log(`${step.who}$ ${step.command}\n${this.output}${code === 0 ? '' : `? ${code}\n`}`);
        return;
      }
      if (fits) return;
      if (step.kind === 'command' || Date.now() - started > PATIENCE_MS) {
        const wanted = [...describe(step), `— what came instead, with exit ${code}:`, this.output.replace(/\n$/, '')];
        throw new Error(wanted.join('\n'));
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  /** Runs a command line; both of its outputs arrive in one, as in a terminal. Gives its exit status. */
  private async type(who: string, command: string): Promise<number> {
    await writeFile(join(this.world.dir, 'stargate.log'), this.world.daemonLog());
    for (const [name, { log }] of this.background) await writeFile(join(this.world.dir, `${name}.log`), log);
    const child = spawn('sh', ['-c', `exec 2>&1\n${command}`], {
      cwd: this.placeOf(who),
      env: this.envOf(who, ALONE.test(command)),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
    this.output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    clearTimeout(timer);
    if (code === null) throw new Error(`${who}$ ${command}\n— ended by ${signal}\n${this.output}`);
    return code;
  }

  /** Starts a Stargate and waits until it listens; its `$NAME_PID`, `$NAME_SSH` (a port), `$NAME_HTTP`, `$NAME_LOG`. */
  private async leaveRunning(name: string, command: string): Promise<void> {
    const child = spawn('sh', ['-c', `exec ${command}`], {
      cwd: this.world.dir,
      env: this.envOf('operator', true),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const running: Background = { child, log: '' };
    this.background.set(name, running);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      running.log += text;
    });
    const { ssh, http } = await untilListening(once(child, 'exit'), child.stdout, () => running.log);
    this.values.set(`${name}_PID`, String(child.pid));
    this.values.set(`${name}_SSH`, ssh.split(':').at(-1) ?? '');
    this.values.set(`${name}_HTTP`, http);
    this.values.set(`${name}_LOG`, join(this.world.dir, `${name}.log`));
  }

  async close(): Promise<void> {
    await this.kept?.close();
    for (const { child } of this.background.values()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
  }

  private configOf(person: string): string {
    return join(this.world.dir, 'home', `${person}.gitconfig`);
  }

  /** The operator works in the world's folder; everybody else in their clone, or where they will clone it to. */
  private placeOf(who: string): string {
    if (who === 'operator') return this.world.dir;
    const clone = this.world.clonePath(who);
    return existsSync(clone) ? clone : join(this.world.dir, 'clones');
  }

  private envOf(who: string, alone: boolean): NodeJS.ProcessEnv {
    const config = this.configOf(who);
    const home = existsSync(config) ? { GIT_CONFIG_GLOBAL: config } : {};
    const facts = Object.fromEntries(this.facts());
    const env = this.world.env(who === 'operator' ? 'ada' : who, { ...facts, ...home });
    const path = `${join(ROOT, 'test', 'e2e', 'bin')}:${env['PATH']}`;
    if (this.kept === undefined || alone) return { ...env, PATH: path };
    const kept = join(this.world.dir, 'kept');
    return { ...env, PATH: `${kept}:${path}`, KEPT_COMMANDS: join(kept, 'socket') };
  }

  private facts(): Map<string, string> {
    const { world } = this;
    const facts = { MIRROR: world.mirror, REPO: world.repo, PUSH_URL: world.pushUrl, HTTP: world.http, DIR: world.dir };
    const more = { PORT: String(world.port), PID: String(world.pid ?? ''), LOG: join(world.dir, 'stargate.log') };
    const keys = { KEYS: join(world.dir, 'keys'), POLICY: join(world.repo, '.kv', 'policy.yaml'), ROOT };
    return new Map([...Object.entries({ ...facts, ...more, ...keys }), ...this.values]);
  }

  private logTail(): string {
    const logs = [['the Stargate', this.world.daemonLog()], ...[...this.background].map(([name, { log }]) => [name, log])];
    return logs.map(([name, log = '']) => `— the log of ${name}, its end:\n${log.slice(-1500)}`).join('\n');
  }
}

/** A step as the script has it. */
function describe(step: Step): string[] {
  switch (step.kind) {
    case 'background':
      return [`${step.name}& ${step.command}`];
    case 'capture':
      return [`capture ${step.name} ${step.pattern}`];
    case 'stargate':
      return [`${step.verb} stargate`];
    default:
      return [
        `${step.who}${step.kind === 'again' ? '~' : '$'} ${step.command}`,
        ...step.expected,
        ...(step.exit === 0 ? [] : [`? ${step.exit}`]),
      ];
  }
}
