import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import { isAnyOid, type RefName, type RefUpdate } from '../../../ports/vocabulary.js';

const ORDINARY = /^refs\/(heads|tags)\/(.+)$/s;

/**
 * Why a new branch or tag may not have its name; null where it may. Git, or a person at a terminal, would take such a name for something
 * else: for an option, for a commit's id, or for what is checked out.
 */
export function misleading(ref: RefName): string | null {
  const name = ORDINARY.exec(ref)?.[2] ?? '';
  if (name.startsWith('-')) return 'begins with a hyphen, and would be taken for an option';
  if (isAnyOid(name.toLowerCase())) return "looks like an object's id, and would be taken for it";
  // Where file names have no case, `head` is HEAD.
  if (/^(?:[a-z]+_)?head$/i.test(name) || name === '@') return 'would be taken for what git itself calls by that name';
  return null;
}

/**
 * What a file system that knows no case, or has one form for an accented letter, makes of a name: there, and in a clone that lies there,
 * two branches with the same of it are one.
 */
export function folded(name: string): string {
  return name.normalize('NFD').toUpperCase().toLowerCase().normalize('NFC');
}

/**
 * Holds the branches and tags that updates create against those that are there: `REF_FORBIDDEN` for one that differs from another in
 * case or in the form of its letters alone, `POLICY_VIOLATION` when there would be more than `most` of them. Costs a list of all of
 * them, and nothing when no update creates any.
 */
export async function checkNewRefs(store: GitStore, updates: readonly RefUpdate[], most: number): Promise<void> {
  const ordinary = updates.filter(({ ref }) => ORDINARY.test(ref));
  const created = ordinary.filter(({ old, next }) => old === null && next !== null);
  if (created.length === 0) return;
  const names = new Set((await store.refs(['refs/heads/', 'refs/tags/'])).keys());
  for (const { ref, next } of ordinary) if (next === null) names.delete(ref);
  const fresh = created.filter(({ ref }) => !names.has(ref));
  if (names.size + fresh.length > most) {
    throw new KvError('POLICY_VIOLATION', `there are ${names.size} branches and tags, and no more than ${most} may be`, {
      hint: 'delete those that are not needed, or have an admin raise refs under stargate.limits of the policy',
      details: { refs: names.size, limit: most },
    });
  }
  const there = new Places();
  for (const ref of names) there.add(ref);
  for (const { ref } of fresh) {
    const other = there.besides(ref);
    if (other !== null) throw twins(ref, other);
    there.add(ref);
  }
}

/** Which names are taken where names are folded, by refs and by the folders that they lie in. */
class Places {
  private readonly refs = new Map<string, RefName>();
  private readonly folders = new Map<string, RefName>();

  add(ref: RefName): void {
    const place = folded(ref);
    this.refs.set(place, ref);
    for (const folder of foldersOf(place)) this.folders.set(folder, ref);
  }

  /** A ref that another can't be beside, though to git itself it could; null when there is none. */
  besides(ref: RefName): RefName | null {
    const place = folded(ref);
    const taken = [place, ...foldersOf(place)].map((each) => this.refs.get(each));
    const found = [...taken, this.folders.get(place)].find(
      (each) => each !== undefined && !liesIn(each, ref) && !liesIn(ref, each),
    );
    return found ?? null;
  }
}

/** `refs/heads/a` and `refs/heads/a/b` are refused by git everywhere, in its own words. */
const liesIn = (ref: RefName, other: RefName): boolean => ref.startsWith(`${other}/`);

/** The folders of a branch or tag, without those that all of them lie in. */
function foldersOf(place: string): string[] {
  const parts = place.split('/');
  return parts.slice(3).map((_, at) => parts.slice(0, at + 3).join('/'));
}

function twins(ref: RefName, other: RefName): KvError {
  return new KvError(
    'REF_FORBIDDEN',
    `${ref.slice(0, 200)} can't be beside ${other.slice(0, 200)}: where file names have no case, or one form for an accented letter, they are one`,
    { hint: 'give it another name', details: { ref, other } },
  );
}
