import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { Catalogue } from '../../../apps/stargate/root/folders/catalogue.js';
import { makeRepository } from '../../../apps/stargate/root/folders/make-repository.js';
import { serveRoot, type ServeRootOptions } from '../../../apps/stargate/root/serving/serve-root.js';
import type { Daemon } from '../../../apps/stargate/serving/listeners.js';
import { settle } from '../../../apps/stargate/settings/settle.js';
import type { Log } from '../../../apps/stargate/log/log.js';
import { parseRepositoryName } from '../../../ports/grammar/repository-name.js';
import { readFileSync } from 'node:fs';
import { sshOptions } from '../keys.js';
import type { Ran } from '../programs/processes.js';
import { HOST_KEYS } from '../root.js';
import { Sandbox } from './sandbox.js';

/** A folder of repositories, and a Stargate in this process that serves it. */
export class RootStargate {
  readonly sandbox = new Sandbox();
  readonly root = this.sandbox.path('root');
  readonly catalogue = new Catalogue(this.root);
  readonly lines: { readonly event: string; readonly [field: string]: unknown }[] = [];
  private running: Daemon | undefined;
  private readonly keys = new Map<string, string>();

  /** A person's private key, made at the first call. */
  key(person: string): string {
    const key = this.keys.get(person) ?? this.sandbox.key(person);
    this.keys.set(person, key);
    return key;
  }

  /** Makes a repository in which a person may do all, and gives its folder. */
  async make(name: string, ...writers: readonly string[]): Promise<string> {
    const parsed = parseRepositoryName(name);
    if (parsed === null) throw new Error(`'${name}' is no name`);
    await mkdir(join(this.root, '.stargate'), { recursive: true });
    return makeRepository(this.catalogue, parsed, {
      ...{ policy: this.policy(...writers), objectFormat: 'sha1', repositoryId: randomUUID().replaceAll('-', '') },
    });
  }

  /** A policy whose writers, and admins, are these. */
  policy(...writers: readonly string[]): string {
    const keys = writers.map((writer) => JSON.stringify(readFileSync(`${this.key(writer)}.pub`, 'utf8').trim())).join(', ');
    return `version: 1\nstargate: { admins: [${keys}] }\nnamespaces: { main: { writers: [${keys}] } }\n`;
  }

  /** Starts the Stargate. */
  async start(options: Partial<ServeRootOptions> = {}): Promise<Daemon> {
    const note = (event: string, fields = {}): void => void this.lines.push({ ...fields, event });
    const log: Log = { info: note, warn: note, error: note };
    const anywhere = { host: '127.0.0.1', port: 0 };
    await cp(HOST_KEYS, join(this.root, '.stargate'), { recursive: true }); // making them takes seconds
    this.running = await serveRoot({
      ...{ root: this.root, listenSsh: anywhere, listenHttp: anywhere, most: 4, sampleSize: 32, log },
      choice: { profile: 'embedded', mirrorRemote: undefined, plugins: [] },
      choiceOf: async (gitDir) => (await settle(gitDir, {}, {})).choice,
      ...options,
    });
    return this.running;
  }

  async stop(): Promise<void> {
    await this.running?.stop();
    this.running = undefined;
  }

  /** Runs a command over SSH. */
  ssh(person: string, command: string): Promise<Ran> {
    return this.sandbox.exec('ssh', [...this.sshArgs(person), 'git@127.0.0.1', command]);
  }

  /** Runs git in the sandbox; `{repository}` in an argument is where that repository is reached. */
  git(person: string, ...args: readonly string[]): Promise<Ran> {
    const url = (text: string): string => text.replace(/\{(.+)\}/, (_, name: string) => `git@127.0.0.1:${name}.git`);
    return this.sandbox.exec('git', args.map(url), { GIT_SSH_COMMAND: this.sshCommand(person) });
  }

  /** The ssh that git is to use as a person. */
  sshCommand(person: string): string {
    return `ssh ${this.sshArgs(person).join(' ')}`;
  }

  /** Puts another policy in the place of a repository's. */
  async setPolicy(name: string, text: string): Promise<void> {
    await writeFile(join(this.root, `${name}.git`, '.kv', 'policy.yaml'), text);
  }

  async close(): Promise<void> {
    await this.stop();
    this.sandbox.remove();
  }

  private sshArgs(person: string): string[] {
    return [...sshOptions(this.key(person)), '-p', String(this.running?.ssh.port ?? 0)];
  }
}
