import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { NewObject } from '../../../ports/git/git-store.js';
import { type ObjectFormat, OID_HEX_LENGTH, type Oid } from '../../../ports/vocabulary.js';
import { compress, storedSize, writeStored } from '../pack/deflate.js';
import { syncDirectory, writeDurably } from '../process/durable-file.js';
import { KEPT_BY_US } from './maintenance.js';
import {
  MAX_BASE_OFFSET,
  MAX_ENTRY_HEADER,
  PACK_HEADER,
  writeDeltaHeader,
  writeEntryHeader,
  writePackHeader,
} from '../pack/pack-entry.js';
import { packIndex } from '../pack/pack-index.js';
import { treeDelta } from '../pack/tree-delta.js';

const BLOCK = 1024 * 1024;

/** The trees that later ones may be kept as differences from take so much memory, bytes: whoever writes so many has them in memory too. */
const BASES_BYTES = 32 * 1024 * 1024;
/** Git's own limit (pack.depth): a reader puts so many differences together for one object. */
const DEEPEST = 50;
/** Below this, a difference saves nothing worth looking for. Bytes. */
const LEAST_LIKE = 128;

/** A tree of the pack, in case that the next one is like it. */
interface DeltaBase {
  readonly body: Uint8Array;
  readonly offset: number;
  readonly depth: number;
}

/**
 * Writes one pack (version 2) and its index straight into a repository. Objects go through a block of 1 MiB;
 * only ids, CRCs, offsets and the newest trees stay in memory. A tree that is like one of these is kept as a delta: many transactions in
 * one pack differ in an entry a tree, and to deflate such a tree takes ten times as long as to find out what differs. The pack is seen by git once `finish` has renamed the index, whole and durable.
 */
export class PackWriter {
  private readonly positions = new Map<Oid, number>();
  private readonly crcs: number[] = [];
  private readonly offsets: number[] = [];
  private bases = new Map<Oid, DeltaBase>();
  private olderBases = new Map<Oid, DeltaBase>();
  private basesBytes = 0;
  private block = Buffer.allocUnsafe(BLOCK);
  private used = PACK_HEADER;
  private full: Buffer[] = [];
  private flushed = 0;
  private offset = PACK_HEADER;
  private file: FileHandle | null = null;
  private readonly temporary: string;
  private readonly temporaryIndex: string;

  constructor(
    private readonly packFolder: string,
    private readonly format: ObjectFormat,
  ) {
    // Git's own names for what isn't finished: `git gc` takes them away once they are two weeks old, and so what a crash has left. An
    // end of `.idx` would be an index without its pack, which gc takes away at once.
    const id = randomUUID();
    this.temporary = join(packFolder, `tmp_pack_${id}`);
    this.temporaryIndex = join(packFolder, `tmp_idx_${id}`);
    writePackHeader(this.block, 0);
  }

  /** Adds an object unless this pack has it. When it gives true, `flush` should be awaited before the next. */
  add(object: NewObject): boolean {
    if (this.positions.has(object.oid)) return false;
    const base = object.like === undefined ? undefined : this.baseOf(object.like);
    const delta = base && base.depth < DEEPEST ? treeDelta(base.body, object.body, OID_HEX_LENGTH[this.format] / 2) : null;
    const body = delta ?? object.body;
    const deflated = compress(body);
    const room = MAX_ENTRY_HEADER + MAX_BASE_OFFSET + (deflated === null ? storedSize(body.length) : deflated.length);
    if (room > this.block.length - this.used) this.nextBlock(room);
    const out = this.block;
    const start = this.used;
    let at =
      base && delta !== null
        ? writeDeltaHeader(out, start, body.length, this.offset - base.offset)
        : writeEntryHeader(out, start, object.type, body.length);
    if (deflated === null) {
      at = writeStored(body, out, at);
    } else {
      out.set(deflated, at);
      at += deflated.length;
    }
    this.keepAsBase(object, base && delta !== null ? base.depth + 1 : 0);
    this.positions.set(object.oid, this.offsets.length);
    this.offsets.push(this.offset);
    this.crcs.push(crc32(out.subarray(start, at)));
    this.offset += at - start;
    this.used = at;
    return this.full.length > 0;
  }

  /** Writes what is full out to the file. */
  async flush(): Promise<void> {
    const file = await this.opened();
    for (const block of this.full.splice(0)) {
      await file.appendFile(block);
      this.flushed += block.length;
    }
  }

  /** Completes pack and index, durably, and makes them visible. */
  async finish(): Promise<void> {
    if (this.positions.size === 0) return this.abort();
    const checksum = this.flushed === 0 && this.full.length === 0 ? this.sealInMemory() : await this.sealOnDisk();
    const index = packIndex(this.format, { positions: this.positions, crcs: this.crcs, offsets: this.offsets }, checksum);
    mkdirSync(this.packFolder, { recursive: true });
    // Both wait for the disk at once, and to the end: who aborts must not take a file away that is being written.
    const written = await Promise.allSettled([this.complete(checksum), writeDurably(this.temporaryIndex, index, 0o444)]);
    for (const each of written) if (each.status === 'rejected') throw each.reason;
    const name = join(this.packFolder, `pack-${checksum.toString('hex')}`);
    // A repack beside us would take a pack that has no index yet for one that it has rolled up.
    writeFileSync(`${name}.keep`, KEPT_BY_US);
    // The index makes a pack visible, so it comes last.
    renameSync(this.temporary, `${name}.pack`);
    renameSync(this.temporaryIndex, `${name}.idx`);
    rmSync(`${name}.keep`, { force: true });
    await syncDirectory(this.packFolder);
  }

  /** Writes what is left, and the checksum, and has all of the pack on the disk. */
  private async complete(checksum: Buffer): Promise<void> {
    const rest = Buffer.concat([this.block.subarray(0, this.used), checksum]);
    if (this.file === null) return writeDurably(this.temporary, rest, 0o444);
    const { file } = this;
    await file.appendFile(rest);
    await file.sync();
    await file.close();
    this.file = null;
  }

  /** Removes what was written so far. */
  async abort(): Promise<void> {
    await this.file?.close();
    this.file = null;
    await rm(this.temporary, { force: true });
    await rm(this.temporaryIndex, { force: true });
  }

  private baseOf(oid: Oid): DeltaBase | undefined {
    return this.bases.get(oid) ?? this.olderBases.get(oid);
  }

  private keepAsBase({ oid, type, body }: NewObject, depth: number): void {
    if (type !== 'tree' || body.length < LEAST_LIKE) return;
    this.bases.set(oid, { body, offset: this.offset, depth });
    this.basesBytes += body.length;
    if (this.basesBytes < BASES_BYTES / 2) return;
    this.olderBases = this.bases;
    this.bases = new Map();
    this.basesBytes = 0;
  }

  private nextBlock(room: number): void {
    this.full.push(this.block.subarray(0, this.used));
    this.block = Buffer.allocUnsafe(Math.max(BLOCK, room));
    this.used = 0;
  }

  private sealInMemory(): Buffer {
    this.block.writeUInt32BE(this.positions.size, 8);
    return createHash(this.format).update(this.block.subarray(0, this.used)).digest();
  }

  /** The count is known only now: it is patched into the header, and the file read once more for the checksum. */
  private async sealOnDisk(): Promise<Buffer> {
    this.full.push(this.block.subarray(0, this.used));
    await this.flush();
    const file = await this.opened();
    const count = Buffer.alloc(4);
    count.writeUInt32BE(this.positions.size);
    await file.write(count, 0, 4, 8);
    const hash = createHash(this.format);
    const buffer = Buffer.allocUnsafe(BLOCK);
    for (let position = 0; position < this.flushed; ) {
      const { bytesRead } = await file.read(buffer, 0, BLOCK, position);
      if (bytesRead === 0) throw new Error(`${this.temporary} is shorter than what was written to it`);
      hash.update(buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
    this.used = 0;
    return hash.digest();
  }

  private async opened(): Promise<FileHandle> {
    if (this.file === null) {
      await mkdir(this.packFolder, { recursive: true });
      this.file = await open(this.temporary, 'wx+', 0o444);
    }
    return this.file;
  }
}
