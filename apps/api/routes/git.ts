import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { concat } from '../../../domain/git/bytes.js';
import { greetPush, receivePack } from '../../../domain/repo/serve/push/receive-pack.js';
import { KeptPacks } from '../../../domain/repo/serve/kept-packs.js';
import type { ServeParts } from '../../../domain/repo/serve/parts.js';
import { greetFetch, uploadPack, type UploadProtocol } from '../../../domain/repo/serve/fetch/upload-pack.js';
import { encodePkt, FLUSH_PKT } from '../../../ports/grammar/git-words/pkt-line.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import { small, unpacked } from '../git/body.js';
import { Turns } from '../git/turns.js';
import { nodeZlib } from '../../node-zlib.js';
import { ApiError, apiErrorOf } from '../problems/errors.js';
import type { Access, ApiApp, ApiContext } from '../requests/context.js';
import { RepoParams } from '../schemas/common.js';

/** What a client may say of what it wants and has, bytes. */
const MOST_ASKED = 16 * 1024 * 1024;
/** Fetches at a time, and that wait: each has a list of the objects that it sends. */
const FETCHES = 64;
const WAITING_FETCHES = 1000;
/** Packs of whole clones are kept in this part of the memory that repositories may take, beside it. */
const KEPT_PACKS = 16;
/** Objects, and refs, of one push. */
const MOST_OBJECTS = 5_000_000;
const MOST_REFS = 10_000;

type Service = 'git-upload-pack' | 'git-receive-pack';

const accessTo = (service: Service): Access => (service === 'git-upload-pack' ? 'repo:read' : 'repo:write');

/** `git clone`, `fetch` and `push` over HTTP (gitprotocol-http, "Smart"), at `/git/<id>.git`. */
export function gitRoutes(app: ApiApp, context: ApiContext): void {
  const { pool, hasher, version, settings } = context;
  const packs = new KeptPacks(settings.maxMemory / KEPT_PACKS);
  const partsOf = (store: GitStore): ServeParts => ({ store, hasher, zlib: nodeZlib, agent: `git-kv-api/${version}`, packs });
  const fetches = new Turns(FETCHES, WAITING_FETCHES);
  const schema = { tags: ['git'], params: RepoParams, response: { 200: Type.Unknown() } };
  app.setErrorHandler(plainError);
  for (const service of ['git-upload-pack', 'git-receive-pack'])
    app.addContentTypeParser(`application/x-${service}-request`, (_request, payload, done) => done(null, payload));

  const Query = Type.Object({ service: Type.Optional(Type.String({ maxLength: 100 })) });
  app.get(
    '/:repo.git/info/refs',
    {
      config: { access: ({ query }) => accessTo(isService(query) ? query.service : 'git-upload-pack'), challenge: 'Basic' },
      schema: { ...schema, summary: 'What a fetch or a push begins with', querystring: Query },
    },
    async (request, reply) => {
      const { params, query } = request;
      if (!isService(query)) throw new ApiError(400, 'INVALID_REQUEST', 'this server speaks to current versions of git alone');
      const { service } = query;
      const greeting = await pool.use(params.repo, (_repository, store) =>
        service === 'git-upload-pack' ? greetFetch(partsOf(store), protocolOf(request)) : greetPush(partsOf(store)),
      );
      const named =
        service === 'git-upload-pack' && protocolOf(request) === 2 ? [] : [encodePkt(`# service=${service}\n`), FLUSH_PKT];
      return reply
        .header('Content-Type', `application/x-${service}-advertisement`)
        .header('Cache-Control', 'no-cache')
        .send(Buffer.from(concat([...named, greeting])));
    },
  );
  app.post(
    '/:repo.git/git-upload-pack',
    {
      config: { access: 'repo:read', challenge: 'Basic' },
      schema: { ...schema, summary: 'A fetch', body: Type.Unknown(), consumes: ['application/x-git-upload-pack-request'] },
    },
    async (request, reply) => {
      const asked = await small(unpacked(bodyOf(request, 'git-upload-pack')), MOST_ASKED);
      await pool.use(request.params.repo, (_repository, store) =>
        fetches.take(() => sent(reply, 'git-upload-pack', uploadPack(partsOf(store), protocolOf(request), asked))),
      );
      return reply;
    },
  );
  app.post(
    '/:repo.git/git-receive-pack',
    {
      config: { access: 'repo:write', challenge: 'Basic' },
      schema: { ...schema, summary: 'A push', body: Type.Unknown(), consumes: ['application/x-git-receive-pack-request'] },
    },
    async (request, reply) => {
      const limits = { maxObjects: MOST_OBJECTS, maxRefs: MOST_REFS };
      const body = unpacked(bodyOf(request, 'git-receive-pack'));
      const report = await pool.use(request.params.repo, (repository, store) =>
        receivePack({ ...partsOf(store), repository, limits }, body),
      );
      return reply
        .header('Content-Type', 'application/x-git-receive-pack-result')
        .header('Cache-Control', 'no-cache')
        .send(Buffer.from(report));
    },
  );
}

function isService(query: { readonly service?: unknown } | unknown): query is { readonly service: Service } {
  const { service } = query as { readonly service?: unknown };
  return service === 'git-upload-pack' || service === 'git-receive-pack';
}

/** What the client asks for in `Git-Protocol`; whatever is not known is protocol v0, which every client speaks. */
function protocolOf({ headers }: Pick<FastifyRequest, 'headers'>): UploadProtocol {
  const said = headers['git-protocol'];
  return typeof said === 'string' && said.split(':').includes('version=2') ? 2 : 0;
}

function bodyOf({ raw, headers }: Pick<FastifyRequest, 'raw' | 'headers'>, service: Service): FastifyRequest['raw'] {
  if (headers['content-type'] !== `application/x-${service}-request`)
    throw new ApiError(415, 'UNSUPPORTED_MEDIA_TYPE', `the body is to be application/x-${service}-request`);
  return raw;
}

/** Sends pieces as they are made; resolves once all of them have gone, or the client has. */
async function sent(reply: FastifyReply, service: Service, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const stream = Readable.from(pieces, { objectMode: false, highWaterMark: 128 * 1024 });
  const closed = once(stream, 'close');
  void reply.header('Content-Type', `application/x-${service}-result`).header('Cache-Control', 'no-cache').send(stream);
  await closed;
}

/** Git shows its user text, and nothing of JSON. */
async function plainError(thrown: unknown, _request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { status, message, headers } = apiErrorOf(thrown);
  return reply
    .code(status)
    .headers(headers)
    .header('Content-Type', 'text/plain; charset=utf-8')
    .header('Cache-Control', 'no-store')
    .send(Buffer.from(`${message}\n`));
}
