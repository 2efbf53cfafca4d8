import { type Static, Type } from 'typebox';
import type { Branch, Tag } from '../../../domain/repo/types.js';
import { answers, AUTHOR, closed, Done, done, RepoParams, RestParams, Rev, TextOrNull } from '../schemas/common.js';
import { authorOf } from '../schemas/repository.js';
import type { ApiApp, ApiContext } from '../requests/context.js';
import { ApiError } from '../problems/errors.js';
import { checkIfMatch, etag } from '../requests/etag.js';

const Name = Type.String({ minLength: 1, maxLength: 300 });
const BranchShape = Type.Object({ name: Type.String(), commit: Type.String(), is_current: Type.Boolean() });
const TagShape = Type.Object({ name: Type.String(), commit: TextOrNull, message: TextOrNull });

const branchShape = ({ name, oid, current }: Branch): Static<typeof BranchShape> => ({ name, commit: oid, is_current: current });
const tagShape = ({ name, commit, message }: Tag): Static<typeof TagShape> => ({ name, commit, message });

/** Branches and tags, and which branch is the current one. */
export function refRoutes(app: ApiApp, { pool }: ApiContext): void {
  const tags = ['branches and tags'];
  const Branches = Type.Object({ branches: Type.Array(BranchShape), current: Type.String(), count: Type.Integer() });
  app.get(
    '/repos/:repo/branches',
    {
      config: { access: 'repo:read' },
      schema: { summary: 'List branches', tags, params: RepoParams, response: answers(200, Branches) },
    },
    async ({ params: { repo } }) =>
      pool.use(repo, async (repository) => {
        const [branches, { head }] = [await repository.branches(), await repository.facts()];
        return { branches: branches.map(branchShape), current: head.replace(/^refs\/heads\//, ''), count: branches.length };
      }),
  );

  const BranchBody = closed({ name: Name, from: Type.Optional(Rev) });
  app.post(
    '/repos/:repo/branches',
    {
      config: { access: 'repo:write' },
      schema: { summary: 'Create a branch', tags, params: RepoParams, body: BranchBody, response: answers(201, BranchShape) },
    },
    async ({ params: { repo }, body: { name, from } }, reply) => {
      const branch = await pool.use(repo, (repository) => repository.createBranch(name, from));
      return reply.code(201).header('ETag', etag(branch.oid)).send(branchShape(branch));
    },
  );

  const find = async (repo: string, name: string): Promise<Branch> => {
    const branch = (await pool.use(repo, (repository) => repository.branches())).find((each) => each.name === name);
    if (branch === undefined) throw new ApiError(404, 'BRANCH_NOT_FOUND', 'there is no such branch');
    return branch;
  };
  app.get(
    '/repos/:repo/branches/*',
    {
      config: { access: 'repo:read' },
      schema: { summary: 'Show a branch', tags, params: RestParams, response: answers(200, BranchShape) },
    },
    async ({ params: { repo, '*': name } }, reply) => {
      const branch = await find(repo, name);
      reply.header('ETag', etag(branch.oid)).header('Cache-Control', 'private, no-cache');
      return branchShape(branch);
    },
  );
  app.delete(
    '/repos/:repo/branches/*',
    {
      config: { access: 'repo:write' },
      schema: { summary: 'Delete a branch', tags, params: RestParams, response: answers(200, Done) },
    },
    async (request) => {
      const { repo, '*': name } = request.params;
      const { oid } = await find(repo, name);
      checkIfMatch(request, oid);
      await pool.use(repo, (repository) => repository.deleteBranch(name));
      return done(`branch ${name} is deleted`);
    },
  );

  const CheckoutBody = closed({
    ...{
      branch: Rev,
      create: Type.Optional(Type.Boolean()),
      detach: Type.Optional(Type.Boolean()),
      force: Type.Optional(Type.Boolean()),
    },
  });
  app.post(
    '/repos/:repo/checkout',
    {
      config: { access: 'repo:write' },
      schema: {
        summary: 'Make a branch the current one',
        tags,
        params: RepoParams,
        body: CheckoutBody,
        response: answers(200, Done),
      },
    },
    async ({ params: { repo }, body: { branch, create = false, detach = false, force = false } }) => {
      await pool.use(repo, (repository) => repository.checkout(branch, { create, detach, force }));
      return done(`${branch} is checked out`);
    },
  );

  app.get(
    '/repos/:repo/tags',
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'List tags', tags, params: RepoParams },
        response: answers(200, Type.Object({ tags: Type.Array(TagShape), count: Type.Integer() })),
      },
    },
    async ({ params: { repo } }) => {
      const all = await pool.use(repo, (repository) => repository.tags());
      return { tags: all.map(tagShape), count: all.length };
    },
  );
  const TagBody = closed({
    name: Name,
    target: Type.Optional(Rev),
    message: Type.Optional(Type.String({ maxLength: 65_536 })),
    ...AUTHOR,
  });
  app.post(
    '/repos/:repo/tags',
    {
      config: { access: 'repo:write' },
      schema: {
        summary: 'Create a tag, annotated where it has a message',
        tags,
        params: RepoParams,
        body: TagBody,
        response: answers(201, TagShape),
      },
    },
    async (request, reply) => {
      const { name, target, message } = request.body;
      const annotation = message === undefined ? undefined : { message, tagger: authorOf(request.holder, request.body) };
      const tag = await pool.use(request.params.repo, (repository) => repository.createTag(name, target, annotation));
      return reply.code(201).send(tagShape(tag));
    },
  );
  app.delete(
    '/repos/:repo/tags/*',
    {
      config: { access: 'repo:write' },
      schema: { summary: 'Delete a tag', tags, params: RestParams, response: answers(200, Done) },
    },
    async ({ params: { repo, '*': name } }) => {
      await pool.use(repo, (repository) => repository.deleteTag(name));
      return done(`tag ${name} is deleted`);
    },
  );
}
