import type { GitStore } from '../../../ports/git/git-store.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import { findEntry, MODE_FILE, oidBytesIn } from '../../git/tree/tree.js';
import { type FileEdit, PathEdits } from '../../git/tree/tree-draft.js';
import { diffInParts } from '../../git/tree/tree-parts.js';
import { readersWalk } from '../../git/untrusted.js';
import { toUrlsafe } from '../../ledger/value/key.js';
import { KeyTable } from '../../ledger/value/key-table.js';
import { META_SUFFIX, placeOf } from '../../ledger/paths.js';
import { SHARDS } from '../../ledger/tree-shapes.js';

/** After so many keys, all metadata is looked up at once: keys in order lie all over the ledger, a directory for almost every key. */
const FEW = 16_384;

/** Where the metadata of keys is that come in the order of an index. */
export class MetadataPlaces {
  private asked = 0;
  private table: Promise<KeyTable> | null = null;
  private readonly oidBytes: number;

  /** `root` is the ledger's tree. Only keys that start with `prefix` are asked for, the first `few` of them one by one. */
  constructor(
    private readonly store: GitStore,
    private readonly hasher: Hasher,
    private readonly ns: string,
    private readonly root: Oid,
    private readonly prefix: string,
    private readonly few = FEW,
  ) {
    this.oidBytes = oidBytesIn(store.objectFormat);
  }

  /** The metadata's blobs, in the order of the keys; null where a key has none. Throws `GIT_ERROR` for a tree that is missing. */
  async of(keys: readonly string[]): Promise<(Oid | null)[]> {
    this.asked += keys.length;
    if (this.asked <= this.few) return this.byPath(keys);
    this.table ??= this.all();
    const table = await this.table;
    return keys.map((key) => {
      const record = table.find(toUrlsafe(key));
      return record < 0 ? null : table.oid(record);
    });
  }

  /** Tree by tree, and each once: git would walk down from the root for every path. */
  private async byPath(keys: readonly string[]): Promise<(Oid | null)[]> {
    if (keys.length === 0) return [];
    const edits = new PathEdits();
    const places = keys.map((key) => {
      const { urlsafe, shards } = placeOf(key, this.hasher);
      const edit: FileEdit = { mode: MODE_FILE, oid: null, previous: null };
      edits.put(['kv', this.ns, 'meta', ...shards], urlsafe + META_SUFFIX, edit);
      return edit;
    });
    await edits.load(this.store, this.root, this.oidBytes);
    return places.map(({ previous }) => previous);
  }

  /** All of them, in about 50 bytes a key. */
  private async all(): Promise<KeyTable> {
    const table = new KeyTable(this.hasher, this.oidBytes);
    const start = toUrlsafe(this.prefix);
    const parting = { depth: 1, group: (path: string) => path };
    for await (const part of diffInParts(this.store, null, await this.metaTree(), this.oidBytes, parting, readersWalk(SHARDS))) {
      for (const { name, after } of part) {
        const urlsafe = name.slice(0, -META_SUFFIX.length);
        if (after !== null && urlsafe.startsWith(start)) table.put(urlsafe, after.oid, 0);
      }
    }
    return table;
  }

  private async metaTree(): Promise<Oid | null> {
    let oid: Oid | null = this.root;
    for (const name of ['kv', this.ns, 'meta']) {
      if (oid === null) return null;
      const tree: GitObject | null | undefined = (await this.store.read([oid]))[0];
      oid = tree?.type === 'tree' ? (findEntry(tree.body, this.oidBytes, name)?.oid ?? null) : null;
    }
    return oid;
  }
}
