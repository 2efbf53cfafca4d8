import { type Static, Type } from 'typebox';
import type { Holder } from '../../auth/logins.js';
import { checkDefinition, definitions, imagesOf, LARGEST_DEFINITION } from '../../containers/definitions.js';
import type { Repository } from '../../../../domain/repo/repository.js';
import { KvError } from '../../../../ports/error.js';
import type { ApiApp, ApiContext } from '../../requests/context.js';
import { checkIfMatch, etag } from '../../requests/etag.js';
import { ApiError } from '../../problems/errors.js';
import { answers, AUTHOR, closed, Path, RepoParams, RestParams, Rev } from '../../schemas/common.js';
import { authorOf, CommitShape, commitShape, fileShape } from '../../schemas/repository.js';

const Listed = Type.Object({ path: Type.String(), size: Type.Integer(), hash: Type.String() });
const DefinitionShape = Type.Object({
  ...{ path: Type.String(), content: Type.String(), size: Type.Integer(), hash: Type.String() },
  from: Type.Array(Type.String(), { description: 'the images that it begins with' }),
});
const Committed = Type.Object({ path: Type.String(), commit: CommitShape });

/** Container definitions: files of a branch that are called like one. Each change is a commit of its own, beside what is staged. */
export function definitionRoutes(app: ApiApp, { pool }: ApiContext): void {
  const tags = ['containers'];
  const base = '/repos/:repo/containers/definitions';
  app.get(
    base,
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'List container definitions', tags, params: RepoParams, querystring: closed({ ref: Type.Optional(Rev) }) },
        response: answers(200, Type.Object({ definitions: Type.Array(Listed), count: Type.Integer() })),
      },
    },
    async ({ params: { repo }, query: { ref = 'HEAD' } }) => {
      const all = await pool.use(repo, (repository) => definitions(repository, ref));
      return { definitions: all.map(({ path, size, oid }) => ({ path, size, hash: oid })), count: all.length };
    },
  );
  app.get(
    `${base}/*`,
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'Show a container definition', tags, params: RestParams, querystring: closed({ ref: Type.Optional(Rev) }) },
        response: answers(200, DefinitionShape),
      },
    },
    async ({ params: { repo, '*': path }, query: { ref } }, reply) => {
      checkDefinition(path);
      const file = await pool.use(repo, (repository) => repository.readFile(path, ref));
      const { content, size } = fileShape(file);
      reply.header('ETag', etag(file.oid));
      return { path, content, size, hash: file.oid, from: imagesOf(content) };
    },
  );

  const Content = Type.String({ minLength: 1, maxLength: LARGEST_DEFINITION });
  const HOW = { branch: Type.Optional(Rev), message: Type.Optional(Type.String({ maxLength: 65_536 })), ...AUTHOR };
  type How = Static<ReturnType<typeof closed<typeof HOW>>>;
  const commit = async (
    request: { readonly holder: Holder | null; readonly headers: Record<string, string | string[] | undefined> },
    repo: string,
    path: string,
    content: string | null,
    { branch, message, ...by }: How,
    mustBe: 'new' | 'there',
  ): Promise<Static<typeof Committed>> => {
    checkDefinition(path);
    const author = authorOf(request.holder, by);
    const info = await pool.use(repo, async (repository) => {
      const name = branch ?? (await repository.facts()).head.replace(/^refs\/heads\//, '');
      const tip = (await repository.branches()).find((each) => each.name === name)?.oid ?? null;
      const now = tip === null ? null : await fileAt(repository, path, tip);
      checkIfMatch(request as Parameters<typeof checkIfMatch>[0], now);
      if (mustBe === 'new' && now !== null) throw new ApiError(409, 'CONFLICT', `there is a definition '${path}' already`);
      if (mustBe === 'there' && now === null) throw new ApiError(404, 'NOT_FOUND', `there is no definition '${path}'`);
      const verb = content === null ? 'Remove' : now === null ? 'Add' : 'Change';
      const change = content === null ? { remove: [path] } : { put: [{ path, content }] };
      // What was looked at is what is built on.
      return repository.commitChanges(name, change, { message: message ?? `${verb} ${path}`, author, expect: tip });
    });
    return { path, commit: commitShape(info) };
  };
  app.post(
    base,
    {
      config: { access: 'repo:write' },
      schema: {
        ...{ summary: 'Create a container definition, by a commit', tags, params: RepoParams },
        ...{ body: closed({ path: Path, content: Content, ...HOW }), response: answers(201, Committed) },
      },
    },
    async (request, reply) => {
      const { path, content, ...how } = request.body;
      return reply.code(201).send(await commit(request, request.params.repo, path, content, how, 'new'));
    },
  );
  app.put(
    `${base}/*`,
    {
      config: { access: 'repo:write' },
      schema: {
        ...{ summary: 'Update a container definition, by a commit', tags, params: RestParams },
        ...{ body: closed({ content: Content, ...HOW }), response: answers(200, Committed) },
      },
    },
    async (request) => {
      const { content, ...how } = request.body;
      return commit(request, request.params.repo, request.params['*'], content, how, 'there');
    },
  );
  app.delete(
    `${base}/*`,
    {
      config: { access: 'repo:write' },
      schema: {
        ...{ summary: 'Delete a container definition, by a commit', tags, params: RestParams },
        ...{ querystring: closed({ branch: Type.Optional(Rev) }), response: answers(200, Committed) },
      },
    },
    async (request) => commit(request, request.params.repo, request.params['*'], null, request.query, 'there'),
  );
}

async function fileAt(repository: Repository, path: string, rev: string): Promise<string | null> {
  try {
    return (await repository.readFile(path, rev)).oid;
  } catch (error) {
    if (KvError.is(error) && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}
