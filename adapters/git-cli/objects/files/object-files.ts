import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { GitObject, ObjectFormat, ObjectHeader, Oid } from '../../../../ports/vocabulary.js';
import { OID_HEX_LENGTH } from '../../../../ports/vocabulary.js';
import type { Body } from './body.js';
import { KeptBodies } from './kept-bodies.js';
import { looseBody } from './loose-body.js';
import { type PackBounds, PackFile } from './pack-file.js';
import { entryNamed } from './tree-entry.js';

const BOUNDS: PackBounds = { body: 64 * 1024, chain: 12 };
/** In more packs, git finds an object sooner (multi-pack index, its own order). */
const MOST_PACKS = 32;
const KEPT_BYTES = 4 * 1024 * 1024;
/** A folder may change twice within what its time can tell. Milliseconds. */
const RACY_MS = 2000;
/** After so long it is looked whether the packs are still these. Milliseconds. */
const LOOK_AGAIN_MS = 1000;

/**
 * Objects read from the files in which git keeps them (gitrepository-layout(5), gitformat-pack(5)): asking a process takes five times as
 * long, and starting it a hundred. Only for small requests, since it happens at once and not in the background. Null is no answer: where an
 * object is large, deep in deltas, borrowed from another repository, damaged or not there, git is to be asked, and has the words for it.
 */
export class ObjectFiles {
  /** Those that were asked with success last come first. */
  private packs: PackFile[] = [];
  /** When the list of packs was last changed, as it was listed; null: not listed, or not to be used. */
  private listed: number | null = null;
  /** When that was looked at. Milliseconds. */
  private looked = 0;
  private closed = false;
  private readonly kept = new KeptBodies(KEPT_BYTES);
  private readonly folder: string;
  private readonly width: number;

  constructor(
    private readonly objectsFolder: string,
    private readonly format: ObjectFormat,
  ) {
    this.folder = join(objectsFolder, 'pack');
    this.width = OID_HEX_LENGTH[format] / 2;
  }

  /** The objects of these ids; null where git is to be asked for all of them. */
  read(oids: readonly Oid[]): GitObject[] | null {
    return this.each(oids, objectOf);
  }

  /** Types and sizes of these objects; null where git is to be asked for all of them. */
  headers(oids: readonly Oid[]): ObjectHeader[] | null {
    return this.each(oids, (oid, { type, bytes }) => ({ oid, type, size: bytes.length }));
  }

  /** The objects at paths below a commit or tree; null among them for a path that isn't there, and alone where git is to be asked. */
  readPaths(root: Oid, paths: readonly string[]): (GitObject | null)[] | null {
    return this.attempt(() => {
      const top = this.topTree(root);
      if (top === null) return null;
      const objects: (GitObject | null)[] = [];
      for (const path of paths) {
        const found = this.atPath(top, path);
        if (found === null) return null;
        objects.push(found === 'absent' ? null : found);
      }
      return objects;
    });
  }

  close(): void {
    this.closed = true;
    for (const pack of this.packs) pack.close();
    this.packs = [];
  }

  private each<T>(oids: readonly Oid[], make: (oid: Oid, body: Body) => T): T[] | null {
    return this.attempt(() => {
      const made: T[] = [];
      for (const oid of oids) {
        const body = this.body(Buffer.from(oid, 'hex'), oid);
        if (body === null) return null;
        made.push(make(oid, body));
      }
      return made;
    });
  }

  /** What is damaged, or was taken away between two looks, is git's to tell. */
  private attempt<T>(work: () => T | null): T | null {
    if (this.closed) return null;
    try {
      return work();
    } catch {
      return null;
    }
  }

  private topTree(root: Oid): Buffer | null {
    const id = Buffer.from(root, 'hex');
    const body = this.body(id, root);
    if (body === null || body.type === 'blob' || body.type === 'tag') return null;
    if (body.type === 'tree') return id;
    const digits = /^tree ([0-9a-f]+)\n/.exec(body.bytes.toString('latin1', 0, 80))?.[1];
    return digits === undefined ? null : Buffer.from(digits, 'hex');
  }

  private atPath(top: Buffer, path: string): GitObject | 'absent' | null {
    let id = top;
    if (path !== '') {
      const names = path.split('/');
      for (const [depth, name] of names.entries()) {
        const tree = this.body(id);
        if (tree === null) return null;
        if (tree.type !== 'tree') return 'absent';
        const entry = entryNamed(tree.bytes, Buffer.from(name), this.width);
        if (entry === null || (!entry.isTree && depth < names.length - 1)) return 'absent';
        id = entry.id;
      }
    }
    const oid = id.toString('hex');
    const body = this.body(id, oid);
    return body === null ? null : objectOf(oid, body);
  }

  private body(id: Buffer, oid: Oid = id.toString('hex')): Body | null {
    const known = this.kept.get(oid);
    if (known !== undefined) return known;
    const found = this.find(id, oid);
    if (found !== null && found.type !== 'blob') this.kept.set(oid, found); // trees near the root are asked for by every path
    return found;
  }

  private find(id: Buffer, oid: Oid): Body | null {
    const now = Date.now();
    // What a repack has taken away is let go, though nothing is missed.
    if (this.listed === null || now - this.looked > LOOK_AGAIN_MS || now < this.looked) this.list(now);
    const packed = this.packed(id);
    if (packed !== 'elsewhere') return packed;
    const loose = looseBody(this.objectsFolder, oid, BOUNDS.body);
    if (loose !== 'elsewhere') return loose;
    // Somebody may have packed it since the packs were listed, or have written a pack.
    if (!this.list(now)) return null;
    const again = this.packed(id);
    return again === 'elsewhere' ? null : again;
  }

  private packed(id: Buffer): Body | null | 'elsewhere' {
    for (const [at, pack] of this.packs.entries()) {
      const body = pack.body(id);
      if (body === 'elsewhere') continue;
      if (at > 0) this.packs.unshift(...this.packs.splice(at, 1)); // neighbours are in the same pack mostly
      return body;
    }
    return 'elsewhere';
  }

  /** Lists the packs anew where they may have changed. False where there is nothing new. */
  private list(now: number): boolean {
    this.looked = now;
    const { mtimeMs } = statSync(this.folder);
    if (this.listed === mtimeMs && now - mtimeMs > RACY_MS) return false;
    const paths = readdirSync(this.folder).flatMap((name) =>
      name.endsWith('.idx') ? [join(this.folder, name.slice(0, -4))] : [],
    );
    if (paths.length > MOST_PACKS) throw new RangeError('many packs');
    const gone = new Map(this.packs.map((pack) => [pack.path, pack]));
    const fresh = paths.flatMap((path) => (gone.delete(path) ? [] : this.opened(path)));
    for (const pack of gone.values()) pack.close();
    this.packs = [...fresh, ...this.packs.filter(({ path }) => !gone.has(path))];
    this.listed = mtimeMs;
    return fresh.length > 0;
  }

  /** None where it can't be opened: what it has is not found here, and git says why. */
  private opened(path: string): PackFile[] {
    try {
      return [new PackFile(path, this.format, BOUNDS, this.kept)];
    } catch {
      return [];
    }
  }
}

/** An object for whoever asked: a value is theirs to change, and so never what is kept. */
function objectOf(oid: Oid, { type, bytes }: Body): GitObject {
  return { oid, type, body: type === 'blob' ? Buffer.from(bytes) : bytes };
}
