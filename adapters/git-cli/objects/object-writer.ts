import { join } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { diskErrorCode, isOutOfSpace } from '../../../ports/grammar/git-words/out-of-space.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import { checkOid } from '../process/guard.js';
import { writeLoose } from './loose-object.js';
import { PackWriter } from './pack-writer.js';

// From here on one pack costs fewer syncs than a file for each object.
const PACK_FROM = 8;

/** Stores objects in an objects folder: a few as loose files, more as one pack. Durable when it resolves. Gives whether it is a pack. */
export async function writeObjects(
  folder: string,
  format: ObjectFormat,
  objects: Iterable<NewObject> | AsyncIterable<NewObject>,
): Promise<boolean> {
  const sink = new ObjectSink(folder, format);
  try {
    // An await for each object of a large array would cost more than writing it.
    if (Symbol.iterator in objects) {
      for (const object of objects) if (sink.add(object)) await sink.flush();
    } else {
      for await (const object of objects) if (sink.add(object)) await sink.flush();
    }
    return await sink.finish();
  } catch (error) {
    await sink.abort();
    throw asIoError(error, folder);
  }
}

class ObjectSink {
  private readonly few = new Map<string, NewObject>();
  private pack: PackWriter | null = null;

  constructor(
    private readonly folder: string,
    private readonly format: ObjectFormat,
  ) {}

  add(object: NewObject): boolean {
    checkOid(object.oid, this.format);
    if (this.pack !== null) return this.pack.add(object);
    this.few.set(object.oid, object);
    if (this.few.size < PACK_FROM) return false;
    const pack = new PackWriter(join(this.folder, 'pack'), this.format);
    this.pack = pack;
    const full = [...this.few.values()].filter((each) => pack.add(each)).length > 0;
    this.few.clear();
    return full;
  }

  async flush(): Promise<void> {
    await this.pack?.flush();
  }

  async finish(): Promise<boolean> {
    if (this.pack !== null) await this.pack.finish();
    else await writeLoose(this.folder, [...this.few.values()]);
    return this.pack !== null;
  }

  async abort(): Promise<void> {
    await this.pack?.abort();
  }
}

/** A failed system call as `IO_ERROR`, or `STORAGE_FULL`; what the caller's own iterable threw stays what it is. */
function asIoError(error: unknown, folder: string): unknown {
  const { code, syscall } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  if (code === undefined || syscall === undefined) return error;
  const full = isOutOfSpace(error);
  return new KvError(diskErrorCode(error), `cannot write objects to '${folder}': ${(error as Error).message}`, {
    hint: full ? 'free some disk space and try again' : 'check the permissions of that folder',
    cause: error,
  });
}
