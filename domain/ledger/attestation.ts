import { KvError } from '../../ports/error.js';
import type { Oid } from '../../ports/vocabulary.js';
import { isRepositoryId } from './repository-id.js';

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
const OPTIONAL = ['Parent-Ledger', 'KV-Repository'] as const;
const RESERVED = new Set<string>([...LEDGER, ...INDEX, ...OPTIONAL].map((name) => name.toLowerCase()));

const orDash = (value: string | null): string => value ?? '-';
const fromDash = (value: string): string | null => (value === '-' ? null : value);

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
  const t = readTrailers(message, commit, LEDGER, OPTIONAL);
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
  };
}

/** Reads an index commit's message. Throws `ATTESTATION_MISMATCH` naming the commit and the trailer. */
export function parseIndexMessage(message: string, commit: Oid): IndexTrailers {
  const t = readTrailers(message, commit, INDEX, []);
  return { ns: t('KV-NS'), txn: t('KV-Txn'), ledgerTree: t('KV-Ledger-Tree') };
}

/** Reads a chunks commit's message. Throws `ATTESTATION_MISMATCH` naming the commit and the trailer. */
export function parseChunksMessage(message: string, commit: Oid): ChunksTrailers {
  const t = readTrailers(message, commit, CHUNKS, []);
  return { ns: t('KV-NS'), txn: t('KV-Txn') };
}

type Trailers = (name: string) => string;

function readTrailers(message: string, commit: Oid, required: readonly string[], optional: readonly string[]): Trailers {
  const paragraphs = message.replace(/\n$/, '').split('\n\n');
  const last = paragraphs.pop() ?? '';
  for (const line of paragraphs.join('\n').split('\n')) {
    const name = trailerName(line);
    if (name !== undefined && RESERVED.has(name.toLowerCase()))
      throw mismatch(commit, `trailer ${name} stands outside the last paragraph`);
  }
  const values = new Map<string, string>();
  for (const line of last.split('\n')) {
    if (/^\s/.test(line)) throw mismatch(commit, 'a trailer is folded over two lines');
    const name = trailerName(line);
    if (name === undefined) throw mismatch(commit, 'the last paragraph has a line that is no trailer');
    const known = [...required, ...optional].includes(name);
    if (!known && RESERVED.has(name.toLowerCase())) throw mismatch(commit, `trailer ${name} does not belong here`);
    if (!known) continue; // Signed-off-by and the like are the writer's own
    if (values.has(name)) throw mismatch(commit, `trailer ${name} stands there twice`);
    values.set(name, line.slice(name.length + 2));
  }
  const missing = required.find((name) => !values.has(name));
  if (missing !== undefined) throw mismatch(commit, `trailer ${missing} is missing`);
  return (name) => values.get(name) ?? '';
}

/** The first line of a text that would stand in a message as a trailer of ours, by its name; undefined when none would. */
export function reservedTrailer(text: string): string | undefined {
  return text
    .split('\n')
    .map(trailerName)
    .find((name) => name !== undefined && RESERVED.has(name.toLowerCase()));
}

/** What a writer wrote below the first line, without the last paragraph, which has the trailers. */
export function messageBody(message: string): string {
  return message.replace(/\n$/, '').split('\n\n').slice(0, -1).join('\n\n').split('\n').slice(1).join('\n').trim();
}

/** The name of a `Name: value` line. */
function trailerName(line: string): string | undefined {
  return /^([A-Za-z][A-Za-z0-9-]*): \S/.exec(line)?.[1];
}

function count(text: string, name: string, commit: Oid): number {
  if (!/^(0|[1-9]\d{0,9})$/.test(text)) throw mismatch(commit, `trailer ${name} is no whole number`);
  return Number(text);
}

function repositoryId(text: string, commit: Oid): string | null {
  if (text === '') return null;
  if (!isRepositoryId(text)) throw mismatch(commit, 'trailer KV-Repository is no repository’s id');
  return text;
}

function mismatch(commit: Oid, what: string): KvError {
  return new KvError('ATTESTATION_MISMATCH', `commit ${commit}: ${what}`, {
    hint: 'write through a client of git-kv, which adds the trailers of docs/FORMAT.md',
    advice: { id: 'write-attested' },
  });
}
