import { type DecisionLog, type Head, KvError, type RecordedHead } from '../../ports/index.js';
import { type Compare, compareOfFence, type Etcd, type KeyValue, type Operation } from '../etcd-gateway/index.js';

/** Which keys of which etcd are the heads. */
export interface EtcdDecisionsOptions {
  /** The log owns it: its `close` closes it. */
  readonly etcd: Etcd;
  /** The cluster's name. Whoever names the same decides in the same log. */
  readonly cluster: string;
}

/**
 * A decision log of one key a repository, `/git-kv/<cluster>/<repository>/head`. A decision is one transaction: it compares the revision
 * that has changed the key last, and the key of the leader's lock, and puts. A put of which no answer came is never tried again here:
 * the second would meet the first and be refused.
 */
export function openEtcdDecisions({ etcd, cluster }: EtcdDecisionsOptions): DecisionLog {
  let closed = false;
  /** The term of a repository's head as it was seen last; what a revision holds never changes. */
  const terms = new Map<string, { readonly revision: string; readonly term: number }>();

  const keyOf = (repository: string): string => {
    if (closed) throw new KvError('IO_ERROR', 'the decision log in etcd is closed', { hint: 'open another' });
    if (repository === '' || Buffer.byteLength(repository) > 255)
      throw new KvError('INPUT_INVALID', 'the name of a repository has 1 to 255 bytes');
    return `/git-kv/${cluster}/${repository}/head`;
  };

  const read = async (repository: string): Promise<RecordedHead | null> => {
    const key = keyOf(repository);
    const found = await etcd.get(key);
    if (found === null) return null;
    const revision = String(found.modRevision);
    const head = decodeHead(found);
    terms.set(repository, { revision, term: head.term });
    return { head, revision };
  };

  /** Changes a repository's key if it and the lock are what they should be; gives the revision of that. */
  const change = async (
    repository: string,
    after: string | null,
    fence: string | undefined,
    change: (key: string) => Operation,
  ): Promise<string> => {
    const key = keyOf(repository);
    const lock = fence === undefined ? null : compareOfFence(fence);
    const compare: Compare[] = [{ key, modRevision: after === null ? 0 : revisionOf(after) }, ...(lock === null ? [] : [lock])];
    const failure: Operation[] = [{ get: key }, ...(lock === null ? [] : [{ get: lock.key }])];
    const { succeeded, revision, found } = await etcd.txn({ compare, success: [change(key)], failure }, { repeatable: false });
    if (succeeded) return String(revision);
    terms.delete(repository);
    const [, holder = null] = found;
    if (lock !== null && !('createRevision' in lock && holder?.createRevision === lock.createRevision))
      throw new KvError('NOT_LEADER', `the lock '${lock.key}' of etcd is held by another, or by nobody`);
    throw new KvError('CAS_CONFLICT', `the head of ${repository} has moved`, { details: { repository } });
  };

  return {
    capabilities: { shared: true, fenced: true, durable: true },
    read,

    async decide(repository, { head, after, fence }) {
      if (after !== null && terms.get(repository)?.revision !== after) await read(repository);
      const before = terms.get(repository);
      if (after !== null && before?.revision === after && head.term < before.term)
        throw new KvError('NOT_LEADER', `term ${before.term} has begun, and term ${head.term} is over`);
      const revision = await change(repository, after, fence, (key) => ({ put: key, value: encodeHead(head) }));
      terms.set(repository, { revision, term: head.term });
      return revision;
    },

    async remove(repository, after, fence) {
      await change(repository, after, fence, (key) => ({ remove: key }));
      terms.delete(repository);
    },

    async close() {
      closed = true;
      etcd.close();
    },
  };
}

function revisionOf(after: string): number {
  if (/^[1-9]\d{0,15}$/.test(after)) return Number(after);
  throw new KvError('INPUT_INVALID', `'${after.slice(0, 40)}' is no revision of etcd`);
}

function encodeHead({ sequence, term, digest, members }: Head): string {
  return JSON.stringify({ v: 1, sequence, term, digest, members });
}

/** The head that a key holds. Throws `FORMAT_UNSUPPORTED` for anything else, and for a later version. */
function decodeHead({ key, value }: KeyValue): Head {
  const fields = parse(value);
  const { v, sequence, term, digest, members } = fields;
  const isHead =
    v === 1 &&
    Number.isSafeInteger(sequence) &&
    Number.isSafeInteger(term) &&
    typeof digest === 'string' &&
    Array.isArray(members) &&
    members.every((member) => typeof member === 'string');
  if (isHead) return { sequence: Number(sequence), term: Number(term), digest, members: members as string[] };
  throw new KvError('FORMAT_UNSUPPORTED', `the key '${key}' of etcd holds no head that this version knows`, {
    hint: 'a newer git-kv wrote it, or somebody by hand: run that version, or name another cluster',
  });
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {}; // what is no JSON has no version either
  }
}
