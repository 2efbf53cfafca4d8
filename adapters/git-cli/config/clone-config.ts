import { resolve } from 'node:path';
import type { CloneConfig, CloneConfigWriter } from '../../../ports/clone/clone-config.js';
import { KvError } from '../../../ports/error.js';
import { canonicalKey, readConfig } from './read-config.js';
import type { ConfigValues } from './read-config.js';
import { firstComplaint, gitPlace, runGit } from '../process/run-git.js';
import type { Environment, GitPlace } from '../process/run-git.js';

/** Whose configuration is read, or changed. */
export interface CloneConfigOptions {
  /** The Git directory, or a folder to look for one from. */
  readonly directory: string;
  readonly env: Environment;
}

/** Reads the configuration once; later changes are not seen, but for its own. */
export async function openCloneConfig({ directory, env }: CloneConfigOptions): Promise<CloneConfig> {
  const place = gitPlace(resolve(directory), env);
  return new GitCloneConfig(place, await readConfig(place));
}

/** Changes the clone's own `.git/config`. */
export async function openCloneConfigWriter({ directory, env }: CloneConfigOptions): Promise<CloneConfigWriter> {
  return new GitCloneConfigWriter(gitPlace(resolve(directory), env));
}

class GitCloneConfig implements CloneConfig {
  constructor(
    private readonly place: GitPlace,
    private values: ConfigValues,
  ) {}

  async put(key: string, value: string): Promise<void> {
    this.values = new Map([...this.values, [canonicalKey(key), [value]]]);
    await runGit(this.place, ['config', '--local', '--replace-all', canonicalKey(key), value]); // where it fails, the next command looks anew
  }

  get(key: string): string | undefined {
    return this.all(key).at(-1);
  }

  all(key: string): readonly string[] {
    return this.values.get(canonicalKey(key)) ?? [];
  }

  names(): readonly string[] {
    return [...this.values.keys()];
  }

  async identity(): Promise<string> {
    const { env } = this.place;
    const name = clean(env['GIT_AUTHOR_NAME'] ?? this.get('author.name') ?? this.get('user.name') ?? '');
    const email = clean(env['GIT_AUTHOR_EMAIL'] ?? this.get('author.email') ?? this.get('user.email') ?? '');
    if (name !== '' && email !== '') return `${name} <${email}>`;
    // Git has more places to look: EMAIL, the account's real name, the host.
    const { code, stdout, stderr } = await runGit(this.place, ['var', 'GIT_AUTHOR_IDENT']);
    const ident = /^(.* <.*>) \d+ [+-]\d{4}\n$/.exec(stdout.toString('utf8'))?.[1];
    if (code === 0 && ident !== undefined) return ident;
    throw new KvError('CONFIG_INVALID', `git does not know who you are: ${firstComplaint(stderr)}`, {
      hint: "run `git config user.name 'Your Name'` and `git config user.email you@example.com`",
    });
  }
}

/** What git takes out of a name before it puts it into a commit. */
function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
  return text.replace(/[<>\n\0]/g, '').replace(/^[\u0000- .,:;"\\']+|[\u0000- .,:;"\\']+$/g, '');
}

const NO_SUCH_KEY = 5;

class GitCloneConfigWriter implements CloneConfigWriter {
  constructor(private readonly place: GitPlace) {}

  async set(key: string, values: readonly string[]): Promise<void> {
    const name = canonicalKey(key);
    for (const value of values) if (value.includes('\0')) throw new KvError('INPUT_INVALID', `a value for '${key}' holds a NUL`);
    const [first, ...more] = values;
    if (first === undefined) {
      await this.run(name, ['--unset-all', name], [0, NO_SUCH_KEY]);
      return;
    }
    await this.run(name, ['--replace-all', name, first], [0]);
    for (const value of more) await this.run(name, ['--add', name, value], [0]);
  }

  private async run(key: string, args: readonly string[], accepted: readonly number[]): Promise<void> {
    const { code, stderr } = await runGit(this.place, ['config', '--local', ...args]);
    if (accepted.includes(code)) return;
    throw new KvError('IO_ERROR', `cannot set '${key}' in the clone's configuration: ${firstComplaint(stderr)}`, {
      hint: 'check that .git/config can be written and that no .git/config.lock is left over',
    });
  }
}
