import { join } from 'node:path';
import { openGitStore } from '../../adapters/git-cli/open.js';
import { gitSigner } from '../../adapters/signer-git/git-signer.js';
import { encodeCommit } from '../../domain/git/commit.js';
import { type Base, buildTransaction, type Operation } from '../../domain/ledger/transaction/transaction.js';
import { contextOf, NOW } from '../corpus.js';

export interface Built {
  readonly ms: number;
  /** Of those, ms until everything was named, and until the commit was signed. */
  readonly named: number;
  readonly signed: number;
  readonly ledger: string;
  readonly index: string;
}

/** The client's share of an `mset`: opens the store, builds the transaction, signs it, writes the pack durably. */
export async function buildAndWrite(
  folder: string,
  repository: string,
  env: Readonly<Record<string, string>>,
  base: Base,
  operations: readonly Operation[],
): Promise<Built> {
  const config: Readonly<Record<string, string>> = { 'gpg.format': 'ssh', 'user.signingkey': join(folder, 'key') };
  const signer = gitSigner({ config: { get: (key) => config[key] }, env });
  const start = performance.now();
  const store = await openGitStore({ directory: repository, env });
  const context = contextOf(store, NOW);
  const draft = await buildTransaction(context, base, operations);
  const named = performance.now() - start;
  const signature = await signer.sign(encodeCommit(draft.ledgerCommit, store.objectFormat));
  const signed = performance.now() - start;
  const ledger = context.namer.object('commit', encodeCommit({ ...draft.ledgerCommit, signature }, store.objectFormat));
  await store.write([...draft.objects, ledger]);
  const ms = performance.now() - start;
  await store.close();
  return { ms, named, signed, ledger: ledger.oid, index: draft.indexCommit.oid };
}
