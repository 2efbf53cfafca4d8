import { type DecisionLog, KvError, type RecordedHead } from '../../ports/index.js';

/** What a decision log in memory holds: the logs opened on it come and go. */
export class DecisionPlace {
  /** The newest head of each repository. */
  readonly heads = new Map<string, RecordedHead>();
  /** The fences that hold. A decision that names another one is refused. */
  readonly fences = new Set<string>();
  private revisions = 0;

  /** A revision that no head has had. */
  nextRevision(): string {
    this.revisions += 1;
    return String(this.revisions);
  }
}

/** Opens the decision log that a place holds. */
export function openMemoryDecisions(place: DecisionPlace): DecisionLog {
  let closed = false;
  const assertAskable = (repository: string): void => {
    if (closed) throw new KvError('IO_ERROR', 'the decision log in memory is closed', { hint: 'open another' });
    if (repository === '') throw new KvError('INPUT_INVALID', 'the name of a repository has 1 to 255 bytes');
  };
  const compare = (repository: string, after: string | null, fence: string | undefined): RecordedHead | null => {
    assertAskable(repository);
    if (fence !== undefined && !place.fences.has(fence))
      throw new KvError('NOT_LEADER', 'the lock is held by another, or by nobody');
    const newest = place.heads.get(repository) ?? null;
    if ((newest?.revision ?? null) !== after)
      throw new KvError('CAS_CONFLICT', `the head of ${repository} has moved`, { details: { repository } });
    return newest;
  };
  return {
    capabilities: { shared: true, fenced: true, durable: false },

    async read(repository) {
      assertAskable(repository);
      return structuredClone(place.heads.get(repository) ?? null);
    },

    async decide(repository, { head, after, fence }) {
      const newest = compare(repository, after, fence);
      if (newest !== null && head.term < newest.head.term)
        throw new KvError('NOT_LEADER', `term ${newest.head.term} has begun, and term ${head.term} is over`);
      const revision = place.nextRevision();
      place.heads.set(repository, structuredClone({ head, revision }));
      return revision;
    },

    async remove(repository, after, fence) {
      compare(repository, after, fence);
      place.heads.delete(repository);
    },

    async close() {
      closed = true;
    },
  };
}
