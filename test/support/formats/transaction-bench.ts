import { encodeCommit } from '../../../domain/git/commit.js';
import { parseChunksMessage, parseIndexMessage, parseLedgerMessage } from '../../../domain/ledger/transaction/attestation.js';
import { type Base, buildTransaction, type Operation } from '../../../domain/ledger/transaction/transaction.js';
import type { PushedTransaction } from '../../../domain/verify/attestation/pairs.js';
import type { ParentState } from '../../../domain/verify/check-transaction.js';
import type { SignatureVerifier, TrustedKey } from '../../../ports/clone/signer.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { PolicyKey } from '../../../ports/stargate/policy-reader.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { etagOf, KeysBench, TXN } from './keys-bench.js';
import { NOW } from '../memory/memory.js';

/** The state that a namespace's first transaction builds on. */
export const NEW: ParentState = { ledgerTree: null, indexTree: null, chunksTree: null, epoch: null, parentEpoch: null };

/** A person's key as a policy lists it; what they sign bears their name. */
export const keyOf = (name: string): PolicyKey => ({ kind: 'ssh', material: `key of ${name}`, name });

/** How a transaction is made other than it would be. */
export interface Making {
  readonly signature?: string | null;
  readonly txn?: string;
  readonly repository?: string;
  /** The commits that it goes on from. */
  readonly parents?: { readonly ledger: Oid; readonly index: Oid; readonly chunks?: Oid };
}

/** Transactions as clients make them, signed by whoever is named. */
export class TransactionBench extends KeysBench {
  /** The keys that were at hand when a signature was verified, time after time. */
  readonly trusted: (readonly TrustedKey[])[] = [];
  /** Takes a signature for what it says: its signer's name. */
  readonly verifier: SignatureVerifier = {
    verify: async (_, signature, atHand) => {
      this.trusted.push(atHand);
      return { kind: 'ssh', id: `key of ${signature}` };
    },
  };

  set(key: string, value: string, etag = etagOf(value)): Operation {
    return { op: 'set', key, value: new TextEncoder().encode(value), meta: this.meta(value, { etag }) };
  }

  async setChunked(key: string, chunks: readonly string[]): Promise<Operation> {
    return { op: 'set', key, manifest: await this.manifest(key, chunks), meta: this.meta(chunks.join('')) };
  }

  /** A transaction on a state, its objects in the store. */
  async made(operations: readonly Operation[], state: ParentState = NEW, making: Making = {}): Promise<PushedTransaction> {
    const { store, namer } = this;
    const { signature = 'ada', txn = TXN, repository, parents } = making;
    const tip = (tree: Oid | null, commit = 'a'.repeat(40)) => (tree === null ? null : { commit, tree });
    const base: Base = {
      ledger: tip(state.ledgerTree, parents?.ledger),
      index: tip(state.indexTree, parents?.index),
      chunks: tip(state.chunksTree, parents?.chunks),
      ...{ epoch: state.epoch ?? '2026Q1', parentEpoch: state.parentEpoch },
    };
    const named = operations.map((one) => (one.op === 'set' ? { ...one, meta: { ...one.meta, txn } } : one));
    const context = { store, namer, ns: 'main', identity: 'Ada <ada@example.org>', now: NOW, txn };
    const draft = await buildTransaction(repository === undefined ? context : { ...context, repository }, base, named);
    const commit = { ...draft.ledgerCommit, signature };
    const object = namer.object('commit', encodeCommit(commit, 'sha1'));
    await store.write([...draft.objects, object]);
    const read = <T>({ oid, body }: NewObject, tree: Oid, parse: (message: string, oid: Oid) => T) => {
      const text = new TextDecoder().decode(body);
      const message = text.slice(text.indexOf('\n\n') + 2);
      return { oid, commit: { ...draft.ledgerCommit, message, tree }, trailers: parse(message, oid) };
    };
    return {
      ledger: { oid: object.oid, commit, trailers: parseLedgerMessage(commit.message, object.oid) },
      index: read(draft.indexCommit, draft.indexTree, parseIndexMessage),
      chunks: draft.chunksCommit === null ? null : read(draft.chunksCommit, draft.chunksTree as Oid, parseChunksMessage),
    };
  }
}
