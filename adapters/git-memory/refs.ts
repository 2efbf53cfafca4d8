import { KvError } from '../../ports/error.js';
import type { Oid, RefName, RefUpdate } from '../../ports/vocabulary.js';
import type { Allowance } from './allowance.js';

/** What a ref takes besides its name and its id, bytes. */
const A_REF = 120;

const sizeOf = (ref: RefName): number => 2 * ref.length + A_REF;

/** The refs of a repository in memory, by git's rules: names that git takes, and no ref below another. */
export class MemoryRefs {
  private readonly tips = new Map<RefName, Oid>();
  /** How many refs lie below each folder. */
  private readonly folders = new Map<string, number>();

  constructor(private readonly allowance: Allowance) {}

  get(ref: RefName): Oid | null {
    return this.tips.get(ref) ?? null;
  }

  all(): ReadonlyMap<RefName, Oid> {
    return this.tips;
  }

  matching(patterns: readonly string[]): Map<RefName, Oid> {
    for (const pattern of patterns) checkRef(pattern.endsWith('/') ? `${pattern}x` : pattern);
    const found = new Map<RefName, Oid>();
    const [only] = patterns;
    if (patterns.length === 1 && only !== undefined && !only.endsWith('/')) {
      const tip = this.tips.get(only);
      return tip === undefined ? found : found.set(only, tip);
    }
    const matches = (ref: RefName) => patterns.some((each) => (each.endsWith('/') ? ref.startsWith(each) : ref === each));
    return new Map([...this.tips].filter(([ref]) => matches(ref)).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /**
   * Throws, having moved nothing, when these can't be moved together. Gives the bytes that they add to what is counted; negative where
   * they delete more.
   */
  check(updates: readonly RefUpdate[]): number {
    if (updates.length > 1 && new Set(updates.map(({ ref }) => ref)).size < updates.length) {
      throw new KvError('GIT_ERROR', 'a transaction moves one ref twice', { hint: 'give each ref one update' });
    }
    let growth = 0;
    let isNew = false;
    for (const { ref, old, next } of updates) {
      if ((this.tips.get(ref) ?? null) !== old)
        throw new KvError('CAS_CONFLICT', `'${ref}' is not where this change was built on`, {
          hint: 'read the newest state and try again',
          details: { ref },
        });
      // Where `old` holds, it says whether the ref is there: no further look is needed.
      if (old === null && next !== null) growth += sizeOf(ref);
      else if (old !== null && next === null) growth -= sizeOf(ref);
      isNew ||= old === null && next !== null;
    }
    if (isNew) this.checkPlaces(updates);
    return growth;
  }

  /** Moves what `check` has let pass just now, with the growth that it gave. Throws `STORAGE_FULL`, having moved nothing. */
  move(updates: readonly RefUpdate[], growth: number): void {
    if (growth > 0) this.allowance.take(growth);
    else this.allowance.give(-growth);
    for (const { ref, old, next } of updates) {
      if (next === null) this.tips.delete(ref);
      else this.tips.set(ref, next);
      if ((old === null) !== (next === null)) this.count(ref, next === null ? -1 : 1);
    }
  }

  /** No ref lies below another once all of these are moved. */
  private checkPlaces(updates: readonly RefUpdate[]): void {
    const [only] = updates;
    if (updates.length === 1 && only !== undefined) {
      this.checkPlace(only.ref);
      return;
    }
    const gone = new Set(updates.filter(({ next }) => next === null).map(({ ref }) => ref));
    const come = new Set(updates.filter(({ next }) => next !== null).map(({ ref }) => ref));
    for (const ref of come) {
      for (const folder of foldersOf(ref)) {
        if (come.has(folder) || (this.tips.has(folder) && !gone.has(folder))) throw inTheWay(folder, ref);
      }
      const below = this.folders.get(ref) ?? 0;
      if (below > 0 && [...gone].filter((other) => other.startsWith(`${ref}/`) && this.tips.has(other)).length < below)
        throw inTheWay(`${ref}/…`, ref);
    }
  }

  /** As above, for one that is made. */
  private checkPlace(ref: RefName): void {
    for (let at = ref.indexOf('/', FIRST); at > 0; at = ref.indexOf('/', at + 1))
      if (this.tips.has(ref.slice(0, at))) throw inTheWay(ref.slice(0, at), ref);
    if (this.folders.has(ref)) throw inTheWay(`${ref}/…`, ref);
  }

  private count(ref: RefName, by: number): void {
    for (let at = ref.indexOf('/', FIRST); at > 0; at = ref.indexOf('/', at + 1)) {
      const folder = ref.slice(0, at);
      const left = (this.folders.get(folder) ?? 0) + by;
      if (left === 0) this.folders.delete(folder);
      else this.folders.set(folder, left);
    }
  }
}

/** Where the name of the first folder below `refs/` begins. */
const FIRST = 5;

function* foldersOf(ref: RefName): Generator<string> {
  for (let at = ref.indexOf('/', FIRST); at > 0; at = ref.indexOf('/', at + 1)) yield ref.slice(0, at);
}

function inTheWay(there: string, ref: RefName): KvError {
  return new KvError('GIT_ERROR', `cannot create '${ref}': '${there}' exists`, { hint: 'choose another name' });
}

/** Names that no rule refuses. */
const USUAL = /^refs(?:\/[A-Za-z0-9_-]+)+$/;

/** Git's own rules (`git check-ref-format`) for a full name below `refs/`. */
export function checkRef(name: string): void {
  if (USUAL.test(name)) return;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
  if (name.startsWith('refs/') && !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)|[./]$/.test(name)) return;
  throw new KvError('INPUT_INVALID', `'${name}' is not a full ref name`, { hint: 'use a name such as refs/kv/main' });
}
