import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../../../ports/error.js';
import type { ObjectHeader, Oid } from '../../../../ports/vocabulary.js';
import { looseHead } from './loose-head.js';
import type { ObjectHead } from './object-head.js';
import { Pack } from './pack.js';

/** Git knows this object in every repository, whether anybody wrote it or not. */
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/**
 * Types and sizes of objects in some folders. libgit2 could tell them, but nodegit has no call for it: only one that reads the whole
 * body, which a bound on a read is to prevent.
 */
export class Headers {
  private readonly packs = new Map<string, Pack>();
  /** The listing that is at work, and the one that begins after it. */
  private listing: Promise<void> | null = null;
  private next: Promise<void> | null = null;
  private closed = false;

  /** `behind` tells what these folders haven't got; it is to be closed after this. */
  constructor(
    private readonly folders: readonly string[],
    private readonly behind: Headers | null = null,
  ) {}

  /** What is there, in the order asked; null for what isn't. Throws `GIT_ERROR` where it is damaged. */
  async ask(oids: readonly Oid[]): Promise<(ObjectHeader | null)[]> {
    const heads = new Map<Oid, ObjectHead | null>();
    if (this.listing === null) await this.listPacks();
    for (const oid of new Set(oids)) heads.set(oid, this.packedHead(oid));
    await this.fillIn(heads, (oid) => this.looseHead(oid));
    if ([...heads.values()].includes(null)) {
      // Somebody may have packed it since the packs were listed, or have written a pack.
      await this.listPacks();
      await this.fillIn(heads, async (oid) => this.packedHead(oid));
    }
    const missing = [...heads].flatMap(([oid, head]) => (head === null ? [oid] : []));
    if (this.behind !== null && missing.length > 0) {
      for (const head of await this.behind.ask(missing)) if (head !== null) heads.set(head.oid, head);
    }
    return oids.map((oid) => {
      const head = heads.get(oid);
      return head == null ? null : { oid, type: head.type, size: head.size };
    });
  }

  close(): void {
    this.closed = true;
    for (const pack of this.packs.values()) pack.close();
    this.packs.clear();
  }

  private async fillIn(heads: Map<Oid, ObjectHead | null>, find: (oid: Oid) => Promise<ObjectHead | null>): Promise<void> {
    const missing = [...heads].flatMap(([oid, head]) => (head === null ? [oid] : []));
    for (let at = 0; at < missing.length; at += AT_A_TIME) {
      const some = missing.slice(at, at + AT_A_TIME);
      const found = await Promise.all(some.map(find));
      for (const [i, oid] of some.entries()) heads.set(oid, found[i] ?? null);
    }
  }

  private async looseHead(oid: Oid): Promise<ObjectHead | null> {
    if (oid === EMPTY_TREE) return { type: 'tree', size: 0 };
    for (const folder of this.folders) {
      const head = await looseHead(folder, oid);
      if (head !== null) return head;
    }
    return null;
  }

  private packedHead(oid: Oid): ObjectHead | null {
    for (const [path, pack] of this.packs) {
      try {
        const head = pack.head(oid);
        if (head !== null) return head;
      } catch (error) {
        if (!isGone(error)) throw asDamage(error, path);
        // A repack has taken it away: what it held is in another pack.
        pack.close();
        this.packs.delete(path);
      }
    }
    return null;
  }

  /** Lists the packs anew. Whoever asks while that is done waits for the next time. */
  private listPacks(): Promise<void> {
    this.next ??= (this.listing ?? Promise.resolve()).then(() => {
      this.next = null;
      this.listing = this.list();
      return this.listing;
    });
    return this.next;
  }

  private async list(): Promise<void> {
    const listed = await Promise.all(this.folders.map((folder) => packsIn(join(folder, 'pack'))));
    if (this.closed) return;
    for (const path of listed.flat()) if (!this.packs.has(path)) this.packs.set(path, new Pack(path));
  }
}

/** So many files are open at a time. */
const AT_A_TIME = 64;

async function packsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []); // no folder: no packs
  return names.filter((name) => name.endsWith('.idx')).map((name) => join(folder, name.slice(0, -'.idx'.length)));
}

const isGone = (error: unknown): boolean => ['ENOENT', 'ESTALE'].includes(String((error as NodeJS.ErrnoException).code));

/** What reading a pack failed with: a system call's error stays what it is, anything else says that the pack is damaged. */
function asDamage(error: unknown, path: string): unknown {
  if (KvError.is(error) || (error as NodeJS.ErrnoException).syscall !== undefined) return error;
  return new KvError('GIT_ERROR', `pack ${path}.pack is damaged`, { cause: error, hint: 'check the repository with `git fsck`' });
}
