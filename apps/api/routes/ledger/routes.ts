import { Readable } from 'node:stream';
import { Type } from 'typebox';
import type { Clone } from '../../ledger/open-ledger.js';
import { answers, closed } from '../../schemas/common.js';
import { type ApiApp, type ApiContext, holderOf } from '../../requests/context.js';
import { checkIfMatch, etag, hasIt } from '../../requests/etag.js';
import { withLedger } from '../../ledger/faults.js';
import { noLedger } from '../../ledger/open-ledger.js';
import {
  At,
  EntryShape,
  entryShape,
  givenValue,
  HistoryShape,
  historyShape,
  KeyParams,
  ListShape,
  listedShape,
  NsParams,
  PutBody,
  ReceiptShape,
  receiptShape,
  TransactionBody,
} from '../../ledger/schemas.js';
import { watchRoute } from './watch.js';

const tags = ['ledger'];
const PAGE = 100;

/** Keys of a Stargate's namespaces: read from a clone of this server's, written as transactions that it signs. */
export function ledgerRoutes(app: ApiApp, context: ApiContext, closing: AbortSignal): void {
  const use = <T>(work: (clone: Clone) => Promise<T>): Promise<T> =>
    withLedger(async () => {
      if (context.ledger === null) throw noLedger();
      return work(await context.ledger.clone());
    });

  app.get(
    '/kv/:ns/keys',
    {
      config: { access: 'kv:read' },
      schema: {
        ...{ summary: 'List keys, in the order of their urlsafe forms', tags, params: NsParams },
        querystring: closed({
          prefix: Type.Optional(Type.String({ maxLength: 512 })),
          after: Type.Optional(Type.String({ maxLength: 512 })),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: `${PAGE} unless told otherwise` })),
          at: Type.Optional(At),
        }),
        response: answers(200, ListShape),
      },
    },
    async ({ params: { ns }, query: { prefix, after, limit = PAGE, at } }) =>
      use(async (clone) => {
        const keys = [];
        for await (const one of clone.list({ ns, prefix, after, at, limit: limit + 1, detail: true }))
          keys.push(listedShape(one));
        const isMore = keys.length > limit;
        const page = keys.slice(0, limit);
        return { ns, keys: page, next: isMore ? (page.at(-1)?.key ?? null) : null };
      }),
  );

  app.get(
    '/kv/:ns/keys/*',
    {
      config: { access: 'kv:read' },
      schema: {
        ...{ summary: 'Read a key: with its facts, or with raw its bytes alone; the ETag is its blob', tags, params: KeyParams },
        querystring: closed({ at: Type.Optional(At), raw: Type.Optional(Type.Boolean()) }),
        response: { ...answers(200, EntryShape), 304: Type.Null() },
      },
    },
    async (request, reply) => {
      const { ns, '*': key } = request.params;
      const { at, raw = false } = request.query;
      return use(async (clone) => {
        const known = { 'Cache-Control': 'private, no-cache' };
        if (!raw) {
          const entry = await clone.get(key, { ns, at });
          reply.headers(known).header('ETag', etag(entry.oid));
          return hasIt(request, entry.oid) ? reply.code(304).send(null) : entryShape(ns, entry);
        }
        const entry = await clone.getStream(key, { ns, at });
        reply.headers(known).header('ETag', etag(entry.oid));
        if (hasIt(request, entry.oid)) return reply.code(304).send(null);
        // What somebody has written is nothing that a browser should run in this server's name.
        reply
          .header('Content-Type', entry.ctype)
          .header('Content-Length', entry.size)
          .header('X-Content-Type-Options', 'nosniff')
          .header('Content-Security-Policy', "sandbox; default-src 'none'");
        return reply.send(Readable.from(entry.body, { objectMode: false }) as never); // a stream has no schema
      });
    },
  );

  app.get(
    '/kv/:ns/history/*',
    {
      config: { access: 'kv:read' },
      schema: {
        ...{ summary: 'The transactions that changed a key, newest first, with who signed them', tags, params: KeyParams },
        querystring: closed({
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
          epochs: Type.Optional(Type.Boolean()),
        }),
        response: answers(200, HistoryShape),
      },
    },
    async ({ params: { ns, '*': key }, query: { limit = PAGE, epochs = false } }) =>
      use(async (clone) => {
        const transactions = [];
        for await (const one of clone.history(key, { ns, limit, epochs })) transactions.push(historyShape(one));
        return { ns, key, transactions };
      }),
  );

  app.put(
    '/kv/:ns/keys/*',
    {
      config: { access: 'kv:write' },
      schema: {
        ...{ summary: 'Set a key; If-Match: its blob, If-None-Match: * for a key that must not exist', tags, params: KeyParams },
        ...{ body: PutBody, response: answers(200, ReceiptShape) },
      },
    },
    async (request) => {
      const { ns, '*': key } = request.params;
      const { message, ...value } = request.body;
      return use(async (clone) => {
        const expect = await expectedOf(clone, ns, key, request);
        const operations = [{ op: 'set' as const, key, ...givenValue(value) }];
        return receiptShape(await clone.transact(operations, { ns, expect, message: inTheNameOf(holderOf(request), message) }));
      });
    },
  );

  app.delete(
    '/kv/:ns/keys/*',
    {
      config: { access: 'kv:write' },
      schema: {
        ...{ summary: 'Delete a key; If-Match: its blob', tags, params: KeyParams, response: answers(200, ReceiptShape) },
      },
    },
    async (request) => {
      const { ns, '*': key } = request.params;
      return use(async (clone) => {
        const expect = await expectedOf(clone, ns, key, request);
        const message = inTheNameOf(holderOf(request));
        if (expect === undefined) return receiptShape(await clone.del(key, { ns, message }));
        return receiptShape(await clone.transact([{ op: 'del', key }], { ns, expect, message }));
      });
    },
  );

  app.post(
    '/kv/:ns/transactions',
    {
      config: { access: 'kv:write' },
      schema: {
        ...{ summary: 'Set and delete keys, all or none', tags, params: NsParams },
        ...{ body: TransactionBody, response: answers(201, ReceiptShape) },
      },
    },
    async (request, reply) => {
      const { ns } = request.params;
      const { operations, expect, message } = request.body;
      const receipt = await use(async (clone) =>
        clone.transact(
          operations.map((one) => (one.op === 'del' ? one : { op: one.op, key: one.key, ...givenValue(one) })),
          { ns, expect, message: inTheNameOf(holderOf(request), message) },
        ),
      );
      return reply.code(201).send(receiptShape(receipt));
    },
  );

  watchRoute(app, use, closing);
}

type Conditional = Parameters<typeof checkIfMatch>[0];

/** What a key must be like for a write, by the request's conditions; undefined: anything. What they say is judged by the Stargate too. */
async function expectedOf(
  clone: Clone,
  ns: string,
  key: string,
  request: Conditional,
): Promise<Record<string, string | null> | undefined> {
  if (request.headers['if-none-match']?.trim() === '*') return { [key]: null };
  const wanted = request.headers['if-match'];
  if (wanted === undefined) return undefined;
  const [, only] = /^\s*"([0-9a-f]{40}(?:[0-9a-f]{24})?)"\s*$/.exec(wanted) ?? [];
  if (only !== undefined) return { [key]: only };
  const { oid } = await clone.get(key, { ns, maxAge: 0, allowExpired: true });
  checkIfMatch(request, oid);
  return { [key]: oid };
}

/** The message of a transaction that this server signs for one of its users, whom its last paragraph names. */
function inTheNameOf({ name, via }: { readonly name: string; readonly via: string }, message = 'written over HTTP'): string {
  return `${message}\n\nOn-Behalf-Of: ${name.replace(/\s/g, ' ')} (${via})`;
}
