import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LinkFolder } from '../../../domain/client/transfer/mirror-import/mirror-import.js';
import { KvError } from '../../../ports/error.js';
import { bundleFile, manifestFile, MAX_MANIFEST, parseManifestFile } from '../../../ports/grammar/mirror-manifest.js';
import { fileKind, fileStream, standardInput } from './files.js';
import { linkFolder } from './link-folder.js';

/** Where links lie, and what to do when they were read. */
interface OpenLinks {
  readonly from: LinkFolder;
  close(): Promise<void>;
}

/** A frame's first line, and the most that it may have. Bytes. */
const FRAME = /^git-kv-mirror 1 (\d{1,12}) (\d{1,10}) (\d{1,15})\n$/;
const MAX_LINE = 64;

/** Links of a folder; or of a file, or of standard input (`-`), as a Stargate's command got them: these are put into a folder first. */
export async function openLinks(path: string): Promise<OpenLinks> {
  if (path !== '-' && (await fileKind(path)) !== 'file') return { from: linkFolder(path), close: async () => undefined };
  const folder = await mkdtemp(join(tmpdir(), 'git-kv-links-'));
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const label = path === '-' ? 'standard input' : path;
  try {
    await unpack(path === '-' ? standardInput() : fileStream(path), folder, label);
  } catch (error) {
    await close();
    throw error;
  }
  return { from: { ...linkFolder(folder), label }, close };
}

async function unpack(input: AsyncGenerator<Uint8Array>, folder: string, label: string): Promise<void> {
  const bytes = new Pieces(input, label);
  for (let line = await bytes.line(); line !== null; line = await bytes.line()) {
    const [, number = '', manifestBytes = '', bundleBytes = ''] = FRAME.exec(line) ?? [];
    if (number === '' || Number(manifestBytes) > MAX_MANIFEST) throw noLinks(label, 'a link does not begin as one');
    const written: Buffer[] = [];
    await bytes.take(Number(manifestBytes), async (piece) => void written.push(Buffer.from(piece)));
    const manifest = Buffer.concat(written);
    const seq = Number(number);
    const { bundle } = parseManifestFile(manifest, `link ${seq} of ${label}`).manifest;
    if (Number(bundleBytes) !== (bundle?.size ?? 0)) throw noLinks(label, `link ${seq} has another size than it says`);
    if (bundle !== null) {
      const file = await open(join(folder, bundleFile(seq, bundle.sha256)), 'w', 0o600);
      try {
        await bytes.take(bundle.size, async (piece) => void (await file.write(piece)));
      } finally {
        await file.close();
      }
    }
    const file = await open(join(folder, manifestFile(seq)), 'w', 0o600);
    await file.writeFile(manifest).finally(() => file.close());
  }
}

/** Bytes that come in pieces, taken by line and by count. */
class Pieces {
  private rest: Uint8Array = new Uint8Array(0);

  constructor(
    private readonly input: AsyncGenerator<Uint8Array>,
    private readonly label: string,
  ) {}

  /** The next line with its end; null at the end of all. Throws `INPUT_INVALID` for one that is none. */
  async line(): Promise<string | null> {
    for (;;) {
      const end = this.rest.indexOf(0x0a);
      if (end >= 0 && end < MAX_LINE) {
        const line = Buffer.from(this.rest.subarray(0, end + 1)).toString('latin1');
        this.rest = this.rest.subarray(end + 1);
        return line;
      }
      if (end >= MAX_LINE || this.rest.length >= MAX_LINE) throw noLinks(this.label, 'a link does not begin as one');
      const { done, value } = await this.input.next();
      if (done === true) {
        if (this.rest.length === 0) return null;
        throw noLinks(this.label, 'it is cut off');
      }
      this.rest = Buffer.concat([this.rest, value]);
    }
  }

  /** Hands so many bytes on. */
  async take(count: number, to: (piece: Uint8Array) => Promise<void>): Promise<void> {
    for (let left = count; left > 0; ) {
      if (this.rest.length === 0) {
        const { done, value } = await this.input.next();
        if (done === true) throw noLinks(this.label, 'it is cut off');
        this.rest = value;
      }
      const piece = this.rest.subarray(0, left);
      this.rest = this.rest.subarray(piece.length);
      left -= piece.length;
      await to(piece);
    }
  }
}

const noLinks = (label: string, why: string): KvError =>
  new KvError('INPUT_INVALID', `${label} holds no links of a mirror: ${why}`, { hint: 'bring it anew' });
