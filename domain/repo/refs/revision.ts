import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import { isOid, type Oid, type RefName } from '../../../ports/vocabulary.js';
import { fromAscii } from '../../git/bytes.js';
import { shown } from '../objects/paths.js';
import type { ObjectSource } from '../objects/source.js';
import { HEADS, isRef, isRefPart, TAGS } from './names.js';

/** What it takes to look a revision up. */
export interface RevisionSide {
  readonly store: Pick<GitStore, 'refs'>;
  readonly source: ObjectSource;
  /** What HEAD names. */
  readonly head: () => Promise<RefName | Oid>;
}

/** Commits that are looked through for the digits of an id. */
const LOOKED_THROUGH = 200_000;
const STEPS = /(?:\^\{(?:commit)?\}|\^\d*|~\d*)/y;
/** The longest way back that is followed. */
const FAR = 100_000;

/** The commit that a revision names. Throws `NOT_FOUND`, `INPUT_INVALID` for digits that several commits share. */
export async function resolveCommit(side: RevisionSide, rev: string): Promise<Oid> {
  const at = rev.search(/[~^]/);
  const base = at < 0 ? rev : rev.slice(0, at);
  const tip = await baseOf(side, base);
  let commit = tip === null ? null : await peel(side.source, tip);
  if (commit === null || at < 0) return commit ?? unknown(rev);
  STEPS.lastIndex = at;
  let last = at;
  for (let step = STEPS.exec(rev)?.[0]; step !== undefined && commit !== null; step = STEPS.exec(rev)?.[0]) {
    last = STEPS.lastIndex;
    commit = await stepped(side.source, commit, step);
    STEPS.lastIndex = last;
  }
  return commit === null || last < rev.length ? unknown(rev) : commit;
}

async function stepped(source: ObjectSource, commit: Oid, step: string): Promise<Oid | null> {
  if (step.endsWith('}')) return commit;
  const count = step.length === 1 ? 1 : Number(step.slice(1));
  if (step.startsWith('^')) return count === 0 ? commit : ((await source.commit(commit)).parents[count - 1] ?? null);
  if (count > FAR) return null;
  let at: Oid | null = commit;
  for (let i = 0; i < count && at !== null; i++) at = (await source.commit(at)).parents[0] ?? null;
  return at;
}

async function baseOf({ store, source, head }: RevisionSide, base: string): Promise<Oid | null> {
  if (base === 'HEAD' || base === '@' || base === '') {
    if (base === '') return null;
    const named = await head();
    return named.startsWith('refs/') ? ((await store.refs([named])).get(named) ?? null) : named;
  }
  const full = base.length >= 40 && isOid(base, source.format);
  if (full) return (await source.get(base)) === null ? null : base;
  const names = isRef(base) ? [base] : isRefPart(base) ? [TAGS + base, HEADS + base, `refs/${base}`, `refs/remotes/${base}`] : [];
  for (const name of names) {
    const tip = (await store.refs([name])).get(name);
    if (tip !== undefined) return tip;
  }
  return /^[0-9a-f]{7,}$/.test(base) ? byDigits(store, source, base) : null;
}

/** The object that a tag leads to, tag by tag, as long as it is a commit. */
export async function peel(source: ObjectSource, oid: Oid): Promise<Oid | null> {
  let object = await source.get(oid);
  for (let depth = 0; object?.type === 'tag' && depth < 10; depth++) {
    const target = /^object ([0-9a-f]+)\n/.exec(fromAscii(object.body, 0, Math.min(object.body.length, 100)))?.[1];
    object = target === undefined ? null : await source.get(target);
  }
  return object?.type === 'commit' ? object.oid : null;
}

/** The one commit that a ref reaches and whose id begins so. */
async function byDigits(store: Pick<GitStore, 'refs'>, source: ObjectSource, digits: string): Promise<Oid | null> {
  const open: Oid[] = [];
  for (const tip of (await store.refs(['refs/'])).values()) {
    const commit = await peel(source, tip);
    if (commit !== null) open.push(commit);
  }
  const seen = new Set<Oid>(open);
  let found: Oid | null = null;
  for (let oid = open.pop(); oid !== undefined && seen.size < LOOKED_THROUGH; oid = open.pop()) {
    if (oid.startsWith(digits)) {
      if (found !== null && found !== oid)
        throw new KvError('INPUT_INVALID', `'${digits}' begins more than one commit's id`, { hint: 'give more digits' });
      found = oid;
    }
    for (const parent of (await source.commit(oid)).parents) {
      if (seen.has(parent)) continue;
      seen.add(parent);
      open.push(parent);
    }
  }
  return found;
}

function unknown(rev: string): never {
  if (rev === 'HEAD')
    throw new KvError('NOT_FOUND', 'the current branch has no commit yet', { details: { rev }, hint: 'commit something first' });
  throw new KvError('NOT_FOUND', `there is no revision '${shown(rev)}'`, {
    hint: 'name a branch, a tag or a commit',
    details: { rev: shown(rev) },
  });
}
