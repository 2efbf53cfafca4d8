import { type Static, Type } from 'typebox';
import type { Reality } from '../../../domain/repo/isolated.js';
import { answers, AUTHOR, closed, Done, done, FilePutBody, Path, RepoParams, Rev } from '../schemas/common.js';
import { authorOf, bytesOf, CommitShape, commitShape, iso } from '../schemas/repository.js';
import type { ApiApp, ApiContext } from '../requests/context.js';
import { ApiError } from '../problems/errors.js';
import { MergedShape, mergedShape } from './merging.js';
import { ValidateBody, ValidationShape, validationShape, validatorsOf } from './transactions.js';

/** The name of a reality. */
export const Name = Type.String({ minLength: 1, maxLength: 300 });
const RealityShape = Type.Object({
  name: Type.String(),
  isolated: Type.Boolean(),
  ephemeral: Type.Boolean(),
  created_at: Type.String(),
});
const Realities = Type.Object({ realities: Type.Array(RealityShape), count: Type.Integer() });
/** Which reality of which repository. */
export const RealityParams = Type.Object({ repo: Type.String({ maxLength: 200 }), name: Name });

const realityShape = (reality: Reality): Static<typeof RealityShape> => {
  const { name, createdAt } = reality.info();
  return { name, isolated: true, ephemeral: true, created_at: iso(createdAt) };
};

/** Isolated branches in which a change is tried before it becomes true. */
export function realityRoutes(app: ApiApp, { pool, automation }: ApiContext): void {
  const tags = ['realities'];
  const list = (all: readonly Reality[]): Static<typeof Realities> => ({ realities: all.map(realityShape), count: all.length });
  const Names = Type.Array(Name, { minItems: 1, maxItems: 10_000 });
  const CreateBody = closed({ branches: Type.Optional(Names), names: Type.Optional(Names), from: Type.Optional(Rev) });
  app.post(
    '/repos/:repo/parallel-realities',
    {
      config: { access: 'repo:write' },
      schema: {
        summary: 'Create realities, all or none',
        tags,
        params: RepoParams,
        body: CreateBody,
        response: answers(201, Realities),
      },
    },
    async ({ params: { repo }, body: { branches = [], names = [], from } }, reply) => {
      const wanted = [...branches, ...names];
      if (wanted.length === 0) throw new ApiError(400, 'INVALID_REQUEST', 'name the realities under branches');
      const made = await pool.use(repo, (repository) => repository.createRealities(wanted, from));
      return reply.code(201).send(list(made));
    },
  );
  app.get(
    '/repos/:repo/parallel-realities',
    {
      config: { access: 'repo:read' },
      schema: { summary: 'List realities', tags, params: RepoParams, response: answers(200, Realities) },
    },
    async ({ params: { repo } }) => list(await pool.use(repo, async (repository) => repository.realities())),
  );
  app.get(
    '/repos/:repo/parallel-realities/:name',
    {
      config: { access: 'repo:read' },
      schema: { summary: 'Show a reality', tags, params: RealityParams, response: answers(200, RealityShape) },
    },
    async ({ params: { repo, name } }) => realityShape(await pool.use(repo, async (repository) => repository.reality(name))),
  );
  const ApplyBody = closed({
    changes: Type.Optional(
      Type.Record(Type.String({ maxLength: 8192 }), Type.String(), { description: 'content by path, UTF-8' }),
    ),
    files: Type.Optional(Type.Array(closed(FilePutBody), { maxItems: 10_000 })),
    remove: Type.Optional(Type.Array(Path, { maxItems: 10_000 })),
    message: Type.Optional(Type.String({ maxLength: 1_000_000 })),
    ...AUTHOR,
  });
  app.post(
    '/repos/:repo/parallel-realities/:name/apply',
    {
      config: { access: 'repo:write' },
      schema: {
        summary: 'Change it: a commit that nobody else sees',
        tags,
        params: RealityParams,
        body: ApplyBody,
        response: answers(200, CommitShape),
      },
    },
    async (request) => {
      const { changes = {}, files = [], remove = [], message } = request.body;
      const put = [
        ...Object.entries(changes).map(([path, content]) => ({ path, content })),
        ...files.map(({ path, content, encoding, mode = '100644' as const }) => ({
          path,
          content: bytesOf(content, encoding),
          mode,
        })),
      ];
      const author = authorOf(request.holder, request.body);
      const { repo, name } = request.params;
      const change = { put, remove, author, ...(message === undefined ? {} : { message }) };
      return commitShape(await pool.use(repo, (repository) => repository.reality(name).apply(change)));
    },
  );
  app.post(
    '/repos/:repo/parallel-realities/:name/validate',
    {
      config: { access: 'repo:write' },
      schema: {
        summary: 'Say what is wrong with its files',
        tags,
        params: RealityParams,
        body: ValidateBody,
        response: answers(200, ValidationShape),
      },
    },
    async ({ params: { repo, name }, body }, reply) =>
      validationShape(
        await pool.use(repo, (repository) => repository.reality(name).validate(validatorsOf(automation, repo, body, reply))),
      ),
  );
  const Compared = Type.Object({ from: Type.String(), to: Type.String(), format: Type.String(), diff: Type.String() });
  app.get(
    '/repos/:repo/parallel-realities/:name/diff',
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'Compare it with where it parted, another reality, or a revision', tags, params: RealityParams },
        ...{ querystring: closed({ reality: Type.Optional(Name), ref: Type.Optional(Rev) }), response: answers(200, Compared) },
      },
    },
    async ({ params: { repo, name }, query: { reality, ref } }) => {
      const against = reality !== undefined ? { reality } : ref !== undefined ? { rev: ref } : undefined;
      const { text } = await pool.use(repo, (repository) => repository.reality(name).diff(against));
      return { from: reality ?? ref ?? 'base', to: name, format: 'unified', diff: text };
    },
  );
  const PromoteBody = Type.Optional(
    Type.Union([
      closed({ to: Type.Optional(Rev), message: Type.Optional(Type.String({ maxLength: 1_000_000 })), ...AUTHOR }),
      Type.Null(),
    ]),
  );
  app.post(
    '/repos/:repo/parallel-realities/:name/promote',
    {
      config: { access: 'repo:write' },
      schema: {
        summary: 'Merge it into a branch; it ends then',
        tags,
        params: RealityParams,
        body: PromoteBody,
        response: answers(200, MergedShape),
      },
    },
    async (request) => {
      const { repo, name } = request.params;
      const { to, message, ...by } = request.body ?? {};
      const author = authorOf(request.holder, by);
      const how = { author, ...(to === undefined ? {} : { into: to }), ...(message === undefined ? {} : { message }) };
      return mergedShape(await pool.use(repo, (repository) => repository.promote(name, how)));
    },
  );
  app.delete(
    '/repos/:repo/parallel-realities/:name',
    {
      config: { access: 'repo:write' },
      schema: { summary: 'Drop it', tags, params: RealityParams, response: answers(200, Done) },
    },
    async ({ params: { repo, name } }) => {
      await pool.use(repo, async (repository) => repository.dropReality(name));
      return done(`reality ${name} is dropped`);
    },
  );
}
