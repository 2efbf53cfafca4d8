import type { Oid } from '../../../../ports/vocabulary.js';
import { utf8 } from '../../../git/bytes.js';
import type { Clone } from '../clone.js';

/**
 * What the Stargate has told this clone of its intents. A write in a sequenced namespace brings nothing of the ledger into the clone, so
 * that a read has to know which commits it must not lag behind. Two commands at the same moment may lose one of two commits here, which
 * is no loss: they were ordered at about the same time, and who reads the one reads nearly always the other.
 */
interface OrderedWrites {
  /** The namespace's epoch as it was last heard; null: it has none yet; undefined: nothing was heard. */
  readonly epoch: string | null | undefined;
  /** Ledger commits that this clone was told of and that no read has met yet, oldest first. */
  readonly commits: readonly Oid[];
}

/** Whoever has read none of these reads them all from the Stargate. */
const MOST_COMMITS = 64;
const NOTHING: OrderedWrites = { epoch: undefined, commits: [] };

/** What this clone was told of a namespace. */
export async function orderedWrites(clone: Clone, ns: string): Promise<OrderedWrites> {
  const text = (await clone.cache?.get(nameOf(clone, ns))) ?? '';
  if (text === '') return NOTHING;
  try {
    const { epoch, commits } = JSON.parse(text) as Partial<OrderedWrites>; // written below; a damaged text counts as nothing
    if (!Array.isArray(commits)) return NOTHING;
    return { epoch, commits: commits.filter((each) => typeof each === 'string') };
  } catch {
    return NOTHING;
  }
}

/** Keeps what the Stargate has said; `commit` null where it changed nothing. */
export async function rememberOrdered(
  clone: Clone,
  ns: string,
  { epoch, commit }: { readonly epoch: string | null; readonly commit: Oid | null },
): Promise<void> {
  const before = await orderedWrites(clone, ns);
  if (commit === null && before.epoch === epoch) return;
  const commits = [...before.commits, ...(commit === null ? [] : [commit])].slice(-MOST_COMMITS);
  await keep(clone, ns, { epoch, commits });
}

/** Forgets commits that a read has met. */
export async function forgetOrdered(clone: Clone, ns: string, met: readonly Oid[]): Promise<void> {
  const { epoch, commits } = await orderedWrites(clone, ns);
  const left = commits.filter((commit) => !met.includes(commit));
  if (left.length < commits.length) await keep(clone, ns, { epoch, commits: left });
}

async function keep(clone: Clone, ns: string, writes: OrderedWrites): Promise<void> {
  await clone.cache?.put(nameOf(clone, ns), JSON.stringify(writes));
}

/** A namespace's name may have characters that a kept text's may not. */
function nameOf({ hasher }: Clone, ns: string): string {
  return `ordered-${hasher.hex('sha256', utf8(ns)).slice(0, 32)}`;
}
