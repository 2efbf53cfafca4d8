import type { Oid } from '../../../ports/vocabulary.js';
import { quoteKey } from '../../ledger/value/key.js';
import type { Ordered } from '../../git/wire/intent-frames.js';
import type { Base, Draft } from '../../ledger/transaction/transaction.js';
import { foreignTipText } from '../clone/foreign-tip.js';
import type { Tip } from '../clone/tips.js';
import type { ChunkReport } from './value/chunk-value.js';
import type { Target } from './linear/land.js';
import type { Prepared } from './linear/prepare.js';
import { lostUnsaid } from './value/prior-ttl.js';
import type { WriteRequest } from './request.js';

/** What a write did, or would do on a dry run. */
export interface Receipt {
  readonly ns: string;
  /** Null when nothing was changed, or on a dry run. */
  readonly commit: Oid | null;
  readonly txn: string | null;
  readonly epoch: string;
  /** The ledger's root tree afterwards: what the next `--expect-tree` takes. Null on a dry run: a write has another time and transaction. */
  readonly tree: Oid | null;
  readonly set: readonly string[];
  readonly del: readonly string[];
  readonly unchanged: readonly string[];
  /** Keys that had a TTL and have none now, though nobody said that they should lose it. */
  readonly lostTtl: readonly string[];
  /** Bytes of the values set. */
  readonly bytes: number;
  /** What became of the values that were too large to be stored inline. */
  readonly chunked: readonly ChunkReport[];
  /** Races lost before the write landed. */
  readonly retries: number;
  readonly landed: Target | 'reality' | 'nowhere';
  readonly warnings: readonly string[];
}

/** What came of the attempt that counted. */
export interface WriteOutcome {
  readonly request: WriteRequest;
  readonly prepared: Prepared;
  readonly draft: Draft;
  readonly tip: Tip | null;
  readonly base: Base;
  readonly retries: number;
}

/** What came of an intent. */
export interface OrderedOutcome {
  readonly request: WriteRequest;
  readonly prepared: Prepared;
  readonly ordered: Ordered;
  readonly retries: number;
}

/** What a caller is told of an intent that the Stargate has ordered. */
export function orderedReceipt({ request, prepared, ordered, retries }: OrderedOutcome, warnings: readonly string[]): Receipt {
  const { ns, commit, txn, epoch, tree, unchanged, lostTtl } = ordered;
  const same = new Set(unchanged);
  const changed = prepared.operations.filter(({ key }) => !same.has(key));
  const sets = changed.flatMap((one) => (one.op === 'set' ? [one] : []));
  return {
    ...{ ns, commit, txn: commit === null ? null : txn, epoch, tree, unchanged, retries },
    set: sets.map(({ key }) => key),
    del: changed.filter(({ op }) => op === 'del').map(({ key }) => key),
    lostTtl: lostUnsaid(prepared.operations, lostTtl),
    bytes: sets.reduce((sum, { value }) => sum + (value instanceof Uint8Array ? value.length : value.totalSize), 0),
    chunked: prepared.chunked,
    landed: commit === null ? 'nowhere' : 'stargate',
    warnings: [...warnings, ...nothingToDelete(request, unchanged)],
  };
}

/** A warning for each key that was to be deleted and was not there. */
function nothingToDelete({ operations }: WriteRequest, unchanged: readonly string[]): string[] {
  if (unchanged.length === 0) return [];
  const deletions = new Set(operations.filter(({ op }) => op === 'del').map(({ key }) => key));
  return unchanged.filter((key) => deletions.has(key)).map((key) => `key ${quoteKey(key)} is not there: nothing to delete`);
}

/** What a caller is told; `commit` is null where nothing was pushed. */
export function receipt(
  outcome: WriteOutcome,
  commit: Oid | null,
  landed: Receipt['landed'],
  warnings: readonly string[],
): Receipt {
  const { request, prepared, draft, tip, base, retries } = outcome;
  const { set, del, unchanged, bytes, ledgerCommit } = draft;
  return {
    ns: request.ns,
    commit,
    txn: commit === null ? null : draft.txn,
    epoch: base.epoch,
    tree: request.dryRun === true ? null : set.length + del.length > 0 ? ledgerCommit.tree : (tip?.commit.tree ?? null),
    ...{ set, del, unchanged, bytes, retries, landed },
    lostTtl: lostUnsaid(prepared.operations, draft.lostTtl),
    chunked: prepared.chunked,
    warnings: [
      ...warnings,
      ...nothingToDelete(request, unchanged),
      ...(tip?.passedOver === undefined ? [] : [`${foreignTipText(tip.passedOver)}; tell its operator`]),
    ],
  };
}
