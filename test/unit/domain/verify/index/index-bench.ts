import { updateIndex } from '../../../../../domain/index/update.js';
import { addPointer } from '../../../../../domain/ledger/transaction/transaction.js';
import { encodePointer, type Pointer, pointerMode, tombstone } from '../../../../../domain/ledger/value/pointer.js';
import type { NewObject } from '../../../../../ports/git/git-store.js';
import type { Oid } from '../../../../../ports/vocabulary.js';
import { type File, RuleBench } from '../../../../support/formats/rules.js';

export const INDEX = 'kv/main/index';
export const LAYOUT = `${INDEX}/layout.json`;

/** The pointer of a live key, or of one that was deleted (`null`). */
export function pointer(key: string, size: number | null = 1, ttl: string | null = null): Pointer {
  if (size === null) return tombstone(key);
  return { key, type: 'inline', ledgerBlob: 'a'.repeat(40), manifestBlob: null, size, ctype: 'text/plain', ttl };
}

/** Keys whose pointers all lie below the same two pairs, one more letter pair each. */
export const numbered = (count: number, start = 'abcd'): string[] =>
  Array.from({ length: count }, (_, i) => `${start}${String(i).padStart(4, '0')}`);

/** Indexes, right and wrong. */
export class IndexBench extends RuleBench {
  /** The index that pointers make, their blobs too. */
  async index(pointers: readonly Pointer[], base: Oid | null = null): Promise<Oid> {
    const files = new Map();
    const out: NewObject[] = [];
    for (const one of pointers) addPointer(one, this.namer, files, out);
    const root = await updateIndex(this.store, this.namer, 'main', base, files, out);
    await this.store.write(out);
    return root;
  }

  /** A pointer's file, to be put anywhere. */
  async file(one: Pointer, mode = pointerMode(one)): Promise<{ mode: string; oid: Oid }> {
    return { mode, oid: await this.blob(encodePointer(one)) };
  }

  /** An index with pointers put at paths below `kv/main/index`, whatever belongs there. */
  async placed(from: Oid | null, places: Readonly<Record<string, Pointer | null>>): Promise<Oid> {
    const files: Record<string, File> = {};
    for (const [path, one] of Object.entries(places)) files[`${INDEX}/${path}`] = one === null ? null : await this.file(one);
    return this.tree(files, from);
  }
}
