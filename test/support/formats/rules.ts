import type { GitMemoryStore } from '../../../adapters/git-memory/open.js';
import type { Bounds } from '../../../domain/git/bounds.js';
import { utf8 } from '../../../domain/git/bytes.js';
import { encodeCommit, stamp } from '../../../domain/git/commit.js';
import type { ObjectNamer } from '../../../domain/git/object.js';
import { MODE_DIR, MODE_FILE } from '../../../domain/git/tree/tree.js';
import { PathEdits, seal } from '../../../domain/git/tree/tree-draft.js';
import type { Fault, RuleContext } from '../../../domain/verify/fault.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { memory, NOW } from '../memory/memory.js';

/** What a fault is, without the words for it. */
export type Told = Omit<Fault, 'message' | 'hint'>;

/** A file of a tree: what it holds, or which object it is; null: it is taken away. */
export type File = string | Uint8Array | null | { readonly mode?: string; readonly oid: Oid };

const IDENT = stamp('Ada <ada@example.org>', NOW);

/** A place where single rules are tried: an empty store in memory, and what they tell. */
export class RuleBench {
  readonly store: GitMemoryStore;
  readonly namer: ObjectNamer;
  readonly faults: Fault[] = [];
  readonly rules: RuleContext;

  constructor(bounds?: Partial<Bounds>) {
    ({ store: this.store, namer: this.namer } = memory());
    const full: Bounds = { treeEntries: 100_000, manifestBytes: 1 << 24, ...bounds };
    const emit = (fault: Fault): void => void this.faults.push(fault);
    this.rules = { store: this.store, namer: this.namer, ns: 'main', emit, ...(bounds === undefined ? {} : { bounds: full }) };
  }

  /** What was told since the last time that it was asked. */
  told(): Told[] {
    return this.faults.splice(0).map(({ message: _, hint: __, ...told }) => told);
  }

  /** The rules over a store that notes which objects it is asked for, call by call. */
  noted(): { readonly rules: RuleContext; readonly read: (readonly Oid[])[]; readonly headers: (readonly Oid[])[] } {
    const read: (readonly Oid[])[] = [];
    const headers: (readonly Oid[])[] = [];
    const noting = {
      read: (oids: readonly Oid[]) => {
        read.push(oids);
        return this.store.read(oids);
      },
      headers: (oids: readonly Oid[]) => {
        headers.push(oids);
        return this.store.headers(oids);
      },
    };
    // What only the prototype has stays in reach.
    const store = Object.assign(Object.create(this.store) as GitMemoryStore, noting);
    return { rules: { ...this.rules, store }, read, headers };
  }

  async blob(content: string | Uint8Array): Promise<Oid> {
    return this.put('blob', typeof content === 'string' ? utf8(content) : content);
  }

  /** A tree with these files put in or taken out; `from` null: of nothing else. */
  async tree(files: Readonly<Record<string, File>>, from: Oid | null = null): Promise<Oid> {
    const edits = new PathEdits();
    for (const [path, file] of Object.entries(files)) {
      const dirs = path.split('/');
      const oid = file === null ? null : typeof file === 'object' && 'oid' in file ? file.oid : await this.blob(file);
      const mode = (file !== null && typeof file === 'object' && 'oid' in file && file.mode) || MODE_FILE;
      edits.put(dirs, dirs.pop() as string, { mode, oid, previous: null });
    }
    const out: NewObject[] = [];
    const draft = await edits.load(this.store, from, 20);
    const tree = seal(draft, this.namer, out);
    await this.store.write(out);
    return tree ?? (await this.put('tree', new Uint8Array(0)));
  }

  /** A tree with exactly these entries, in this order. */
  async entries(entries: readonly { readonly mode?: string; readonly name: string; readonly oid: Oid }[]): Promise<Oid> {
    const parts = entries.flatMap(({ mode = MODE_DIR, name, oid }) => [utf8(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]);
    return this.put('tree', Buffer.concat(parts));
  }

  async commit(message: string, parents: readonly Oid[] = [], tree: Oid = this.namer.emptyTree()): Promise<Oid> {
    const fields = { tree, parents: [...parents], author: IDENT, committer: IDENT, signature: null, message };
    return this.put('commit', encodeCommit(fields, 'sha1'));
  }

  private async put(type: 'blob' | 'tree' | 'commit', body: Uint8Array): Promise<Oid> {
    const object = this.namer.object(type, body);
    await this.store.write([object]);
    return object.oid;
  }
}
