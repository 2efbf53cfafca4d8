import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { adoptMirror } from '../../../domain/gateway/epochs/adopt.js';
import { verifyNamespace } from '../../../domain/gateway/epochs/verify-adopted.js';
import { KV_FAMILIES, POLICY_PATH, POLICY_REF } from '../../../domain/ledger/refs.js';
import { type Composition, openProfile } from '../../../plugins/host/index.js';
import { readPolicyText } from '../repository/policy-file.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Policy, PolicyReader } from '../../../ports/stargate/policy-reader.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';
import { counted } from '../../../ports/grammar/counted.js';
import type { ObjectFormat, RefName } from '../../../ports/vocabulary.js';
import { ownEnv } from '../process/environment.js';
import { adoptionContext } from '../repository/adoption-context.js';
import { type HostKey, type HostKeyKind, keyFolder } from '../host-key/key-files.js';
import { keysIn, makeHostKeys, missing } from '../host-key/make-keys.js';
import { type AgainstMirror, againstMirror } from './against-mirror.js';
import { ARCHIVES, CARRIED, HOST_KEY as KEY_FILE, KEPT_SEQUENCER_KEY, SETTINGS } from './backup.js';
import { type Check, checkRestored } from './check-restored.js';
import { JOURNAL } from './journal.js';
import { BUNDLE, type Manifest, readManifest } from './manifest.js';
import { makeWhole } from './whole-folder.js';

/** What was restored, for the operator. */
export interface Restored {
  readonly gitDir: string;
  readonly refs: number;
  readonly namespaces: readonly string[];
  /** Whom the policy lets in as an admin, by name. */
  readonly admins: readonly string[];
  /** What clients are shown: the fingerprints of keys that were kept, and on no dry run those of new ones. */
  readonly hostKeys: readonly HostKey[];
  /** The kinds of which no key was kept, so that a new one is made. */
  readonly newKinds: readonly HostKeyKind[];
  /** What of the backup was looked at; nothing where there was none. */
  readonly checks: readonly Check[];
  /** What the mirror has beyond, or lacks. */
  readonly mirror: AgainstMirror;
  /** Where the policy has clients push; null: it doesn't say. */
  readonly pushUrl: string | null;
}

/** What a backup is restored with. */
export interface BackupSource {
  readonly from: string;
  /** A folder with host keys that were kept apart, which go before the backup's own; null: the backup's, or new ones. */
  readonly hostKeys: string | null;
}

const STATE_NAMES = ['init.json', JOURNAL.name, 'leader.term', 'repository-id', 'servers', KEPT_SEQUENCER_KEY];

/**
 * Makes a Stargate's repository from a backup's folder, whole or not at all, and compares it with the mirror. On a dry run nothing
 * is left. Throws `CONFIG_INVALID` for a backup that is damaged or a folder that is taken, `FORMAT_UNSUPPORTED`, `GIT_ERROR`.
 */
export async function restoreBackup({ from, hostKeys }: BackupSource, repo: string, dryRun: boolean): Promise<Restored> {
  const folder = resolve(from);
  const manifest = await readManifest(folder);
  const gitDir = resolve(repo);
  return restoring(gitDir, dryRun, async (composition, draft) => {
    const host = await composition.get<RepositoryHost>('repository-host');
    const { object_format: objectFormat, head } = manifest;
    const bundle = BUNDLE in manifest.files ? join(folder, BUNDLE) : null;
    const refs = await host.restore(bundle, { objectFormat, head, settings: await readFile(join(folder, SETTINGS), 'utf8') });
    requireSame(refs, manifest, folder);
    const state = join(draft, '.stargate');
    for (const name of STATE_NAMES) if (name in manifest.files) await copy(join(folder, name), join(state, name));
    if (CARRIED.name in manifest.files) {
      await mkdir(dirname(join(draft, CARRIED.place)), { mode: 0o700 });
      await copy(join(folder, CARRIED.name), join(draft, CARRIED.place));
    }
    await mkdir(join(draft, ARCHIVES), { recursive: true, mode: 0o700 });
    const archives = Object.keys(manifest.files).filter((each) => each.startsWith('archives/'));
    for (const name of archives) await copy(join(folder, name), join(state, name));
    const policy = await readFile(join(folder, 'policy.yaml'), 'utf8');
    const checked = await checkRestored(composition, {
      refs: refs.size,
      namespaces: namespacesIn(refs.keys()),
      journal: JOURNAL.name in manifest.files,
      archives: archives.map((name) => name.slice('archives/'.length)),
    });
    return {
      refs: refs.size,
      policy,
      checks: checked,
      hostKeys: hostKeys ?? (manifest.host_keys ? join(folder, 'host-keys') : null),
    };
  });
}

/** Where a Stargate is to be made anew from, when nothing is left of it but its mirror. */
export interface MirrorSource {
  readonly url: string;
  readonly hash: ObjectFormat;
  /** The policy's file; null: the one that the mirror shows as published. */
  readonly policyPath: string | null;
  /** A folder with the host keys that were kept; null: new ones are made. */
  readonly hostKeys: string | null;
}

const MIRROR_REMOTE = 'github-origin';

/**
 * Makes a Stargate's repository from its mirror, whole or not at all: every namespace is verified. What was accepted and had not reached
 * the mirror is not there, nor are the journal and the bundles of compacted epochs.
 * Throws what `adoptMirror` throws, and `CONFIG_INVALID` when there is no policy.
 */
export async function restoreFromMirror({ url, hash, policyPath, hostKeys }: MirrorSource, repo: string): Promise<Restored> {
  return restoring(resolve(repo), false, async (composition) => {
    const host = await composition.get<RepositoryHost>('repository-host');
    const push = KV_FAMILIES.map((kind) => `+refs/${kind}/*:refs/${kind}/*`);
    await host.create({ objectFormat: hash, mirror: { remote: MIRROR_REMOTE, url, push } });
    // Made for each namespace, since it reads the published policies: not before the objects are there.
    const verify = async (ns: string): Promise<number> => verifyNamespace(await adoptionContext(composition), ns);
    const adopted = await adoptMirror(host, MIRROR_REMOTE, verify);
    const policy = policyPath === null ? await publishedPolicy(composition) : await readPolicyText(policyPath);
    return { refs: adopted.refs, policy, checks: [], hostKeys };
  });
}

interface Content {
  readonly refs: number;
  /** The policy's text. */
  readonly policy: string;
  readonly checks: readonly Check[];
  /** The folder with the private host keys; null: there are none. */
  readonly hostKeys: string | null;
}

async function restoring(
  gitDir: string,
  dryRun: boolean,
  fill: (composition: Composition, draft: string) => Promise<Content>,
): Promise<Restored> {
  let restored: Restored | undefined;
  await makeWhole(gitDir, async (draft) => {
    const composition = await openProfile('embedded', { directory: draft, env: ownEnv() });
    try {
      const host = await composition.get<RepositoryHost>('repository-host');
      await host.checkPrograms();
      const { refs, policy: text, hostKeys, checks: looked } = await fill(composition, draft);
      await mkdir(join(draft, '.kv'), { mode: 0o755, recursive: true });
      await writeFile(join(draft, '.kv', 'policy.yaml'), text, { mode: 0o644 });
      if (hostKeys !== null) await takeHostKeys(hostKeys, draft);
      const newKinds = await missing(keyFolder(draft)); // also kinds that an older backup lacks
      const shown = dryRun ? await keysIn(keyFolder(draft)) : await makeHostKeys(draft);
      const { policy, check } = await parsedPolicy(composition, text);
      const store = await composition.get<GitStore>('git-store');
      const namespaces = namespacesIn((await store.refs(['refs/kv/'])).keys());
      const checks = looked.length === 0 ? [] : [...looked, check];
      const mirror = await againstMirror(composition, policy);
      const admins = policy.admins.map(({ name }) => name);
      restored = { gitDir, refs, namespaces, admins, checks, hostKeys: shown, newKinds, mirror, pushUrl: policy.pushUrl };
    } finally {
      await composition.close();
    }
    return !dryRun;
  });
  if (restored === undefined) throw new KvError('UNEXPECTED', 'a repository was restored without its content');
  return restored;
}

const namespacesIn = (refs: Iterable<RefName>): string[] =>
  [...refs].flatMap((ref) => (ref.startsWith('refs/kv/') ? [ref.slice('refs/kv/'.length)] : []));

interface ParsedPolicy {
  readonly policy: Policy;
  readonly check: Check;
}

/** The policy, or, since a Stargate starts with that when its file is broken, the one published last. Throws `CONFIG_INVALID` without either. */
async function parsedPolicy(composition: Composition, text: string): Promise<ParsedPolicy> {
  const reader = await composition.get<PolicyReader>('policy-reader');
  try {
    const policy = reader.parse(text, 'policy.yaml');
    return { policy, check: { what: `policy.yaml: ${counted(policy.namespaces.size, 'namespace')}`, fault: null } };
  } catch (error) {
    if (!KvError.is(error) || error.code !== 'CONFIG_INVALID') throw error;
    const published = await publishedPolicy(composition).catch(() => null); // then the file's own fault is what there is to say
    if (published === null) throw error;
    return {
      policy: reader.parse(published, POLICY_REF),
      check: { what: 'serve will start with the published policy', fault: error },
    };
  }
}

async function publishedPolicy(composition: Composition): Promise<string> {
  const store = await composition.get<GitStore>('git-store');
  const tip = (await store.refs([POLICY_REF])).get(POLICY_REF);
  const [blob] = tip === undefined ? [] : await store.readPaths(tip, [POLICY_PATH]);
  if (blob) return new TextDecoder().decode(blob.body);
  throw new KvError('CONFIG_INVALID', 'the mirror shows no published policy', { hint: 'name the policy file: --policy FILE' });
}

/** Copies the host keys, and a rotation that is under way. Throws `CONFIG_INVALID` for a folder without any. */
async function takeHostKeys(folder: string, draft: string): Promise<void> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    throw new KvError('CONFIG_INVALID', `cannot read the host keys in ${folder}: ${cause.code}`, { cause });
  });
  const keys = names.filter((name) => KEY_FILE.test(name));
  if (!keys.some((name) => name.endsWith('_key')))
    throw new KvError('CONFIG_INVALID', `${folder} holds no host key of a Stargate`, {
      hint: 'name the folder that ssh_host_ed25519_key lies in',
    });
  for (const name of keys) await copy(join(folder, name), join(draft, '.stargate', name));
}

async function copy(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, 0o600);
}

function requireSame(refs: ReadonlyMap<string, string>, manifest: Manifest, folder: string): void {
  const wanted = Object.entries(manifest.refs);
  if (wanted.length === refs.size && wanted.every(([ref, oid]) => refs.get(ref) === oid)) return;
  throw new KvError('CONFIG_INVALID', `${folder}: ${BUNDLE} does not hold the refs that the manifest names`, {
    hint: 'take another backup: this one is damaged',
  });
}
