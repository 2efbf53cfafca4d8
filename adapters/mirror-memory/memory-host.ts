import type { GitObject, MirrorUpdate, Oid, RefName } from '../../ports/index.js';
import { commitParents } from '../../ports/grammar/git-words/object-links.js';

/** A Git host in memory: its refs, and the objects that they reach, whole. It lives as long as somebody refers to it. */
export class MemoryHost {
  readonly refs = new Map<RefName, Oid>();
  private readonly objects = new Map<Oid, GitObject>();
  /** Set while nobody can reach the host. */
  away = false;
  /** How many bytes of objects it takes in one push. */
  maxBytes = Number.POSITIVE_INFINITY;

  has(oid: Oid): boolean {
    return this.objects.has(oid);
  }

  get(oid: Oid): GitObject | undefined {
    return this.objects.get(oid);
  }

  /** Takes objects with all that they name: what is here already needs no second look. */
  take(objects: readonly GitObject[]): void {
    for (const object of objects) this.objects.set(object.oid, { ...object, body: object.body.slice() });
  }

  /** Why the host doesn't take a move, as git words it; null when it does, or has it already. */
  refusal({ ref, next, expected }: MirrorUpdate): string | null {
    const tip = this.refs.get(ref) ?? null;
    if (tip === next) return null; // an earlier push whose answer was lost
    if (expected !== undefined) return expected === tip || (next === null && tip === null) ? null : 'stale info';
    if (tip === null || next === null) return null;
    if (ref.startsWith('refs/tags/')) return 'already exists';
    return this.reaches(next, tip) ? null : 'non-fast-forward';
  }

  /** Whether a commit has another among its ancestors. */
  private reaches(from: Oid, wanted: Oid): boolean {
    const seen = new Set<Oid>();
    const open = [from];
    for (let oid = open.pop(); oid !== undefined; oid = open.pop()) {
      if (oid === wanted) return true;
      const object = this.objects.get(oid);
      if (seen.has(oid) || object === undefined) continue;
      seen.add(oid);
      open.push(...commitParents(object));
    }
    return false;
  }
}
