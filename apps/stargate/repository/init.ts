import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { KV_FAMILIES } from '../../../domain/ledger/refs.js';
import { KvError } from '../../../ports/error.js';
import { isNamespace, NAMESPACE_RULE } from '../../../ports/grammar/namespace.js';
import { shownUrl } from '../../../ports/grammar/shown-url.js';
import { parseSshKey } from '../../../ports/grammar/ssh-key.js';
import { parseSshUrl } from '../../../ports/grammar/ssh-url.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import { adoptMirror, type Adopted, type VerifyAdopted } from './adopt.js';
import { requireGit, runGit } from './git.js';
import { GIT_SETTINGS } from './git-settings.js';
import { writeHooks } from './hooks.js';
import { renderPolicy } from './policy-template.js';

export interface InitRequest {
  readonly repo: string;
  readonly mirrorUrl: string;
  readonly hash: ObjectFormat;
  readonly pushUrl: string | null;
  /** Files with one public key each. */
  readonly admins: readonly string[];
  readonly writers: readonly string[];
  readonly readers: readonly string[];
  readonly namespaces: readonly string[];
}

export type InitOutcome =
  | {
      readonly kind: 'created';
      readonly gitDir: string;
      readonly adopted: Adopted;
      readonly pushUrl: string | null;
      readonly fingerprint: string;
    }
  | { readonly kind: 'unchanged'; readonly gitDir: string };

const MIRROR_REMOTE = 'github-origin';
const RECORD = join('.stargate', 'init.json');

/**
 * Makes a Stargate's repository, whole or not at all. A second run with the same settings changes nothing.
 * Throws `CONFIG_INVALID` for other settings, a folder that is not ours, a bad key or an old git; what `adoptMirror` throws.
 */
export async function initRepository(request: InitRequest, verify: VerifyAdopted): Promise<InitOutcome> {
  const gitDir = resolve(request.repo);
  await requireGit();
  const settings = await readSettings(request);
  if (await isTaken(gitDir)) return compareSettings(gitDir, settings);
  if (/[\n\r]/.test(gitDir)) throw new KvError('CONFIG_INVALID', 'a repository path must not contain a line break');
  await mkdir(dirname(gitDir), { recursive: true });
  // Everything is made beside its place and moved there at the end: a failure leaves no half of a repository.
  const draft = await mkdtemp(join(dirname(gitDir), `.${basename(gitDir)}.init-`));
  try {
    const adopted = await build(draft, settings, verify);
    const fingerprint = await makeHostKey(draft);
    await writeFile(join(draft, RECORD), `${JSON.stringify(settings, null, 2)}\n`);
    await rename(draft, gitDir);
    return { kind: 'created', gitDir, adopted, pushUrl: settings.pushUrl, fingerprint };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** What init was asked for; kept in the repository so that a second run can be compared. */
interface Settings {
  readonly mirrorUrl: string;
  readonly hash: ObjectFormat;
  readonly pushUrl: string | null;
  readonly admins: readonly string[];
  readonly writers: readonly string[];
  readonly readers: readonly string[];
  readonly namespaces: readonly string[];
}

async function readSettings(request: InitRequest): Promise<Settings> {
  const { pushUrl, hash } = request;
  if (request.mirrorUrl.startsWith('-'))
    throw new KvError('USAGE', `--mirror-remote wants a URL, and got '${shownUrl(request.mirrorUrl)}'`);
  if (pushUrl !== null && parseSshUrl(pushUrl) === undefined) {
    throw new KvError('USAGE', `--push-url wants an SSH address, and got '${shownUrl(pushUrl)}'`, {
      hint: 'for example ssh://git@stargate.local/org/repo.git',
    });
  }
  const bad = request.namespaces.find((ns) => !isNamespace(ns));
  if (bad !== undefined)
    throw new KvError('USAGE', `'${bad}' is no namespace name`, { hint: `a namespace is ${NAMESPACE_RULE}` });
  const [admins, writers, readers] = await Promise.all([request.admins, request.writers, request.readers].map(readKeys));
  if (admins === undefined || writers === undefined || readers === undefined || admins.length === 0) {
    throw new KvError('USAGE', 'init needs at least one --admin KEY.pub', { hint: 'for example --admin ~/.ssh/id_ed25519.pub' });
  }
  // A path is kept as an absolute one: the repository's own folder is not where init was run.
  const local = /^(\.{0,2}\/|[^:]+$)/.test(request.mirrorUrl);
  const mirrorUrl = local ? resolve(request.mirrorUrl) : request.mirrorUrl;
  return {
    mirrorUrl,
    hash,
    pushUrl,
    admins,
    writers: writers.length > 0 ? writers : admins,
    readers,
    namespaces: request.namespaces,
  };
}

async function readKeys(files: readonly string[]): Promise<string[]> {
  const read = files.map(async (file) => {
    const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      throw new KvError(
        'CONFIG_INVALID',
        `cannot read the public key ${file}: ${cause.code === 'ENOENT' ? 'no such file' : cause.code}`,
        {
          cause,
          hint: 'name the .pub file that ssh-keygen made; keep it readable for this user',
        },
      );
    });
    const line = text.trim();
    if (/^-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]+-----END PGP PUBLIC KEY BLOCK-----$/.test(line)) return line;
    const key = parseSshKey(line);
    if (typeof key !== 'string' && key.type.startsWith('sk-')) {
      throw new KvError('CONFIG_INVALID', `${file} holds the key of a security key, with which nobody can log in to a Stargate`, {
        hint: 'give a key of another type; one that only signs can be listed in the policy afterwards',
      });
    }
    if (typeof key === 'string') {
      throw new KvError('CONFIG_INVALID', `${file} holds neither one SSH public key nor an OpenPGP public key block`, {
        hint: 'give the .pub file that ssh-keygen made, or what gpg --armor --export prints',
      });
    }
    return line;
  });
  return Promise.all(read);
}

async function isTaken(gitDir: string): Promise<boolean> {
  try {
    return (await readdir(gitDir)).length > 0;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    throw new KvError('CONFIG_INVALID', `cannot use ${gitDir}: ${code === 'ENOTDIR' ? 'it is a file' : code}`, { cause: error });
  }
}

async function compareSettings(gitDir: string, wanted: Settings): Promise<InitOutcome> {
  const text = await readFile(join(gitDir, RECORD), 'utf8').catch((cause: unknown) => {
    throw new KvError('CONFIG_INVALID', `${gitDir} is there already and is not a Stargate's repository`, {
      cause,
      hint: 'name a folder that does not exist; an existing repository is taken over through --mirror-remote',
    });
  });
  const had = JSON.parse(text) as Settings;
  const differ = (Object.keys(wanted) as (keyof Settings)[]).filter(
    (name) => JSON.stringify(had[name]) !== JSON.stringify(wanted[name]),
  );
  if (differ.length === 0) return { kind: 'unchanged', gitDir };
  const show = (value: unknown): string => (Array.isArray(value) ? value.map(nameOfKey).join(', ') : shownUrl(String(value)));
  const lines = differ.map((name) => `${OPTIONS[name]}: it was ${show(had[name])}, and is ${show(wanted[name])}`);
  throw new KvError('CONFIG_INVALID', `${gitDir} is initialised with other settings; nothing changed\n${lines.join('\n')}`, {
    hint: `change keys, namespaces and push_url in ${join(gitDir, '.kv', 'policy.yaml')}, the mirror with git remote set-url`,
    details: { differ: differ.map((name) => OPTIONS[name]) },
  });
}

/** A key by its comment: a whole key tells a reader nothing more. */
const nameOfKey = (line: string): string => line.split(/\s+/).slice(2).join(' ') || line.slice(0, 30);

const OPTIONS: Readonly<Record<keyof Settings, string>> = {
  mirrorUrl: '--mirror-remote',
  hash: '--hash',
  pushUrl: '--push-url',
  admins: '--admin',
  writers: '--writer',
  readers: '--reader',
  namespaces: '--ns',
};

async function build(gitDir: string, settings: Settings, verify: VerifyAdopted): Promise<Adopted> {
  await runGit(['init', '--quiet', '--bare', `--object-format=${settings.hash}`, '--initial-branch=main', '--template=', gitDir]);
  await chmod(gitDir, 0o755);
  await mkdir(join(gitDir, '.stargate'), { mode: 0o700 });
  await mkdir(join(gitDir, '.kv'), { mode: 0o755 });
  for (const [name, value] of GIT_SETTINGS) await runGit(['--git-dir', gitDir, 'config', name, value]);
  const remote = `remote.${MIRROR_REMOTE}`;
  await runGit(['--git-dir', gitDir, 'config', `${remote}.url`, settings.mirrorUrl]);
  for (const kind of KV_FAMILIES)
    await runGit(['--git-dir', gitDir, 'config', '--add', `${remote}.push`, `+refs/${kind}/*:refs/${kind}/*`]);
  await writeHooks(gitDir);
  const adopted = await adoptMirror(gitDir, MIRROR_REMOTE, settings.hash, verify);
  await runGit(['--git-dir', gitDir, 'symbolic-ref', 'HEAD', adopted.head ?? 'refs/heads/main']);
  await runGit(['--git-dir', gitDir, 'hash-object', '-t', 'tree', '-w', '--stdin']);
  const namespaces = [...new Set([...settings.namespaces, ...adopted.namespaces])];
  await writeFile(join(gitDir, '.kv', 'policy.yaml'), renderPolicy({ ...settings, namespaces }), { mode: 0o644 });
  return adopted;
}

/** Gives the key's fingerprint as ssh shows it. */
async function makeHostKey(gitDir: string): Promise<string> {
  const file = join(gitDir, '.stargate', 'ssh_host_ed25519_key');
  try {
    await promisify(execFile)('ssh-keygen', ['-t', 'ed25519', '-N', '', '-q', '-C', 'git-kv-stargate', '-f', file]);
    await chmod(file, 0o600);
    const { stdout } = await promisify(execFile)('ssh-keygen', ['-l', '-f', `${file}.pub`]);
    return stdout.split(' ')[1] ?? '';
  } catch (cause) {
    throw new KvError('IO_ERROR', `cannot make the SSH host key: ${(cause as Error).message}`, {
      cause,
      hint: 'install the OpenSSH client',
    });
  }
}
