import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import ssh2 from 'ssh2';
import type { ParsedKey } from 'ssh2';
import { readRegularFile } from '../../../plugins/host/index.js';
import { sshKeyType } from '../../../ports/grammar/network/ssh-key.js';
import { KvError } from '../../../ports/error.js';

/** The kinds of host keys that a Stargate has, one key of each; names as ssh-keygen has them. */
export const HOST_KEY_KINDS = ['ed25519', 'ecdsa', 'rsa'] as const;
/** One of the kinds. */
export type HostKeyKind = (typeof HOST_KEY_KINDS)[number];

/** A host key, whole. */
export interface HostKey {
  readonly kind: HostKeyKind;
  /** As the wire form names it, such as `ssh-rsa`. */
  readonly type: string;
  /** The public half in wire form. */
  readonly blob: Buffer;
  /** As ssh shows it: `SHA256:…`. */
  readonly fingerprint: string;
  readonly key: ParsedKey;
}

/** The host keys of a repository. */
export interface HostKeys {
  /** What the Stargate shows to clients, the kinds in their order. */
  readonly inUse: readonly HostKey[];
  /** What takes over at `switchAt`; clients are told of it already. Empty while no rotation is under way. */
  readonly next: readonly HostKey[];
  /** Milliseconds since 1970; null while no rotation is under way. */
  readonly switchAt: number | null;
}

/** More than any key has. Bytes. */
const MOST_BYTES = 64 * 1024;

/** The folder that the keys lie in. */
export const keyFolder = (gitDir: string): string => join(gitDir, '.stargate');
/** Where the private key of a kind lies; its public half has `.pub` behind it. */
export const keyFile = (folder: string, kind: HostKeyKind): string => join(folder, `ssh_host_${kind}_key`);
/** Where the key lies that takes over from it. */
export const nextKeyFile = (folder: string, kind: HostKeyKind): string => `${keyFile(folder, kind)}.next`;
/** Where it is written when the next keys take over. */
export const rotationFile = (folder: string): string => join(folder, 'host-key-rotation.json');

/**
 * Where the host keys lie that a repository is served with: its own, or those of the root that it stands below, which has none before it is
 * served.
 */
export async function homeOfKeys(gitDir: string): Promise<string> {
  if (await isThere(keyFile(keyFolder(gitDir), 'ed25519'))) return gitDir;
  const root = dirname(dirname(gitDir));
  return (await isThere(keyFolder(root))) ? root : gitDir;
}

/** Whether there is neither a key nor a public half that tells of one. */
export async function hadNoKeys(gitDir: string): Promise<boolean> {
  const files = HOST_KEY_KINDS.map((kind) => keyFile(keyFolder(gitDir), kind));
  const there = await Promise.all(files.flatMap((file) => [file, `${file}.pub`]).map(isThere));
  return !there.includes(true);
}

/** Where it can't be looked, whoever reads it says why. */
const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    ({ code }: NodeJS.ErrnoException) => code !== 'ENOENT' && code !== 'ENOTDIR',
  );

/**
 * Reads the host keys of a repository. Throws `CONFIG_INVALID` where there is no Stargate's repository, when the key that clients know
 * is lost, and for a key that can't be read.
 */
export async function readHostKeys(gitDir: string): Promise<HostKeys> {
  const folder = keyFolder(gitDir);
  const found = await Promise.all(HOST_KEY_KINDS.map((kind) => readKey(kind, keyFile(folder, kind))));
  if (found[0] === null) throw await withoutKey(gitDir);
  const next = await Promise.all(HOST_KEY_KINDS.map((kind) => readKey(kind, nextKeyFile(folder, kind))));
  const switchAt = await readSwitch(folder);
  const there = (keys: readonly (HostKey | null)[]): HostKey[] => keys.filter((key) => key !== null);
  return { inUse: there(found), next: switchAt === null ? [] : there(next), switchAt };
}

/** Reads one private key; null where the file isn't there. Throws `CONFIG_INVALID`. */
export async function readKey(kind: HostKeyKind, file: string): Promise<HostKey | null> {
  let text: Buffer;
  try {
    text = await readRegularFile(file, MOST_BYTES);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new KvError(
      'CONFIG_INVALID',
      `cannot read ${file}: ${code === 'EACCES' || code === 'EPERM' ? 'permission denied' : code}`,
      {
        cause,
        hint: 'run as the owner of the repository',
      },
    );
  }
  const key = ssh2.utils.parseKey(text);
  const blob = key instanceof Error ? undefined : key.getPublicSSH();
  const type = blob === undefined ? undefined : sshKeyType(blob);
  if (key instanceof Error || blob === undefined || type === undefined || !key.isPrivateKey() || kindOf(type) !== kind) {
    const why = key instanceof Error ? key.message : `it holds no private key of the kind ${kind}`;
    throw new KvError('CONFIG_INVALID', `cannot use the SSH host key ${file}: ${why}`, { hint: FROM_BACKUP });
  }
  return { kind, type, blob, fingerprint: fingerprintOf(blob), key };
}

/** A public key's fingerprint, as ssh shows it. */
function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

const kindOf = (type: string): string => type.replace(/^ssh-/, '').replace(/^(ecdsa)-.*/, '$1');

const FROM_BACKUP =
  'put it back from a backup of the repository; without one, move it away and run git-kv-stargate host-key rotate, and tell the new fingerprint to everybody';

/** Why there is no key: the repository has lost it, or is none of ours. */
async function withoutKey(gitDir: string): Promise<KvError> {
  const folder = keyFolder(gitDir);
  const file = keyFile(folder, 'ed25519');
  try {
    await access(folder);
  } catch (cause) {
    return new KvError('CONFIG_INVALID', `${gitDir} is not a Stargate's repository: ${(cause as NodeJS.ErrnoException).code}`, {
      cause,
      hint: 'make it with git-kv-stargate init',
    });
  }
  return new KvError('CONFIG_INVALID', `the SSH host key of ${gitDir} is lost: there is no ${file}`, {
    hint: `put it back from a backup; without one, make a new one, of which everybody is to be told: git-kv-stargate host-key rotate --repo ${gitDir}`,
    details: { lost: file },
  });
}

/** When the next keys take over; null when none do. Throws `CONFIG_INVALID` for a damaged record. */
async function readSwitch(folder: string): Promise<number | null> {
  let text: string;
  try {
    text = (await readRegularFile(rotationFile(folder), MOST_BYTES)).toString('utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new KvError('CONFIG_INVALID', `cannot read ${rotationFile(folder)}: ${(cause as NodeJS.ErrnoException).code}`, {
      cause,
    });
  }
  const at = Date.parse(/"switch_at":\s*"([^"]+)"/.exec(text)?.[1] ?? '');
  if (Number.isFinite(at)) return at;
  throw new KvError('CONFIG_INVALID', `${rotationFile(folder)} says no switch_at`, {
    hint: 'remove it and run git-kv-stargate host-key rotate again',
  });
}
