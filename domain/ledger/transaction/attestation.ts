import { isAnyOid, type Oid } from '../../../ports/vocabulary.js';
import { isRepositoryId } from '../repository-id.js';
import { fromDash, orDash, readTrailers, trailerFault } from './trailers.js';

export { messageBody, reservedTrailer } from './trailers.js';

/**
 * The trailers that bind a transaction's commits together: in the last paragraph, each exactly once, unfolded.
 * A value of `-` says "none".
 */
export interface LedgerTrailers {
  readonly ns: string;
  readonly txn: string;
  readonly baseTree: Oid | null;
  readonly indexTree: Oid;
  readonly chunksTree: Oid | null;
  readonly epoch: string;
  readonly keysSet: number;
  readonly keysDel: number;
  readonly parentEpoch: string | null;
  /** The last ledger commit of the epoch before; on an epoch's first commit alone. */
  readonly parentLedger: Oid | null;
  /** The repository that the transaction is for; null: it was made before repositories had ids. */
  readonly repository: string | null;
  /** The signed intent that a sequencer made it of; null: its writer made it. */
  readonly intent: Oid | null;
}

/** What an index commit says: the transaction, and the ledger tree that it is the index of. */
export interface IndexTrailers {
  readonly ns: string;
  readonly txn: string;
  readonly ledgerTree: Oid;
}

/** What a chunks commit says: the transaction that brought the chunks. */
export interface ChunksTrailers {
  readonly ns: string;
  readonly txn: string;
}

const LEDGER = [
  'KV-NS',
  'KV-Txn',
  'Base-Tree',
  'KV-Index-Tree',
  'KV-Chunks-Tree',
  'Epoch',
  'Keys-Set',
  'Keys-Del',
  'Parent-Epoch',
] as const;
const INDEX = ['KV-NS', 'KV-Txn', 'KV-Ledger-Tree'] as const;
const CHUNKS = ['KV-NS', 'KV-Txn'] as const;
const OPTIONAL = ['Parent-Ledger', 'KV-Repository', 'KV-Intent'] as const;

/** A ledger commit's message. `subject` is free text, of one or more paragraphs; trailers of ours in it would be refused by the reader. */
export function renderLedgerMessage(subject: string, t: LedgerTrailers): string {
  const lines = [
    `KV-NS: ${t.ns}`,
    `KV-Txn: ${t.txn}`,
    `Base-Tree: ${orDash(t.baseTree)}`,
    `KV-Index-Tree: ${t.indexTree}`,
    `KV-Chunks-Tree: ${orDash(t.chunksTree)}`,
    `Epoch: ${t.epoch}`,
    `Keys-Set: ${t.keysSet}`,
    `Keys-Del: ${t.keysDel}`,
    `Parent-Epoch: ${orDash(t.parentEpoch)}`,
  ];
  if (t.parentLedger !== null) lines.push(`Parent-Ledger: ${t.parentLedger}`);
  if (t.repository !== null) lines.push(`KV-Repository: ${t.repository}`);
  if (t.intent !== null) lines.push(`KV-Intent: ${t.intent}`);
  return `${subject}\n\n${lines.join('\n')}\n`;
}

/** The whole message of an index commit. */
export function renderIndexMessage(t: IndexTrailers): string {
  return `kv-index: ${t.ns}\n\nKV-NS: ${t.ns}\nKV-Txn: ${t.txn}\nKV-Ledger-Tree: ${t.ledgerTree}\n`;
}

/** The whole message of a chunks commit. */
export function renderChunksMessage(t: ChunksTrailers): string {
  return `kv-chunks: ${t.ns}\n\nKV-NS: ${t.ns}\nKV-Txn: ${t.txn}\n`;
}

/** Reads a ledger commit's trailers. Throws `ATTESTATION_MISMATCH` naming the commit and the trailer. */
export function parseLedgerMessage(message: string, commit: Oid): LedgerTrailers {
  const t = readTrailers(message, commit, { required: LEDGER, optional: OPTIONAL });
  return {
    ns: t('KV-NS'),
    txn: t('KV-Txn'),
    baseTree: fromDash(t('Base-Tree')),
    indexTree: t('KV-Index-Tree'),
    chunksTree: fromDash(t('KV-Chunks-Tree')),
    epoch: t('Epoch'),
    keysSet: count(t('Keys-Set'), 'Keys-Set', commit),
    keysDel: count(t('Keys-Del'), 'Keys-Del', commit),
    parentEpoch: fromDash(t('Parent-Epoch')),
    parentLedger: t('Parent-Ledger') === '' ? null : t('Parent-Ledger'),
    repository: repositoryId(t('KV-Repository'), commit),
    intent: intentOf(t('KV-Intent'), commit),
  };
}

/** Reads an index commit's message. Throws `ATTESTATION_MISMATCH` naming the commit and the trailer. */
export function parseIndexMessage(message: string, commit: Oid): IndexTrailers {
  const t = readTrailers(message, commit, { required: INDEX, optional: [] });
  return { ns: t('KV-NS'), txn: t('KV-Txn'), ledgerTree: t('KV-Ledger-Tree') };
}

/** Reads a chunks commit's message. Throws `ATTESTATION_MISMATCH` naming the commit and the trailer. */
export function parseChunksMessage(message: string, commit: Oid): ChunksTrailers {
  const t = readTrailers(message, commit, { required: CHUNKS, optional: [] });
  return { ns: t('KV-NS'), txn: t('KV-Txn') };
}

function count(text: string, name: string, commit: Oid): number {
  if (!/^(0|[1-9]\d{0,9})$/.test(text)) throw trailerFault(commit, `trailer ${name} is no whole number`);
  return Number(text);
}

function repositoryId(text: string, commit: Oid): string | null {
  if (text === '') return null;
  if (!isRepositoryId(text)) throw trailerFault(commit, 'trailer KV-Repository is no repository’s id');
  return text;
}

function intentOf(text: string, commit: Oid): Oid | null {
  if (text === '') return null;
  if (!isAnyOid(text)) throw trailerFault(commit, 'trailer KV-Intent is no object’s id');
  return text;
}
