import type { Oid } from '../../../ports/vocabulary.js';
import { decodeLoose } from '../../git/bytes.js';
import { fileAt } from '../commit/changes.js';
import { splitLines } from '../diff/lines.js';
import { toBytePath } from '../objects/paths.js';
import type { ObjectSource } from '../objects/source.js';
import { entryAt } from '../objects/trees.js';
import type { BlamedLine, CommitInfo } from '../types.js';
import { blameLines } from './blame.js';

/** The lines of a file of a commit, each with the commit that it is from. Throws `NOT_FOUND` for what is no file. */
export async function blameFile(source: ObjectSource, tip: Oid, path: string): Promise<BlamedLine[]> {
  const at = toBytePath(path);
  const file = await fileAt(source, at, await entryAt(source, (await source.commit(tip)).tree, at));
  const origins = await blameLines(source, tip, at, file);
  const commits = new Map<Oid, CommitInfo>();
  for (const { commit } of origins) if (!commits.has(commit)) commits.set(commit, await source.commitInfo(commit));
  const lines = splitLines(decodeLoose(file.content));
  return origins.map(({ commit, line }, i) => ({
    number: i + 1,
    content: (lines[i] ?? '').replace(/\n$/, ''),
    commit: commits.get(commit) as CommitInfo, // every origin's was read above
    origin: line + 1,
  }));
}
