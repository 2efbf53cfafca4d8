import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { principal } from '../../../domain/access/principal.js';
import { KvError, toKvError } from '../../../ports/error.js';
import { encodePkt, FLUSH_PKT } from '../../../ports/grammar/git-words/pkt-line.js';
import { parseRepositoryPath, type RepositoryName } from '../../../ports/grammar/repository-name.js';
import { parseRejection } from '../../../ports/rejection.js';
import type { Limits } from '../../../ports/stargate/limits.js';
import type { Mount } from '../../http/mount.js';
import { problemOf } from '../../http/problem.js';
import type { ServeExec } from '../exec-session.js';
import type { Visit } from '../root/open-repositories.js';
import type { ServedRepository } from '../serving/served-repository.js';
import { type ApiAccess, apiAuthentication } from './api-access.js';

interface GitSources {
  /** Where a repository lies; null where there is none: then none is opened. */
  readonly find: (name: RepositoryName) => Promise<string | null>;
  readonly visit: (name: string) => Promise<Visit<ServedRepository>>;
  readonly access: ApiAccess;
  readonly limits: Limits;
}

interface Params {
  readonly owner: string;
  readonly repo: string;
}

/** What a client may say of what it wants and has, bytes, unpacked. */
const MOST_ASKED = 16 * 1024 * 1024;
const UPLOAD = 'git-upload-pack';
const NO_PUSH =
  'pushes are taken over SSH, where a key says who pushes: list your key in the policy of the repository, and set its address by git remote set-url --push';

/**
 * `git clone` and `fetch` over HTTP (gitprotocol-http, "Smart"), at `/git/<owner>/<name>.git`, by git's own upload-pack. Whoever may read over the API
 * may read; a push is refused with where it goes.
 */
export function gitMount({ find, visit, access, limits }: GitSources): Mount {
  // Most places of commands are for those who come with a key.
  const most = Math.max(1, Math.floor(limits.sessions / 4));
  let atWork = 0;
  const serve = async (
    request: FastifyRequest,
    reply: FastifyReply,
    how: 'refs' | 'answer',
    input: Readable,
  ): Promise<FastifyReply> => {
    const { owner, repo } = request.params as Params; // of both routes
    const name = parseRepositoryPath(`${owner}/${repo}`);
    if (name === null || (await find(name)) === null) throw new KvError('NOT_FOUND', 'no such repository here');
    if (atWork >= most)
      throw new KvError('BUSY', `${most} fetches over HTTP are at work, which is as many as may be`, { hint: 'try again later' });
    atWork += 1;
    let leave = (): void => undefined;
    try {
      const visited = await visit(`${name.owner}/${name.name}`);
      leave = visited.leave;
      const first = how === 'refs' && protocolOf(request) !== 'version=2' ? [encodePkt(`# service=${UPLOAD}\n`), FLUSH_PKT] : [];
      return await answer(visited.repository.fetch(how), request, reply, {
        input,
        first,
        kind: how === 'refs' ? 'advertisement' : 'result',
      });
    } finally {
      leave();
      atWork -= 1;
    }
  };
  return {
    prefix: '/git',
    authenticate: apiAuthentication(access, () => 'read'),
    register(app) {
      app.setErrorHandler(async (thrown, _request, reply) => plain(reply, thrown));
      for (const service of [UPLOAD, 'git-receive-pack'])
        app.addContentTypeParser(`application/x-${service}-request`, (_request, payload, done) => done(null, payload));
      app.get<{ Params: Params; Querystring: { service?: string } }>('/:owner/:repo/info/refs', async (request, reply) => {
        const { service } = request.query;
        if (service === 'git-receive-pack') return text(reply, 403, NO_PUSH);
        if (service !== UPLOAD) return text(reply, 400, 'this server speaks to current versions of git alone');
        return serve(request, reply, 'refs', new PassThrough().end());
      });
      app.post<{ Params: Params }>('/:owner/:repo/git-upload-pack', { bodyLimit: MOST_ASKED }, async (request, reply) => {
        if (request.headers['content-type'] !== `application/x-${UPLOAD}-request`) return text(reply, 415, 'this is no fetch');
        return serve(request, reply, 'answer', unpacked(request));
      });
      app.post('/:owner/:repo/git-receive-pack', { bodyLimit: MOST_ASKED }, async (_request, reply) => text(reply, 403, NO_PUSH));
    },
  };
}

interface Answering {
  readonly input: Readable;
  readonly first: readonly Uint8Array[];
  readonly kind: 'advertisement' | 'result';
}

/** Sends what git says as it says it; once the last of it is sent, or the client has gone, this resolves. */
async function answer(
  run: ServeExec,
  request: FastifyRequest,
  reply: FastifyReply,
  { input, first, kind }: Answering,
): Promise<FastifyReply> {
  const output = new PassThrough();
  const gone = new AbortController();
  let said = '';
  const begun = once(output, 'readable').then(
    () => 'begun' as const,
    () => 'begun' as const,
  );
  const ended = run({
    ...{ pusher: principal('over HTTP', 'reader'), fingerprint: '-', request: request.id, remote: request.ip, gone: gone.signal },
    ...{ input, output, gitProtocol: protocolOf(request), pusherNow: () => principal('over HTTP', 'reader') },
    complain: (words) => {
      said = `${said}${words}`.slice(0, 4000);
    },
  }).catch((error: unknown) => toKvError(error));
  reply.raw.once('close', () => gone.abort());
  input.once('error', () => gone.abort());
  const soonest = await Promise.race([ended, begun]);
  if (soonest !== 'begun' && soonest !== 0 && output.readableLength === 0)
    return plain(
      reply,
      KvError.is(soonest) ? soonest : (parseRejection(said) ?? new KvError('GIT_ERROR', 'git could not answer')),
    );
  const sent = new PassThrough();
  for (const piece of first) sent.write(piece);
  output.pipe(sent);
  void ended.then((status) => (status === 0 ? output.end() : sent.destroy()));
  void reply.header('Content-Type', `application/x-${UPLOAD}-${kind}`).header('Cache-Control', 'no-cache').send(sent);
  await ended;
  if (!sent.closed) await once(sent, 'close').catch(() => undefined); // the client has gone: there is nobody to tell
  return reply;
}

/** The bytes of a request, unpacked where git has packed them, and no more of them than a fetch has. */
function unpacked({ raw }: FastifyRequest): Readable {
  const packed = /^(x-)?gzip$/.test(raw.headers['content-encoding'] ?? '');
  const bytes: Readable = packed ? raw.pipe(createGunzip()) : raw;
  const bounded = new PassThrough();
  let length = 0;
  bytes.on('data', (piece: Buffer) => {
    length += piece.length;
    if (length > MOST_ASKED) bounded.destroy(new KvError('INPUT_INVALID', 'no fetch asks so much'));
    else if (!bounded.write(piece)) {
      bytes.pause();
      bounded.once('drain', () => bytes.resume());
    }
  });
  bytes.once('end', () => bounded.end());
  for (const each of [raw, bytes]) each.once('error', (error: Error) => bounded.destroy(error));
  return bounded;
}

/** What the client asks for in `Git-Protocol`; whatever is not known is protocol v0, which every client speaks. */
function protocolOf({ headers }: FastifyRequest): string | undefined {
  const asked = headers['git-protocol'];
  return typeof asked === 'string' ? asked.split(':').find((one) => /^version=[012]$/.test(one)) : undefined;
}

/** Git shows its user text, and nothing of JSON. */
function plain(reply: FastifyReply, thrown: unknown): FastifyReply {
  const { status, detail } = problemOf(thrown);
  const { code } = toKvError(thrown);
  return text(reply, code === 'BUSY' ? 503 : status, detail);
}

function text(reply: FastifyReply, status: number, words: string): FastifyReply {
  return reply
    .code(status)
    .header('Content-Type', 'text/plain; charset=utf-8')
    .header('Cache-Control', 'no-store')
    .send(Buffer.from(`${words}\n`));
}
