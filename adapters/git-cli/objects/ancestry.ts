import { commitParents } from '../../../ports/grammar/git-words/object-links.js';
import type { ObjectHeader, Oid } from '../../../ports/vocabulary.js';
import { type GitPlace, gitFailed } from '../process/run-git.js';
import { mergeBaseIsAncestor } from './history.js';
import type { ObjectReader } from './object-reader.js';

/** A process costs as much as this many questions to one that runs. */
const FEW_STEPS = 32;

/** A commit that has more would cost this process its memory: git is asked, which takes it in its own. Bytes. */
const FEW_BYTES = 1024 ** 2;

/** Whether a commit reaches another, as `GitStore.isAncestor` has it. Where one isn't here, nothing is fetched. */
export async function isAncestor(reader: ObjectReader, place: GitPlace, ancestor: Oid, descendant: Oid): Promise<boolean> {
  const isHere = async (): Promise<boolean> => (await reader.headers([ancestor]))[0]?.type === 'commit';
  const [header] = await reader.headers([descendant]);
  if (header?.type !== 'commit') return false;
  // The usual question, on every push: one commit a few steps above the other. It needs no process.
  if (await isJustAbove(reader, ancestor, header)) return isHere();
  // git would ask the remote of a partial clone for it.
  if (!(await isHere())) return false;
  const answer = await mergeBaseIsAncestor(place, ancestor, descendant);
  if (answer !== null) return answer;
  throw gitFailed(`cannot walk from ${descendant} to ${ancestor}`, '');
}

/** Whether a commit is another, or is reached from it by first parents within a few steps. */
async function isJustAbove(reader: ObjectReader, ancestor: Oid, from: ObjectHeader): Promise<boolean> {
  let header: ObjectHeader | null | undefined = from;
  for (let step = 0; step < FEW_STEPS && header?.type === 'commit' && header.size <= FEW_BYTES; step++) {
    const [commit] = await reader.read([header.oid]);
    if (commit?.type !== 'commit') return false;
    const parents = commitParents(commit);
    if (commit.oid === ancestor || parents.includes(ancestor)) return true;
    const [first] = parents;
    if (first === undefined) return false;
    [header] = await reader.headers([first]);
  }
  return false;
}
