import { type Static, Type } from 'typebox';
import type { Entry, HistoryEntry, ListedKey, Receipt } from '../../sdk/index.js';
import { closed, TextOrNull } from '../schemas/common.js';

/** Which namespace. */
export const NsParams = Type.Object({ ns: Type.String({ maxLength: 100 }) });

/** Which namespace, and the key: the rest of the path, percent-encoded. */
export const KeyParams = Type.Object({ ns: Type.String({ maxLength: 100 }), '*': Type.String({ maxLength: 2000 }) });

/** A commit, a time or a transaction. */
export const At = Type.String({
  minLength: 1,
  maxLength: 100,
  description: 'a ledger commit, a time (ISO 8601, 2h ago) or a transaction',
});

const FACTS = {
  ...{ key: Type.String(), size: Type.Integer(), ctype: Type.String(), ttl: TextOrNull, expired: Type.Boolean() },
  ...{ created_at: Type.String(), created_by: Type.String(), txn: Type.String(), oid: Type.String() },
};

/** A key and its value. */
export const EntryShape = Type.Object({
  ...FACTS,
  ...{ ns: Type.String(), commit: Type.String(), epoch: Type.String(), etag: Type.String() },
  ...{ value: Type.String(), encoding: Type.Union([Type.Literal('utf-8'), Type.Literal('base64')]) },
});

/** The same, of what was read. */
export function entryShape(ns: string, entry: Entry): Static<typeof EntryShape> {
  const { key, size, ctype, ttl, expired, createdAt, createdBy, txn, oid, commit, epoch, etag, value } = entry;
  let [text, encoding]: [string, 'utf-8' | 'base64'] = ['', 'base64'];
  try {
    [text, encoding] = [new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value), 'utf-8'];
  } catch {
    text = Buffer.from(value).toString('base64');
  }
  const facts = { key, size, ctype, ttl, expired, created_at: createdAt, created_by: createdBy, txn, oid };
  return { ...facts, ns, commit, epoch, etag, value: text, encoding };
}

/** Keys, a page of them. */
export const ListShape = Type.Object({
  ns: Type.String(),
  keys: Type.Array(Type.Object(FACTS)),
  next: Type.Union([Type.String(), Type.Null()], { description: 'what `after` must be for the next page; null at the end' }),
});

/** A key of a page. */
export function listedShape({ key, detail }: ListedKey): Static<typeof ListShape>['keys'][number] {
  if (detail === undefined) throw new Error('a page is listed with details');
  const { size, ctype, ttl, expired, createdAt, createdBy, txn, oid } = detail;
  return { key, size, ctype, ttl, expired, created_at: createdAt, created_by: createdBy, txn, oid };
}

/** What became of a key. */
export const HistoryShape = Type.Object({
  ...{ ns: Type.String(), key: Type.String() },
  transactions: Type.Array(
    Type.Object({
      ...{ commit: Type.String(), txn: Type.String(), epoch: Type.String(), time: Type.String(), received: TextOrNull },
      ...{ op: Type.String(), size: Type.Union([Type.Integer(), Type.Null()]), oid: TextOrNull },
      ...{ by: Type.String(), source: Type.String(), author: Type.String(), subject: Type.String(), body: Type.String() },
    }),
  ),
});

/** One transaction of it. */
export function historyShape(entry: HistoryEntry): Static<typeof HistoryShape>['transactions'][number] {
  const { commit, txn, epoch, time, received, op, size, oid, by, source, author, subject, body } = entry;
  return { commit, txn, epoch, time, received, op, size, oid, by, source, author, subject, body };
}

const VALUE = {
  value: Type.String(),
  encoding: Type.Optional(Type.Union([Type.Literal('utf-8'), Type.Literal('base64')])),
  ctype: Type.Optional(Type.String({ maxLength: 200 })),
  ttl: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 * 366 * 24 * 3600, description: 'seconds from now on' })),
};
const Message = Type.Optional(Type.String({ minLength: 1, maxLength: 10_000 }));

/** A value to be set. */
export const PutBody = closed({ ...VALUE, message: Message });

/** Operations that land all or none. */
export const TransactionBody = closed({
  operations: Type.Array(
    Type.Union([
      closed({ op: Type.Literal('set'), key: Type.String({ minLength: 1, maxLength: 600 }), ...VALUE }),
      closed({ op: Type.Literal('del'), key: Type.String({ minLength: 1, maxLength: 600 }) }),
    ]),
    { minItems: 1, maxItems: 10_000 },
  ),
  expect: Type.Optional(Type.Record(Type.String(), TextOrNull, { description: 'the blobs that keys must have; null: none' })),
  message: Message,
});

/** What a write did. */
export const ReceiptShape = Type.Object({
  ...{ ns: Type.String(), commit: TextOrNull, txn: TextOrNull, epoch: Type.String(), tree: TextOrNull },
  ...{ set: Type.Array(Type.String()), del: Type.Array(Type.String()), unchanged: Type.Array(Type.String()) },
  warnings: Type.Array(Type.String()),
});

/** The same, of a receipt. */
export function receiptShape({
  ns,
  commit,
  txn,
  epoch,
  tree,
  set,
  del,
  unchanged,
  warnings,
}: Receipt): Static<typeof ReceiptShape> {
  return { ns, commit, txn, epoch, tree, set: [...set], del: [...del], unchanged: [...unchanged], warnings: [...warnings] };
}

/** What a value is said to be, as the SDK takes it. */
export function givenValue({
  value,
  encoding,
  ctype,
  ttl,
}: Pick<Static<typeof PutBody>, 'value' | 'encoding' | 'ctype' | 'ttl'>) {
  return {
    value: encoding === 'base64' ? Buffer.from(value, 'base64') : value,
    ctype: ctype ?? (encoding === 'base64' ? 'application/octet-stream' : 'text/plain; charset=utf-8'),
    ...(ttl === undefined ? {} : { ttl: ttl * 1000 }),
  };
}
