import type { GitStore } from '../../ports/git/git-store.js';
import type { GitObject, Oid, RefName } from '../../ports/vocabulary.js';
import { type Commit, decodeCommit } from '../git/commit.js';
import { type KeptIntent, parseKeptMessage } from '../ledger/intent/intents-log.js';
import { attempt, type Emit, type Fault } from './fault.js';

/** A commit of the chain that keeps an epoch's intents. */
export interface ChainedIntent extends KeptIntent {
  readonly oid: Oid;
  readonly intent: Oid;
}

/** A ledger commit, and the intent that it names. */
export interface LedgerIntent {
  readonly ledger: Oid;
  readonly intent: Oid;
}

interface ChainRequest {
  readonly ref: RefName;
  /** What is known already; null: the chain is read to its beginning. */
  readonly old: Oid | null;
  readonly next: Oid;
}

/** Reads the chain that keeps intents, oldest first. `REF_FORBIDDEN` where it is none, `ATTESTATION_MISMATCH` for what can't be read. */
export async function readIntentsChain(
  store: Pick<GitStore, 'read' | 'objectFormat'>,
  emit: Emit,
  { ref, old, next }: ChainRequest,
): Promise<ChainedIntent[]> {
  const chain: ChainedIntent[] = [];
  for (let at: Oid | null = next; at !== old; ) {
    const oid: Oid | null = at;
    const object: GitObject | null | undefined = oid === null ? null : (await store.read([oid]))[0];
    if (oid === null || object?.type !== 'commit') {
      emit(
        broken(ref, next, oid === null ? 'does not go on from what is here' : `leads to ${oid}, which is missing or no commit`),
      );
      break;
    }
    const { body } = object;
    const read: Commit | null = attempt(emit, { ref, commit: oid }, (): Commit => decodeCommit(body, oid, store.objectFormat));
    if (read === null) break;
    const [parent, intent]: readonly Oid[] = read.parents;
    if (parent === undefined) {
      if (old !== null) emit(broken(ref, next, 'does not go on from what is here'));
      break; // where the chain begins
    }
    if (intent === undefined || read.parents.length > 2) {
      emit(broken(ref, oid, 'has a commit that keeps no intent'));
      break;
    }
    const kept = attempt(emit, { ref, commit: oid }, () => parseKeptMessage(read.message, oid));
    if (kept !== null) chain.push({ oid, intent, ...kept });
    at = parent;
  }
  return chain.reverse();
}

/** The chain keeps the intents that ledger commits name, in their order, and no others: `ATTESTATION_MISMATCH` otherwise. */
export function checkIntentsChain(
  emit: Emit,
  ref: RefName,
  chain: readonly ChainedIntent[],
  ledgers: readonly LedgerIntent[],
): void {
  const count = Math.max(chain.length, ledgers.length);
  for (let i = 0; i < count; i++) {
    const [kept, wanted] = [chain[i], ledgers[i]];
    if (kept?.ledger === wanted?.ledger && kept?.intent === wanted?.intent) continue;
    const [is, should] = [shown(kept), shown(wanted)];
    emit({
      code: 'ATTESTATION_MISMATCH',
      message: `${ref} keeps ${is} where the ledger has ${should}`,
      subject: { ref, ...(kept === undefined ? {} : { commit: kept.oid }) },
    });
    return;
  }
}

const shown = (one: LedgerIntent | undefined): string =>
  one === undefined ? 'nothing' : `intent ${one.intent} of ${one.ledger}`;

function broken(ref: RefName, commit: Oid, why: string): Fault {
  return { code: 'REF_FORBIDDEN', message: `${ref} ${why}`, subject: { ref, commit } };
}
