import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { checkOid } from '../guard.js';
import { diskFailed } from '../library/failure.js';
import { syncDirectory, writeDurably } from './durable-file.js';
import { writeLoose } from './loose-file.js';
import { type PackEntry, packEntry, packFile } from './pack-file.js';

/** From here on one pack costs fewer syncs than a file for each object. */
const PACK_FROM = 8;

/** A pack is written out when it has so much; a larger write becomes several. Bytes. */
const PACK_UNTIL = 32 * 1024 ** 2;

/** What stands in the `.keep` file beside a pack that is being moved into place: no other program's. */
const KEPT_BY_US = 'git-kv\n';

/**
 * Stores objects in an objects folder: a few as files of their own, more as packs. Durable when it resolves, and all or none are seen.
 * nodegit has no call that takes bytes of a tree or writes a pack, so this is our own code.
 */
export async function writeObjects(folder: string, objects: Iterable<NewObject> | AsyncIterable<NewObject>): Promise<void> {
  const packs = new Packs(join(folder, 'pack'));
  const few: NewObject[] = [];
  const seen = new Set<Oid>();
  const take = (object: NewObject): boolean => {
    if (seen.has(checkOid(object.oid))) return false;
    seen.add(object.oid);
    if (seen.size < PACK_FROM) return few.push(object) < 0;
    for (const early of few.splice(0)) packs.add(early);
    return packs.add(object);
  };
  try {
    // An await for each object of a large array would cost more than writing it.
    if (Symbol.iterator in objects) {
      for (const object of objects) if (take(object)) await packs.flush();
    } else {
      for await (const object of objects) if (take(object)) await packs.flush();
    }
    await writeLoose(folder, few);
    await packs.finish();
  } catch (error) {
    await packs.abort();
    throw diskFailed(`cannot write objects to '${folder}'`, error);
  }
}

/** The packs of one write, seen by nobody before `finish`. */
class Packs {
  private entries: PackEntry[] = [];
  private size = 0;
  private readonly written: { readonly name: string; readonly pack: string; readonly index: string }[] = [];

  constructor(private readonly folder: string) {}

  /** Whether it is time to `flush`. */
  add(object: NewObject): boolean {
    const entry = packEntry(object);
    this.entries.push(entry);
    this.size += entry.bytes.length;
    return this.size >= PACK_UNTIL;
  }

  /** Writes what was added to files that Git takes for unfinished: its gc takes them away should we never come to finish them. */
  async flush(): Promise<void> {
    if (this.entries.length === 0) return;
    const { name, pack, index } = packFile(this.entries);
    const id = randomUUID();
    const files = {
      name: join(this.folder, name),
      pack: join(this.folder, `tmp_pack_${id}`),
      index: join(this.folder, `tmp_idx_${id}`),
    };
    this.written.push(files);
    [this.entries, this.size] = [[], 0];
    await mkdir(this.folder, { recursive: true });
    await writeDurably(files.pack, pack);
    await writeDurably(files.index, [index]);
  }

  async finish(): Promise<void> {
    await this.flush();
    for (const { name, pack, index } of this.written) {
      // A repack beside us would take a pack that has no index yet for one that it has rolled up.
      await writeFile(`${name}.keep`, KEPT_BY_US);
      // The index makes a pack visible, so it comes last.
      await rename(pack, `${name}.pack`);
      await rename(index, `${name}.idx`);
      await rm(`${name}.keep`, { force: true });
    }
    if (this.written.length > 0) await syncDirectory(this.folder);
  }

  async abort(): Promise<void> {
    for (const { pack, index } of this.written) await Promise.all([pack, index].map((file) => rm(file, { force: true })));
  }
}
