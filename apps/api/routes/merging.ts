import { type Static, Type } from 'typebox';
import type { MergeResult } from '../../../domain/repo/types.js';
import { answers, AUTHOR, closed, RepoParams, Rev } from '../schemas/common.js';
import { authorOf, conflicting } from '../schemas/repository.js';
import type { ApiApp, ApiContext } from '../requests/context.js';
import { etag } from '../requests/etag.js';

/** How two histories came together. */
export const MergedShape = Type.Object({ status: Type.String(), message: Type.String(), commit: Type.String() });

/** Gives it. Throws `CONFLICT` with the paths where they couldn't. */
export function mergedShape(result: MergeResult): Static<typeof MergedShape> {
  if (result.status === 'conflicts') throw conflicting(result.conflicts);
  return { status: result.status, message: `${result.status}: ${result.commit}`, commit: result.commit };
}

const Message = Type.Optional(Type.String({ maxLength: 1_000_000 }));
const Commit = Type.Optional(Type.String({ minLength: 40, maxLength: 64, description: 'where the branch must be' }));

/** What brings histories together, or takes back. */
export function mergingRoutes(app: ApiApp, { pool }: ApiContext): void {
  const tags = ['merging'];
  const MergeBody = closed({
    ...{ from: Rev, to: Type.Optional(Rev), message: Message, ...AUTHOR, expect: Commit },
    fast_forward: Type.Optional(Type.Union([Type.Literal('auto'), Type.Literal('only'), Type.Literal('never')])),
    favor: Type.Optional(Type.Union([Type.Literal('ours'), Type.Literal('theirs')])),
  });
  app.post(
    '/repos/:repo/merge',
    {
      config: { access: 'repo:write' },
      schema: {
        summary: 'Merge a revision into a branch',
        tags,
        params: RepoParams,
        body: MergeBody,
        response: answers(200, MergedShape),
      },
    },
    async (request, reply) => {
      const { from, to, message, favor, expect, fast_forward: fastForward = 'auto' } = request.body;
      const result = await pool.use(request.params.repo, (repository) =>
        repository.merge({
          ...{ from, author: authorOf(request.holder, request.body), fastForward, ...(to === undefined ? {} : { into: to }) },
          ...{ ...(message === undefined ? {} : { message }), ...(favor === undefined ? {} : { favor }) },
          ...(expect === undefined ? {} : { expect }),
        }),
      );
      const merged = mergedShape(result);
      reply.header('ETag', etag(merged.commit));
      return merged;
    },
  );

  const PickBody = closed({
    ...{ commit: Rev, onto: Type.Optional(Rev), message: Message, ...AUTHOR, expect: Commit },
    mainline: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  });
  for (const [name, verb, summary] of [
    ['revert', 'revert', 'Take back what a commit has changed'],
    ['cherry-pick', 'cherryPick', 'Do again what a commit has changed'],
  ] as const) {
    app.post(
      `/repos/:repo/${name}`,
      {
        config: { access: 'repo:write' },
        schema: { summary, tags, params: RepoParams, body: PickBody, response: answers(200, MergedShape) },
      },
      async (request) => {
        const { commit, onto, message, mainline, expect } = request.body;
        const result = await pool.use(request.params.repo, (repository) =>
          repository[verb]({
            ...{ commit, committer: authorOf(request.holder, request.body), ...(onto === undefined ? {} : { onto }) },
            ...{ ...(message === undefined ? {} : { message }), ...(mainline === undefined ? {} : { mainline }) },
            ...(expect === undefined ? {} : { expect }),
          }),
        );
        return mergedShape(result);
      },
    );
  }

  const Mode = Type.Union([Type.Literal('soft'), Type.Literal('mixed'), Type.Literal('hard')]);
  const ResetBody = closed({ target: Rev, mode: Type.Optional(Mode), expect: Commit });
  app.post(
    '/repos/:repo/reset',
    {
      config: { access: 'repo:write' },
      schema: {
        summary: 'Move the current branch',
        tags,
        params: RepoParams,
        body: ResetBody,
        response: answers(200, MergedShape),
      },
    },
    async ({ params: { repo }, body: { target, mode = 'mixed', expect } }) => {
      const commit = await pool.use(repo, (repository) => repository.reset(target, mode, expect));
      return { status: 'success', message: `the branch is at ${commit}`, commit };
    },
  );
}
