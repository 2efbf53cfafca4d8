import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { adoptMirror, type Adopted } from '../../domain/gateway/epochs/adopt.js';
import { type AdoptionContext, verifyNamespace } from '../../domain/gateway/epochs/verify-adopted.js';
import { classifyRef, KV_FAMILIES } from '../../domain/ledger/refs.js';
import { type Composition, openProfile } from '../../plugins/host/index.js';
import { KvError, toKvError } from '../../ports/error.js';
import { isNamespace, NAMESPACE_RULE } from '../../ports/grammar/namespace.js';
import { shownUrl } from '../../ports/grammar/network/shown-url.js';
import { parseSshKey } from '../../ports/grammar/network/ssh-key.js';
import { parseSshUrl } from '../../ports/grammar/network/ssh-url.js';
import type { RepositoryHost } from '../../ports/git/repository-host.js';
import type { ObjectFormat } from '../../ports/vocabulary.js';
import { ownEnv } from './process/environment.js';
import { adoptionContext } from './repository/adoption-context.js';
import type { HostKey } from './host-key/key-files.js';
import { makeHostKeys } from './host-key/make-keys.js';
import { greetMirror, type MirrorGreeting } from './repository/mirror-greeting.js';
import { ownRepositoryId } from './repository/own-id.js';
import { sayProfile } from './repository/say-profile.js';
import { renderPolicy } from './repository/policy-template.js';

/** What `init` is to make. */
export interface InitRequest {
  readonly repo: string;
  /** Null: the profile's mirror is none that git pushes to, and a plugin knows where it is. */
  readonly mirrorUrl: string | null;
  readonly hash: ObjectFormat;
  readonly pushUrl: string | null;
  /** The branch to begin where the mirror has none, null for the one that its HEAD names; absent: none. */
  readonly initialBranch?: string | null;
  /** Files with one public key each. */
  readonly admins: readonly string[];
  readonly writers: readonly string[];
  readonly readers: readonly string[];
  readonly namespaces: readonly string[];
  /** A folder with SSH host keys to take over, such as a backup's; undefined: new ones are made; null: none, the daemon has its own. */
  readonly hostKeys?: string | null | undefined;
  /** What the repository's own configuration says that it is served with; absent: nothing. */
  readonly profile?: string;
}

type InitOutcome =
  | {
      readonly kind: 'created';
      readonly gitDir: string;
      readonly adopted: Adopted;
      readonly mirror: MirrorGreeting;
      readonly pushUrl: string | null;
      readonly hostKeys: readonly HostKey[];
    }
  | { readonly kind: 'unchanged'; readonly gitDir: string };

const MIRROR_REMOTE = 'github-origin';
const RECORD = join('.stargate', 'init.json');

/** Verifies one namespace of what was taken over; throws the KvError that says what is wrong. */
type VerifyNamespace = (context: AdoptionContext, ns: string) => Promise<unknown>;

/**
 * Makes a Stargate's repository, whole or not at all. A second run with the same settings changes nothing.
 * Throws `CONFIG_INVALID` for other settings, a folder that is not ours, a bad key or an old git; `USAGE` for what is missing or
 * no URL, such as no push URL with a mirror on another machine; what `adoptMirror` throws.
 */
export async function initRepository(request: InitRequest, verify: VerifyNamespace = verifyNamespace): Promise<InitOutcome> {
  const gitDir = resolve(request.repo);
  // Everything is made beside its place and moved there at the end: a failure leaves no half of a repository.
  const draft = join(dirname(gitDir), `.${basename(gitDir)}.init-${randomBytes(6).toString('hex')}`);
  const composition = await openProfile('embedded', { directory: draft, env: ownEnv() });
  const host = await composition.get<RepositoryHost>('repository-host');
  await host.checkPrograms();
  const settings = await readSettings(request);
  const { initialBranch } = request;
  if (await isTaken(gitDir)) return compareSettings(gitDir, settings);
  if (settings.pushUrl === null && request.mirrorUrl !== null && !isLocal(request.mirrorUrl)) throw needsPushUrl();
  if (/[\n\r]/.test(gitDir)) throw new KvError('CONFIG_INVALID', 'a repository path must not contain a line break');
  await mkdir(dirname(gitDir), { recursive: true });
  try {
    const { adopted, mirror } = await build(composition, host, draft, { ...settings, initialBranch }, verify).finally(() =>
      composition.close(),
    );
    const { hostKeys: from, profile } = request;
    if (profile !== undefined) await sayProfile(draft, profile);
    const hostKeys = from === null ? [] : await makeHostKeys(draft, from === undefined ? undefined : resolve(from));
    await writeFile(join(draft, RECORD), `${JSON.stringify(settings, null, 2)}\n`);
    await rename(draft, gitDir);
    return { kind: 'created', gitDir, adopted, mirror, pushUrl: settings.pushUrl, hostKeys };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** The policy that a repository would be made with. Throws as `initRepository` does for a bad key or name. */
export async function policyOf(request: InitRequest): Promise<string> {
  return renderPolicy(await readSettings(request));
}

/** What init was asked for; kept in the repository so that a second run can be compared. */
interface Settings {
  readonly mirrorUrl: string | null;
  readonly hash: ObjectFormat;
  readonly pushUrl: string | null;
  readonly admins: readonly string[];
  readonly writers: readonly string[];
  readonly readers: readonly string[];
  readonly namespaces: readonly string[];
}

async function readSettings(request: InitRequest): Promise<Settings> {
  const { pushUrl, hash } = request;
  if (request.mirrorUrl?.startsWith('-'))
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
  const { initialBranch } = request;
  if (typeof initialBranch === 'string' && classifyRef(`refs/heads/${initialBranch}`).kind !== 'branch')
    throw new KvError('USAGE', `'${shownUrl(initialBranch)}' is no branch's name`);
  // A path is kept as an absolute one: the repository's own folder is not where init was run.
  const { mirrorUrl: url } = request;
  const mirrorUrl = url !== null && isLocal(url) ? resolve(url) : url;
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

const isLocal = (url: string): boolean => /^(\.{0,2}\/|[^:]+$)/.test(url);

/** Whoever reads from another machine can learn only from the published policy where to push. */
function needsPushUrl(): KvError {
  return new KvError('USAGE', 'init needs --push-url when the mirror is on another machine: git kv remote setup reads it there', {
    hint: 'the address under which developers reach this Stargate, for example --push-url ssh://git@stargate.local:2222/kv.git',
  });
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

async function build(
  composition: Composition,
  host: RepositoryHost,
  draft: string,
  settings: Settings & { readonly initialBranch: string | null | undefined },
  verify: VerifyNamespace,
): Promise<{ readonly adopted: Adopted; readonly mirror: MirrorGreeting }> {
  const push = KV_FAMILIES.map((kind) => `+refs/${kind}/*:refs/${kind}/*`);
  const { mirrorUrl, initialBranch } = settings;
  const remote = mirrorUrl === null ? null : { remote: MIRROR_REMOTE, url: mirrorUrl, push };
  await host.create({ objectFormat: settings.hash, mirror: remote });
  await mkdir(join(draft, '.kv'), { mode: 0o755 });
  const context = once(() => adoptionContext(composition)); // not before the objects are there: it reads the published policies
  const adopted =
    remote === null
      ? NOTHING_ADOPTED
      : await adoptMirror(host, MIRROR_REMOTE, async (ns) => verify(await context(), ns)).catch(withInitsHint);
  const namespaces = [...new Set([...settings.namespaces, ...adopted.namespaces])];
  await writeFile(join(draft, '.kv', 'policy.yaml'), renderPolicy({ ...settings, namespaces }), { mode: 0o644 });
  const wanted = initialBranch ?? adopted.unborn?.replace(/^refs\/heads\//, '') ?? 'main';
  const begins = adopted.branches === 0 && initialBranch !== undefined ? wanted : null;
  if (begins !== null) await host.setHead(`refs/heads/${begins}`);
  await ownRepositoryId(draft, composition); // what was taken over keeps its id
  return { adopted, mirror: await greetMirror(composition, begins, remote !== null) };
}

const NOTHING_ADOPTED: Adopted = { refs: 0, branches: 0, namespaces: [], head: null, unborn: null };

/** Throws what adoption threw, with what to do about it in the words of this command. */
function withInitsHint(thrown: unknown): never {
  const error = toKvError(thrown);
  const { code, message, details } = error;
  const there = details?.['objectFormat'];
  if (code === 'CONFIG_INVALID' && typeof there === 'string') {
    throw new KvError(code, message, { cause: error, hint: `run init with --hash ${there}` });
  }
  if (code === 'IO_ERROR') {
    const hint = 'create the mirror repository, check the URL and that this user has access; nothing was created here';
    throw new KvError(code, message, { cause: error, hint });
  }
  throw error;
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => (running ??= work());
}
