import { firstBranch } from '../../../domain/gateway/mirror/branches/first-branch.js';
import { cannotRewind, probeMirror } from '../../../domain/gateway/mirror/probe.js';
import { ObjectNamer } from '../../../domain/git/object.js';
import type { Composition } from '../../../plugins/host/index.js';
import type { Clock } from '../../../ports/clock.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { MirrorTarget } from '../../../ports/stargate/mirror-target.js';
import type { RefUpdate } from '../../../ports/vocabulary.js';

/** What a reader of the mirror's default branch finds, where nobody has put anything else. */
const README = `# Ledgers of git-kv

This repository holds keys and values. They are not on this branch, but in refs of their own (\`refs/kv/*\`), which a Stargate writes;
each change is a signed commit. In a clone of this repository:

    git kv remote setup     # once
    git kv list
    git kv get KEY

This branch is an ordinary one: put here what you like.
`;

/** What a new Stargate has done at the mirror, and what it found. */
export interface MirrorGreeting {
  /** The branch that was begun; null where there was one, or none was wanted. */
  readonly branch: string | null;
  /** What the mirror does not take; empty: all is well. */
  readonly warnings: readonly KvError[];
}

/**
 * Begins the branch, if one is named, here and at the mirror, and tries what the mirror takes; throws nothing for what it does not. A
 * mirror that is a plugin's (`reached` is false) is left to the daemon.
 */
export async function greetMirror(composition: Composition, branch: string | null, reached: boolean): Promise<MirrorGreeting> {
  const store = await composition.get<GitStore>('git-store');
  const namer = new ObjectNamer(await composition.get<Hasher>('hasher'), store.objectFormat);
  const warnings: KvError[] = [];
  let move: RefUpdate | null = null;
  if (branch !== null) {
    move = await firstBranch(store, namer, await composition.get<Clock>('clock'), { name: branch, readme: README });
    await store.updateRefs([move], 'init');
  }
  if (!reached) return { branch, warnings };
  const target = await composition.get<MirrorTarget>('mirror-target');
  if (move !== null) {
    await target.push([move]).catch((error: unknown) => warnings.push(toKvError(error)));
  }
  warnings.push(...(await rulesOf({ store, namer, target })));
  return { branch, warnings };
}

/** What a mirror does not take of what a Stargate needs, in words for an operator; empty: all is well. */
export async function rulesOf(context: Parameters<typeof probeMirror>[0]): Promise<readonly KvError[]> {
  const { label } = context.target;
  try {
    const { creates, rewinds, deletes } = await probeMirror(context);
    if (creates !== null) return [creates];
    const found = rewinds === null ? [] : [cannotRewind(label, rewinds)];
    if (deletes === null) return found;
    const hint = 'let the Stargate delete refs/kv* there: a compaction of old epochs does';
    return [...found, new KvError('CONFIG_INVALID', `the mirror ${label} lets no ref be deleted`, { cause: deletes, hint })];
  } catch (error) {
    return [toKvError(error)]; // it can't be reached, or somebody else tries the same now
  }
}
