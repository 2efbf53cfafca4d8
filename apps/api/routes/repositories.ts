import { type Static, Type } from 'typebox';
import { allows } from '../../../domain/access/rights.js';
import type { RepositoryEntry } from '../pool/slot.js';
import { answers, closed, Done, done, PAGE, page, RepoParams } from '../schemas/common.js';
import { iso } from '../schemas/repository.js';
import { type ApiApp, type ApiContext, holderOf } from '../requests/context.js';

const RepositoryShape = Type.Object({
  ...{ id: Type.String(), path: Type.String(), current_branch: Type.String(), created_at: Type.String() },
});

/** Repositories: made, listed, shown, deleted. */
export function repositoryRoutes(app: ApiApp, { pool, accounts }: ApiContext): void {
  const tags = ['repositories'];
  const shape = async ({ id, createdAt, memoryOnly }: RepositoryEntry): Promise<Static<typeof RepositoryShape>> => {
    const { head } = await pool.use(id, (repository) => repository.facts());
    const branch = head.replace(/^refs\/heads\//, '');
    return { id, path: memoryOnly ? ':memory:' : `repos/${id}.git`, current_branch: branch, created_at: iso(createdAt) };
  };

  const Created = closed({
    id: Type.String({ minLength: 1, maxLength: 200 }),
    memory_only: Type.Optional(Type.Boolean({ description: 'absent: where the server has no folder to keep it in' })),
    object_format: Type.Optional(Type.Union([Type.Literal('sha1'), Type.Literal('sha256')])),
  });
  app.post(
    '/repos',
    {
      config: { access: 'repo:write' },
      schema: { summary: 'Create a repository', tags, body: Created, response: answers(201, RepositoryShape) },
    },
    async ({ body: { id, memory_only: memoryOnly, object_format: objectFormat = 'sha1' } }, reply) => {
      const entry = await pool.create(id, { memoryOnly, objectFormat });
      return reply
        .code(201)
        .header('Location', `/api/v1/repos/${id}`)
        .send(await shape(entry));
    },
  );

  const Listed = Type.Object({ repositories: Type.Array(RepositoryShape), count: Type.Integer(), total: Type.Integer() });
  app.get(
    '/repos',
    {
      config: { access: 'known-or-anonymous' },
      schema: {
        summary: 'List the repositories that you may read',
        tags,
        querystring: closed(PAGE),
        response: answers(200, Listed),
      },
    },
    async (request) => {
      const { rights } = holderOf(request);
      const readable = pool.list().filter(({ id }) => allows(rights, 'repo:read', id));
      const repositories = await Promise.all(page(readable, request.query).map(shape));
      return { repositories, count: repositories.length, total: readable.length };
    },
  );

  app.get(
    '/repos/:repo',
    {
      config: { access: 'repo:read' },
      schema: { summary: 'Show a repository', tags, params: RepoParams, response: answers(200, RepositoryShape) },
    },
    async ({ params: { repo } }) => shape(pool.entry(repo)),
  );

  app.delete(
    '/repos/:repo',
    {
      config: { access: 'repo:delete' },
      schema: { summary: 'Delete a repository', tags, params: RepoParams, response: answers(200, Done) },
    },
    async ({ params: { repo } }) => {
      await pool.remove(repo);
      await accounts.forgetRepository(repo);
      return done(`repository ${repo} is deleted`);
    },
  );
}
