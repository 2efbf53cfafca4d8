import { Type } from 'typebox';
import { answers, closed, PAGE, page, RepoParams, Rev } from '../schemas/common.js';
import { CommitShape, commitShape, entryShape, FileShape, fileShape, iso, LogShape, TreeShape } from '../schemas/repository.js';
import type { ApiApp, ApiContext } from '../requests/context.js';
import { timeOf } from './history.js';

const Text = Type.String({ minLength: 1, maxLength: 1000 });

/** What is somewhere, and what was once. */
export function searchRoutes(app: ApiApp, { pool }: ApiContext): void {
  const tags = ['search and time'];
  app.get(
    '/repos/:repo/search/commits',
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'Commits by their messages', tags, params: RepoParams },
        ...{ querystring: closed({ q: Text, ref: Type.Optional(Rev), ...PAGE }), response: answers(200, LogShape) },
      },
    },
    async ({ params: { repo }, query: { q, ref = 'HEAD', limit = 100, offset = 0 } }) => {
      const { commits, total } = await pool.use(repo, (repository) =>
        repository.searchCommits(q, { from: ref, limit, skip: offset }),
      );
      return { commits: commits.map(commitShape), total };
    },
  );

  const Match = Type.Object({ path: Type.String(), line: Type.Integer(), column: Type.Integer(), content: Type.String() });
  app.get(
    '/repos/:repo/search/content',
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'Lines of files by a text in them', tags, params: RepoParams },
        querystring: closed({
          ...{ q: Text, ref: Type.Optional(Rev), path: Type.Optional(Text), ignore_case: Type.Optional(Type.Boolean()) },
          limit: PAGE.limit,
        }),
        response: answers(200, Type.Object({ matches: Type.Array(Match), total: Type.Integer() })),
      },
    },
    async ({ params: { repo }, query: { q, ref, path, ignore_case: ignoreCase = false, limit = 100 } }) => {
      const query = {
        text: q,
        ignoreCase,
        limit,
        ...(ref === undefined ? {} : { rev: ref }),
        ...(path === undefined ? {} : { paths: [path] }),
      };
      const matches = await pool.use(repo, (repository) => repository.searchContent(query));
      return { matches: matches.map((match) => ({ ...match })), total: matches.length };
    },
  );
  app.get(
    '/repos/:repo/search/files',
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'Files by a part of their path, or by a pattern: * within a name, ** across', tags, params: RepoParams },
        ...{ querystring: closed({ q: Text, ref: Type.Optional(Rev), ...PAGE }), response: answers(200, TreeShape) },
      },
    },
    async ({ params: { repo }, query: { q, ref, limit = 100, offset = 0 } }) => {
      const found = await pool.use(repo, (repository) => repository.searchFiles(q, ref));
      return { path: '', entries: page(found, { limit, offset }).map(entryShape), total: found.length };
    },
  );

  const When = Type.String({ minLength: 1, maxLength: 40 });
  const State = Type.Object({ time: Type.String(), commit: CommitShape, tree: TreeShape });
  app.get(
    '/repos/:repo/time-travel/:time',
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'The state at a time', tags, params: Type.Object({ repo: Type.String(), time: When }) },
        ...{ querystring: closed({ ref: Type.Optional(Rev), ...PAGE }), response: answers(200, State) },
      },
    },
    async ({ params: { repo, time }, query: { ref, limit = 100, offset = 0 } }) => {
      const at = timeOf(time);
      return pool.use(repo, async (repository) => {
        const commit = await repository.at(at, ref);
        const entries = await repository.list('', { rev: commit.oid, recursive: true });
        const tree = { path: '', entries: page(entries, { limit, offset }).map(entryShape), total: entries.length };
        return { time: iso(at), commit: commitShape(commit), tree };
      });
    },
  );
  app.get(
    '/repos/:repo/time-travel/:time/read/*',
    {
      config: { access: 'repo:read' },
      schema: {
        ...{
          summary: 'A file as it was at a time',
          tags,
          params: Type.Object({ repo: Type.String(), time: When, '*': Type.String() }),
        },
        ...{ querystring: closed({ ref: Type.Optional(Rev) }), response: answers(200, FileShape) },
      },
    },
    async ({ params: { repo, time, '*': path }, query: { ref } }) =>
      pool.use(repo, async (repository) =>
        fileShape(await repository.readFile(path, (await repository.at(timeOf(time), ref)).oid)),
      ),
  );
}
