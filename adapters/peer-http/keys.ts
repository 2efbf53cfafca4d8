import { createHmac, timingSafeEqual } from 'node:crypto';
import { open } from 'node:fs/promises';
import { KvError } from '../../ports/index.js';

/** A key that all servers of a cluster have. */
export interface ClusterKey {
  readonly id: string;
  readonly secret: Buffer;
}

const MIN_SECRET = 16;
const MAX_FILE = 64 * 1024;
/** How long a file is taken to be as it was read, ms. */
const FRESH_MS = 1000;

/**
 * The keys of a file: a line each, an id, a space, and the key in base64, 16 bytes of it at least; lines that start with `#` say nothing.
 * The first signs, all are accepted: so keys roll by a second line on every server, then its move to the top, then the old one's end.
 * The file is read again when it has changed.
 */
export class KeyFile {
  private keys: readonly ClusterKey[] = [];
  private stamp = '';
  private read = Number.NEGATIVE_INFINITY;

  private constructor(private readonly path: string) {}

  /** Reads the file. Throws `CONFIG_INVALID` where it can't be read, others may read it, or it has no key. */
  static async open(path: string): Promise<KeyFile> {
    const file = new KeyFile(path);
    await file.refresh();
    return file;
  }

  /** The key that signs, and all that are accepted. A file that is being written, or has become wrong, leaves those that were. */
  async current(): Promise<readonly [ClusterKey, ...ClusterKey[]]> {
    if (performance.now() - this.read > FRESH_MS) await this.refresh().catch(() => undefined); // the ones before go on
    return this.keys as readonly [ClusterKey, ...ClusterKey[]]; // open() has read one at least
  }

  private async refresh(): Promise<void> {
    this.read = performance.now();
    const handle = await open(this.path).catch((cause: NodeJS.ErrnoException) => {
      throw wrong(this.path, `cannot be read (${cause.code ?? cause.message})`);
    });
    try {
      const { mode, mtimeMs, size, ino } = await handle.stat();
      const stamp = `${mtimeMs} ${size} ${ino} ${mode}`;
      if (stamp === this.stamp) return;
      if ((mode & 0o077) !== 0) throw wrong(this.path, 'may be read by others than its owner', `chmod 600 ${this.path}`);
      if (size > MAX_FILE) throw wrong(this.path, 'is too large for a file of keys');
      this.keys = parseKeys((await handle.readFile()).toString('utf8'), this.path);
      this.stamp = stamp;
    } finally {
      await handle.close();
    }
  }
}

/** Reads the lines of a file of keys. Throws `CONFIG_INVALID`, in words that show no key. */
export function parseKeys(text: string, path: string): readonly ClusterKey[] {
  const keys: ClusterKey[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, id, secret] = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63}) +([A-Za-z0-9+/]+={0,2})\s*$/.exec(line) ?? [];
    if (id === undefined || secret === undefined) throw wrong(path, `line ${at + 1} is no key`);
    const bytes = Buffer.from(secret, 'base64');
    if (bytes.length < MIN_SECRET)
      throw wrong(path, `line ${at + 1}: key ${id} has ${bytes.length} bytes, and needs ${MIN_SECRET}`);
    if (keys.some((key) => key.id === id)) throw wrong(path, `line ${at + 1}: there are two keys ${id}`);
    keys.push({ id, secret: bytes });
  }
  if (keys.length === 0) throw wrong(path, 'has no key');
  return keys;
}

function wrong(path: string, what: string, hint = 'write a line: an id, a space, and 32 random bytes in base64'): KvError {
  return new KvError('CONFIG_INVALID', `${path} ${what}`, { hint });
}

/** The MAC of some lines of text, none of which holds a line end. */
export function macOf({ secret }: ClusterKey, lines: readonly string[]): Buffer {
  return createHmac('sha256', secret).update(lines.join('\n')).digest();
}

/** Whether a MAC in hex is this one; how long that takes tells nothing. */
export function isMac(given: string, mac: Buffer): boolean {
  const bytes = Buffer.from(given, 'hex');
  return bytes.length === mac.length && timingSafeEqual(bytes, mac);
}
