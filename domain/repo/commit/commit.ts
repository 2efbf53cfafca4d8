import { KvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import type { Core, Land } from '../core.js';
import { cleanMessage, encodePlainCommit } from '../objects/commit-object.js';
import { signatureOf } from '../objects/idents.js';
import { shortName } from '../refs/names.js';
import type { Pending } from '../staging/pending.js';
import type { Overlay } from '../staging/overlay.js';
import type { CommitInfo, CommitRequest, Signature } from '../types.js';
import { candidateOf } from './changes.js';

/** A commit that is to be made. */
export interface NewCommit {
  readonly tree: Oid;
  /** The tree of the first parent. */
  readonly before: Oid | null;
  readonly parents: readonly Oid[];
  /** What the store hasn't got of the tree. */
  readonly objects: readonly NewObject[];
}

/** The message and the people of a request. Throws `INPUT_INVALID`. */
export function wordsOf(core: Core, request: Omit<CommitRequest, 'expect' | 'allowEmpty'>): Words {
  const { message, verbatim } = request;
  if (message.length > core.limits.messageBytes)
    throw new KvError('POLICY_VIOLATION', `a message has more than ${core.limits.messageBytes} characters`);
  if (message.includes('\0')) throw new KvError('INPUT_INVALID', 'a message holds a NUL');
  const text = verbatim === true ? message : cleanMessage(message);
  if (text === '') throw new KvError('INPUT_INVALID', 'a commit needs a message', { details: { reason: 'empty-message' } });
  const now = core.now();
  const author = signatureOf(request.author, now);
  return { message: text, author, committer: request.committer === undefined ? author : signatureOf(request.committer, now) };
}

/** What a commit says besides its tree. */
export interface Words {
  readonly message: string;
  readonly author: Signature;
  readonly committer: Signature;
}

/** A commit object that isn't stored yet, with what is known of it. */
export interface MadeCommit {
  readonly object: NewObject;
  readonly info: CommitInfo;
}

/** Makes the commit object, unless a check refuses it; at once where there is none to wait for. */
export function makeCommit(core: Core, ref: RefName | null, commit: NewCommit, words: Words): MadeCommit | Promise<MadeCommit> {
  const checks = core.parts.beforeCommit ?? [];
  if (checks.length === 0) return madeCommit(core, commit, words);
  return checked(core, ref, commit, words, checks).then(() => madeCommit(core, commit, words));
}

async function checked(
  core: Core,
  ref: RefName | null,
  { tree, before, parents, objects }: NewCommit,
  { message, author }: Words,
  checks: NonNullable<Core['parts']['beforeCommit']>,
): Promise<void> {
  const source = core.source.behind(new Map(objects.map((object) => [object.oid, object])));
  const candidate = await candidateOf(source, { ref, parents, message, author }, before, tree);
  for (const check of checks) await check(candidate);
}

function madeCommit(core: Core, { tree, parents }: NewCommit, words: Words): MadeCommit {
  const { message, author, committer } = words;
  const object = core.namer.object('commit', encodePlainCommit({ tree, parents, author, committer, message }));
  return { object, info: { oid: object.oid, tree, parents, author, committer, message, signed: false } };
}

/** Throws `CAS_CONFLICT` where a branch is not where the caller expects it. */
export function checkExpected(ref: RefName | null, tip: Oid | null, expect: Oid | null | undefined): void {
  if (expect === undefined || expect === tip) return;
  throw new KvError('CAS_CONFLICT', `'${ref === null ? 'HEAD' : shortName(ref)}' has moved`, {
    hint: 'read the newest state and try again',
    details: { ref, expected: expect, actual: tip },
  });
}

/** Commits what an overlay holds on top of a tip, and moves the ref there; null is a HEAD that names a commit. */
export async function commitOverlay(
  core: Core,
  land: Land,
  {
    ref,
    tip,
    overlay,
    pending,
  }: { readonly ref: RefName | null; readonly tip: Oid | null; readonly overlay: Overlay; readonly pending: Pending },
  request: CommitRequest,
): Promise<CommitInfo> {
  checkExpected(ref, tip, request.expect);
  if (overlay.edits.size === 0 && request.allowEmpty !== true) throw nothingToCommit();
  const words = wordsOf(core, request);
  const objects: NewObject[] = [];
  for (const entry of overlay.edits.entries()) {
    const blob = entry === null ? undefined : pending.get(entry.oid);
    if (blob !== undefined) objects.push(blob);
  }
  // What is in memory is there at once: a promise for each step would cost as much as the steps.
  const sealed = overlay.tree(objects);
  const tree = sealed instanceof Promise ? await sealed : sealed;
  if (tree === overlay.base && request.allowEmpty !== true) throw nothingToCommit();
  const parents = tip === null ? [] : [tip];
  const made = makeCommit(core, ref, { tree, before: overlay.base, parents, objects }, words);
  const { object, info } = made instanceof Promise ? await made : made;
  objects.push(object);
  const landing = pending.handOver(() => land(objects, ref === null ? [] : [{ ref, old: tip, next: object.oid }], 'commit'));
  if (landing instanceof Promise) await landing;
  core.source.know({ oid: object.oid, tree, parents, time: words.committer.time });
  if (ref === null) await core.setHead(object.oid);
  return info;
}

/** The error of a commit that would change nothing. */
export function nothingToCommit(): KvError {
  return new KvError('INPUT_INVALID', 'there is nothing to commit', {
    hint: 'change a file first, or allow an empty commit',
    details: { reason: 'nothing-to-commit' },
  });
}
