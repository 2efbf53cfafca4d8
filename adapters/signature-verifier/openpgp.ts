import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KvError } from '../../ports/error.js';
import { startChild } from '../../ports/start-child.js';
import type { SigningKey } from '../../ports/clone/signer.js';
import { requireStrongDigest, requireStrongSignature } from './openpgp-packet.js';
import { invalid } from './ssh-wire.js';

/** The environment of gpg; undefined stands for a variable that is not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

const MAX_KEYRINGS = 16;
const MAX_ARMOUR = 64 * 1024;

/** Whether a commit's signature is OpenPGP's, told by its first line. */
export function isOpenPgpSignature(signature: string): boolean {
  return signature.startsWith('-----BEGIN PGP SIGNATURE-----') || signature.startsWith('-----BEGIN PGP MESSAGE-----');
}

/** Verifies OpenPGP signatures with gpg, each against a private keyring that holds the trusted keys and nothing else. */
export class OpenPgpVerifier {
  /** Folder by the hash of its keys; the least recently used goes first. */
  private readonly keyrings = new Map<string, Promise<string>>();
  private readonly folders: string[] = [];

  constructor(private readonly env: Environment) {}

  async verify(payload: Uint8Array, signature: string, materials: readonly string[]): Promise<SigningKey> {
    if (signature.length > MAX_ARMOUR) throw invalid('it is too long');
    if (materials.length === 0) throw unknownSigner();
    requireStrongSignature(signature);
    const keyring = await this.keyring(materials);
    const folder = await mkdtemp(join(tmpdir(), 'git-kv-verify-'));
    try {
      const file = join(folder, 'signature');
      await writeFile(file, signature, { mode: 0o600 });
      const { stdout } = await this.gpg(keyring, ['--status-fd=1', '--trust-model', 'always', '--verify', file, '-'], payload);
      return signerIn(stdout);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  private keyring(materials: readonly string[]): Promise<string> {
    const all = [...new Set(materials)].sort().join('\n');
    const name = createHash('sha256').update(all).digest('hex');
    const known = this.keyrings.get(name);
    this.keyrings.delete(name);
    const keyring = known ?? this.makeKeyring(all);
    this.keyrings.set(name, keyring);
    // A keyring that could not be made is tried again.
    keyring.catch(() => this.keyrings.delete(name));
    for (const [oldest, folder] of this.keyrings) {
      if (this.keyrings.size <= MAX_KEYRINGS) break;
      this.keyrings.delete(oldest);
      folder.then((path) => rm(path, { recursive: true, force: true })).catch(() => undefined);
    }
    return keyring;
  }

  private async makeKeyring(keys: string): Promise<string> {
    // mkdtemp gives 0700, which gpg insists on.
    const folder = await mkdtemp(join(tmpdir(), 'git-kv-keyring-'));
    this.removeAtExit(folder);
    try {
      const { stderr } = await this.gpg(folder, ['--import'], Buffer.from(keys));
      if (!/^gpg: key /m.test(stderr)) {
        throw new KvError('CONFIG_INVALID', 'gpg can read none of the OpenPGP keys that are trusted', {
          hint: 'list them in the policy as `gpg --armor --export` prints them',
        });
      }
      return folder;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private gpg(home: string, args: readonly string[], input: Uint8Array): Promise<{ stdout: string; stderr: string }> {
    const guarded = [
      '--homedir',
      home,
      '--batch',
      '--no-tty',
      '--no-options',
      '--no-autostart',
      '--no-auto-key-retrieve',
      ...args,
    ];
    return new Promise((resolve, reject) => {
      const env = { ...this.env, GNUPGHOME: home, LC_ALL: 'C', LANGUAGE: undefined };
      const start = () => spawn('gpg', guarded, { env: env as NodeJS.ProcessEnv, stdio: 'pipe' });
      const child = startChild('gpg', start, reject, noGpg);
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
      // gpg stops reading as soon as it has seen enough; its status tells.
      child.stdin.on('error', () => undefined);
      child.on('close', () => resolve({ stdout, stderr }));
      child.stdin.end(input);
    });
  }

  /** The port has no close: the keyrings go with the process. */
  private removeAtExit(folder: string): void {
    if (this.folders.length === 0) {
      process.once('exit', () => {
        for (const each of this.folders) rmSync(each, { recursive: true, force: true });
      });
    }
    this.folders.push(folder);
  }
}

function noGpg(cause: Error): KvError {
  return new KvError('NOT_SUPPORTED', 'OpenPGP signatures need the gpg program', {
    hint: 'install GnuPG, or sign with SSH',
    cause,
  });
}

/** What gpg's status lines (its DETAILS file) say: exactly one good signature, or an error. */
function signerIn(status: string): SigningKey {
  const lines = [...status.matchAll(/^\[GNUPG:\] (\S+) ?(.*)$/gm)].map(([, word = '', rest = '']) => ({ word, rest }));
  const of = (...words: string[]) => lines.filter((line) => words.includes(line.word));
  if (of('BADSIG').length > 0) throw invalid('it does not match what was signed');
  if (of('EXPKEYSIG', 'REVKEYSIG', 'EXPSIG').length > 0)
    throw invalid('its key or the signature itself has expired or was revoked');
  if (of('NO_PUBKEY').length > 0) throw unknownSigner();
  const [valid, ...more] = of('VALIDSIG');
  const facts = valid?.rest.split(' ') ?? [];
  const fingerprint = facts[9];
  if (of('ERRSIG').length > 0 || of('GOODSIG').length !== 1 || more.length > 0 || fingerprint === undefined) {
    throw invalid('gpg cannot verify it');
  }
  requireStrongDigest(Number(facts[7])); // gpg's word for it: should it ever have read another packet than we did
  return { kind: 'openpgp', id: fingerprint };
}

function unknownSigner(): KvError {
  return new KvError('SIGNER_UNKNOWN', 'the signature was made with an OpenPGP key that is not among the trusted ones', {
    hint: 'have the public key added to the policy',
  });
}
