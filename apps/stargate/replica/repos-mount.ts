import { cpus, freemem, loadavg, totalmem } from 'node:os';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Created } from '../../../domain/gateway/creation/creations.js';
import { KvError, toKvError } from '../../../ports/error.js';
import { parseRepositoryName, REPOSITORY_NAME_RULE, type RepositoryName } from '../../../ports/grammar/repository-name.js';
import type { Mount } from '../../http/mount.js';
import { problemOf, sendProblem } from '../../http/problem.js';
import { type ApiAccess, apiAuthentication } from './api-access.js';

interface HealthFacts {
  readonly self: string;
  /** How many other servers there are. */
  readonly peers: number;
  /** Whether a majority can be reached, and nothing is wrong with the others. */
  readonly healthy: () => boolean;
  /** What is told to other servers besides. */
  readonly headers: () => Readonly<Record<string, string>>;
  readonly now: () => number;
}

/** `GET /health` of the replication API, for anybody. */
export function replicaHealthMount({ self, peers, healthy, headers, now }: HealthFacts): Mount {
  return {
    prefix: '/health',
    register(app) {
      app.get('', async (_request, reply) => {
        const status = healthy() ? 'healthy' : 'degraded';
        const timestamp = new Date(now()).toISOString();
        return json(reply.headers(headers()), 200, { status, server_id: self, timestamp, load: load(), peers });
      });
    },
  };
}

interface ReposSources {
  readonly list: () => Promise<readonly string[]>;
  /** The path of a repository, as it was named when the server was started; null where there is none. */
  readonly pathOf: (name: RepositoryName) => Promise<string | null>;
  readonly create: (repository: string) => Promise<Created>;
  readonly access: ApiAccess;
}

/** So many repositories are being created at a time; others are told to come again. */
const AT_ONCE = 32;

/** `POST /repos`, `GET /repos` and `GET /repos/:user/:repo` of the replication API. */
export function reposMount({ list, pathOf, create, access }: ReposSources): Mount {
  let creating = 0;
  return {
    prefix: '/repos',
    authenticate: apiAuthentication(access, ({ method }) => (method === 'POST' ? 'create' : 'read')),
    register(app) {
      app.get('', async (_request, reply) => {
        const repos = await list();
        return json(reply, 200, { repos, count: repos.length });
      });
      app.get<{ Params: { user: string; repo: string } }>('/:user/:repo', async ({ params }, reply) => {
        const repository = `${params.user}/${params.repo}`;
        const name = parseRepositoryName(repository);
        const path = name === null ? null : await pathOf(name);
        if (path === null) throw new KvError('NOT_FOUND', `no repository '${repository.slice(0, 200)}' here`);
        return json(reply, 200, { repo_id: repository, exists: true, path });
      });
      app.post('', async (request, reply) => {
        const repository = repositoryIn(request);
        if (creating >= AT_ONCE) return busy(request, reply);
        creating += 1;
        try {
          const { peersConfirmed, replicated } = await create(repository);
          return await json(reply, 201, { repo_id: repository, created: true, replicated, peers_confirmed: peersConfirmed });
        } catch (thrown) {
          const error = toKvError(thrown);
          if (error.details?.['quorum'] === undefined) throw error;
          return sendProblem(request, reply, { ...problemOf(error), status: 503 }); // nothing is wrong here: the others are away
        } finally {
          creating -= 1;
        }
      });
    },
  };
}

function repositoryIn({ body }: FastifyRequest): string {
  const { repo_id: name } = typeof body === 'object' && body !== null ? (body as { repo_id?: unknown }) : {};
  if (typeof name === 'string' && parseRepositoryName(name) !== null) return name;
  const shown = typeof name === 'string' ? `'${name.slice(0, 200)}' is no repository's name` : 'repo_id is missing';
  throw new KvError('INPUT_INVALID', shown, { hint: `repo_id is ${REPOSITORY_NAME_RULE}` });
}

function busy(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const detail = `${AT_ONCE} repositories are being created, which is as many as may be`;
  return sendProblem(request, reply.header('Retry-After', '1'), { status: 503, code: 'BUSY', detail, hint: 'try again later' });
}

/** What of this host is in use, per cent. */
function load(): { readonly cpu: number; readonly memory: number } {
  const round = (share: number): number => Math.round(Math.min(1, share) * 1000) / 10;
  return { cpu: round((loadavg()[0] ?? 0) / Math.max(1, cpus().length)), memory: round(1 - freemem() / totalmem()) };
}

/** As bytes: to text, the library would add a charset, which JSON has not. */
function json(reply: FastifyReply, status: number, body: unknown): FastifyReply {
  return reply
    .code(status)
    .header('Content-Type', 'application/json')
    .header('Cache-Control', 'no-store')
    .send(Buffer.from(JSON.stringify(body)));
}
