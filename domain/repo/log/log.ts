import type { Oid } from '../../../ports/vocabulary.js';
import type { CommitFacts } from '../objects/commit-object.js';
import { toBytePath } from '../objects/paths.js';
import type { ObjectSource } from '../objects/source.js';
import type { CommitInfo, Log, LogQuery } from '../types.js';
import { walkCommits } from './walk.js';

/** Commits that are counted at most. */
const COUNTED = 100_000;
const A_PAGE = 100;

/** How many commits a tip reaches, for tips that were counted: a log on top of one needs no second walk. */
export type Counts = Map<Oid, number>;

/** The commits that a query asks for, from these tips back. */
export async function logOf(
  source: ObjectSource,
  tips: readonly Oid[],
  query: Omit<LogQuery, 'from' | 'exclude'> & { readonly excluded?: readonly Oid[] },
  counts?: Counts,
): Promise<Log> {
  const { skip = 0, limit = A_PAGE, paths, firstParent, excluded } = query;
  const matches = matcher(query);
  const isTimed = query.since !== undefined || query.until !== undefined;
  const isAll = matches === null && paths === undefined && !isTimed;
  const isPlain = isAll && firstParent !== true && (excluded?.length ?? 0) === 0 && tips.length === 1;
  const [tip] = tips;
  const known = isPlain && counts !== undefined && tip !== undefined ? await knownCount(source, tip, counts) : null;
  const walk = walkCommits(source, tips, {
    ...(excluded === undefined ? {} : { exclude: excluded }),
    ...(paths === undefined ? {} : { paths: paths.map(toBytePath) }),
    ...(firstParent === undefined ? {} : { firstParent }),
  });
  const commits: CommitInfo[] = [];
  let total = 0;
  for await (const facts of walk) {
    if (!(await isWanted(source, facts, query, matches))) continue;
    if (total >= skip && commits.length < limit) commits.push(await source.commitInfo(facts.oid));
    total++;
    if (total >= COUNTED || (known !== null && commits.length >= limit)) break;
  }
  if (known === null && isPlain && tip !== undefined && total < COUNTED) counts?.set(tip, total);
  return { commits, total: known ?? total };
}

/** Commits between a tip and one that was counted. */
const CLOSE = 64;

/** The count of a tip that was counted, or stands in a line above one that was. */
async function knownCount(source: ObjectSource, tip: Oid, counts: Counts): Promise<number | null> {
  let at = tip;
  for (let above = 0; above < CLOSE; above++) {
    const known = counts.get(at);
    if (known !== undefined) {
      if (above > 0) {
        counts.delete(at);
        counts.set(tip, known + above);
      }
      return Math.min(COUNTED, known + above);
    }
    const { parents } = await source.commit(at);
    if (parents.length !== 1) return null;
    at = parents[0] as Oid;
  }
  return null;
}

type Matcher = (commit: CommitInfo) => boolean;

function matcher({ author, message }: LogQuery): Matcher | null {
  if (author === undefined && message === undefined) return null;
  const [who, what] = [author?.toLowerCase(), message?.toLowerCase()];
  return (commit) => {
    if (who !== undefined && !`${commit.author.name} <${commit.author.email}>`.toLowerCase().includes(who)) return false;
    return what === undefined || commit.message.toLowerCase().includes(what);
  };
}

async function isWanted(source: ObjectSource, facts: CommitFacts, query: LogQuery, matches: Matcher | null): Promise<boolean> {
  if (query.since !== undefined && facts.time < query.since) return false;
  if (query.until !== undefined && facts.time > query.until) return false;
  return matches === null || matches(await source.commitInfo(facts.oid));
}
