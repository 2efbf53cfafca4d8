import { KvError } from '../../../../ports/error.js';
import type { GitStore, NewObject } from '../../../../ports/git/git-store.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import type { ObjectNamer } from '../../../git/object.js';
import { readPack } from '../../../git/pack/read-pack.js';
import type { Zlib } from '../../../git/pack/zlib.js';
import type { TreeReader } from '../../../git/tree/tree-draft.js';
import { oidBytesIn } from '../../../git/tree/tree.js';
import { checkPushed, neededBy } from './check-push.js';
import { ObjectSource } from '../../objects/source.js';

/** What reading a pack that another server has sent takes. */
export interface SoundPackParts {
  readonly namer: ObjectNamer;
  readonly zlib: Zlib;
  /** Commits and trees that are here. */
  readonly reader: TreeReader;
  readonly headers: GitStore['headers'];
  /** As `PackReading` has it. */
  readonly likes?: boolean;
}

/** The most that a pack may hold once it is unpacked, bytes: whoever sends more is no sender of small packs. */
const MOST_HELD = 8 * 1024 * 1024;
const MOST_OBJECTS = 20_000;

/**
 * The objects of a small pack, held against what `git index-pack --strict` asks: each is named by its own hash, has the shape that git wants,
 * and builds on what is among them or here, in the right place. Throws `GIT_ERROR`, with `details.tooMany` where the pack is too large for
 * this.
 */
export async function soundPack(pack: Uint8Array, parts: SoundPackParts): Promise<readonly NewObject[]> {
  const { namer, zlib, reader, headers, likes } = parts;
  let left = MOST_HELD;
  const hold = (bytes: number): void => {
    left -= bytes;
    if (left < 0) throw new KvError('POLICY_VIOLATION', 'the pack holds more than is unpacked in memory');
  };
  try {
    const list = await readPack(pack, { namer, zlib, hold, likes, maxObjects: MOST_OBJECTS, read: (oids) => reader.read(oids) });
    const objects = new Map<Oid, NewObject>(list.map((object) => [object.oid, object]));
    const turn = (): Promise<void> => zlib.turn();
    await checkPushed(objects, oidBytesIn(namer.format), turn);
    const source = new ObjectSource(reader, namer.format);
    const needed = [...(await neededBy(objects, source.behind(objects), turn))];
    const there = needed.length === 0 ? [] : await headers(needed.map(([oid]) => oid));
    for (const [at, [oid, type]] of needed.entries())
      if (there[at]?.type !== type) throw new KvError('GIT_ERROR', `objects build on ${type} ${oid}, which is not here`);
    return [...objects.values()];
  } catch (error) {
    if (!KvError.is(error) || (error.code !== 'INPUT_INVALID' && error.code !== 'POLICY_VIOLATION')) throw error;
    const { message, code, details } = error;
    throw new KvError('GIT_ERROR', message, {
      details: { ...details, ...(code === 'POLICY_VIOLATION' ? { tooMany: true } : {}) },
    });
  }
}
