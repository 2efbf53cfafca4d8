import { KvError } from '../../../../ports/error.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { ObjectType, Oid } from '../../../../ports/vocabulary.js';
import { fromAscii } from '../../../git/bytes.js';
import { checkGitmodules, checkObject } from '../../../git/fsck.js';
import { MODE_DIR, TreeCursor } from '../../../git/tree/tree.js';
import { differing } from '../../objects/differing.js';
import { type CommitFacts, readFacts } from '../../objects/commit-object.js';
import type { ObjectSource } from '../../objects/source.js';
import { childrenOf } from '../../objects/children.js';
import { parentsFirst } from './parents-first.js';

/** The objects of a push. */
export type Pushed = ReadonlyMap<Oid, NewObject>;

const A_TURN = 500;
const TOGETHER = 256;
const SUBMODULE = '160000';
const EMPTY = new Uint8Array(0);

/** Holds each object against the rules of `git fsck --strict`. Throws `INPUT_INVALID`. */
export async function checkPushed(pushed: Pushed, oidBytes: number, turn: () => Promise<void>): Promise<void> {
  let count = 0;
  for (const object of pushed.values()) {
    checkObject(object, oidBytes);
    if (object.type === 'tree') {
      const modules = [...gitmodules(object.body, oidBytes)].flatMap((oid) => pushed.get(oid) ?? []);
      for (const file of modules) checkGitmodules(file);
    }
    if (++count % A_TURN === 0) await turn();
  }
}

function* gitmodules(body: Uint8Array, oidBytes: number): Generator<Oid> {
  const cursor = new TreeCursor(body, oidBytes);
  while (cursor.next()) if (cursor.nameBytes === 11 && cursor.name.toLowerCase() === '.gitmodules') yield cursor.oid();
}

/**
 * The objects that a push builds on and that must be in the repository, with their types, found without a look at what stayed as it was:
 * what a new tree shares with the tree of the parent at its path is there. `source` reads the repository behind what was pushed. Throws
 * `INPUT_INVALID` for an object that is named as another type than it is of. Takes out of `unnamed` whatever of the push another part of it names.
 */
export async function neededBy(
  pushed: Pushed,
  source: ObjectSource,
  turn: () => Promise<void>,
  unnamed?: Set<Oid>,
): Promise<ReadonlyMap<Oid, ObjectType>> {
  const walk = new NeedWalk(pushed, source, turn, unnamed);
  // What a tree shares with its parent's has been looked at then: two trees that are held against each other, as where a change is taken
  // back, would hide what both lack.
  for (const commit of parentsFirst(pushed, pushed.keys(), readFacts)) await walk.commit(commit);
  for (const { oid, type, body } of pushed.values())
    if (type === 'tag') for (const target of childrenOf({ oid, type, body }, source.oidBytes)) walk.need(target, tagged(body));
  // Trees that no commit of the push names.
  for (const { oid, type } of pushed.values()) if (type === 'tree') await walk.tree(oid, null);
  return walk.needed;
}

/** Throws `INPUT_INVALID` where one of these is missing, or of another type. */
export async function checkThere(needed: ReadonlyMap<Oid, ObjectType>, source: ObjectSource): Promise<void> {
  const oids = [...needed.keys()];
  for (let from = 0; from < oids.length; from += TOGETHER) {
    const some = oids.slice(from, from + TOGETHER);
    for (const [i, object] of (await source.read(some)).entries()) {
      const oid = some[i] as Oid;
      if (object?.type !== needed.get(oid)) throw missing(oid, needed.get(oid));
    }
  }
}

class NeedWalk {
  readonly needed = new Map<Oid, ObjectType>();
  private readonly looked = new Set<Oid>();

  constructor(
    private readonly pushed: Pushed,
    private readonly source: ObjectSource,
    private readonly turn: () => Promise<void>,
    private readonly unnamed?: Set<Oid>,
  ) {}

  need(oid: Oid, type: ObjectType): void {
    this.unnamed?.delete(oid);
    const object = this.pushed.get(oid);
    const known = object?.type ?? this.needed.get(oid);
    if (known !== undefined && known !== type) throw missing(oid, type);
    if (object === undefined) this.needed.set(oid, type);
  }

  async commit({ tree, parents }: CommitFacts): Promise<void> {
    for (const parent of parents) this.need(parent, 'commit');
    const [first] = parents;
    const parent = first === undefined ? null : await this.source.get(first);
    await this.tree(tree, parent?.type === 'commit' ? readFacts(parent.body, parent.oid).tree : null);
  }

  async tree(oid: Oid, base: Oid | null): Promise<void> {
    if (oid === base) return;
    this.need(oid, 'tree');
    const object = this.pushed.get(oid);
    if (object === undefined || this.looked.has(oid)) return;
    this.looked.add(oid);
    if (this.looked.size % A_TURN === 0) await this.turn();
    const { oidBytes } = this.source;
    const found = base === null ? null : await this.source.get(base);
    const left = new TreeCursor(found?.type === 'tree' ? found.body : EMPTY, oidBytes);
    const right = new TreeCursor(object.body, oidBytes);
    const folders: [Oid, Oid | null][] = [];
    for (const { at, before } of differing(left, right)) {
      if (at.mode === SUBMODULE) continue;
      if (at.mode === MODE_DIR) folders.push([at.oid(), before?.mode === MODE_DIR ? before.oid() : null]);
      else this.need(at.oid(), 'blob');
    }
    for (const [each, before] of folders) await this.tree(each, before);
  }
}

function tagged(body: Uint8Array): ObjectType {
  const [, type] = /^object [0-9a-f]+\ntype (commit|tree|blob|tag)\n/.exec(fromAscii(body, 0, Math.min(body.length, 200))) ?? [];
  if (type === 'commit' || type === 'tree' || type === 'tag') return type;
  return 'blob';
}

function missing(oid: Oid, type: ObjectType | undefined): KvError {
  return new KvError('INPUT_INVALID', `missing necessary objects: there is no ${type} ${oid}`, { details: { object: oid } });
}
