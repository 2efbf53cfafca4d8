import { createHash } from 'node:crypto';
import type { ApiApp, ApiContext } from './context.js';
import { ApiError } from '../problems/errors.js';

/** Answers with a key, a token or a secret in them. */
const HAS_SECRETS = /^\/api\/v1\/auth\/|\/webhooks\/?(?:\?|$)/;

interface Kept {
  readonly fingerprint: string;
  readonly at: number;
  answer: { readonly status: number; readonly type: string; readonly etag: string | undefined; readonly body: string } | null;
}

const DAY = 24 * 3_600_000;
const MOST = 10_000;
/** A larger answer is not kept, and its request not repeated: the key is refused then. */
const LARGEST = 64 * 1024;

/** Answers a POST that comes again with its `Idempotency-Key` as it was answered before; for a day, and for the newest ten thousand. */
export function idempotent(app: ApiApp, { clock }: Pick<ApiContext, 'clock'>): void {
  const kept = new Map<string, Kept>();
  const entryOf = new WeakMap<object, string>();
  app.addHook('preHandler', async (request, reply) => {
    const key = request.headers['idempotency-key'];
    // What has secrets in its answer is not kept.
    if (request.method !== 'POST' || key === undefined || HAS_SECRETS.test(request.url)) return undefined;
    // A pack or a bundle, which comes as a stream: sent twice, it changes nothing the second time.
    if (typeof (request.body as { readonly pipe?: unknown } | null | undefined)?.pipe === 'function') return undefined;
    if (typeof key !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(key))
      throw new ApiError(400, 'INVALID_REQUEST', 'an Idempotency-Key is up to 200 printable characters');
    const name = `${request.holder?.user?.id ?? request.ip}\n${key}`;
    const fingerprint = createHash('sha256')
      .update(`${request.url}\n${JSON.stringify(request.body) ?? ''}`)
      .digest('hex');
    const before = kept.get(name);
    if (before === undefined || before.at < clock.now() - DAY) {
      kept.delete(name);
      if (kept.size >= MOST) kept.delete(kept.keys().next().value ?? '');
      kept.set(name, { fingerprint, at: clock.now(), answer: null });
      entryOf.set(request, name);
      return undefined;
    }
    if (before.fingerprint !== fingerprint)
      throw new ApiError(422, 'IDEMPOTENCY_KEY_REUSED', 'this Idempotency-Key was used for another request');
    if (before.answer === null)
      throw new ApiError(409, 'CONFLICT', 'the first request with this Idempotency-Key is not answered yet');
    const { status, type, etag, body } = before.answer;
    if (etag !== undefined) reply.header('ETag', etag);
    return reply.code(status).header('Content-Type', type).header('Idempotent-Replayed', 'true').send(Buffer.from(body));
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const name = entryOf.get(request);
    const entry = name === undefined ? undefined : kept.get(name);
    if (name === undefined || entry === undefined) return payload;
    entryOf.delete(request);
    // What was refused may be tried again, with the same key.
    if (reply.statusCode >= 400 || typeof payload !== 'string' || payload.length > LARGEST) kept.delete(name);
    else {
      const [type, etag] = [reply.getHeader('content-type'), reply.getHeader('etag')];
      entry.answer = {
        status: reply.statusCode,
        type: String(type),
        etag: etag === undefined ? undefined : String(etag),
        body: payload,
      };
    }
    return payload;
  });
}
