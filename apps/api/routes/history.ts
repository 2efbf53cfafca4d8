import { Type } from 'typebox';
import { answers, closed, PAGE, RepoParams, RestParams, Rev, AUTHOR } from '../schemas/common.js';
import { authorOf, ChangeShape, changeShape, CommitShape, commitShape, iso, LogShape } from '../schemas/repository.js';
import type { ApiApp, ApiContext } from '../requests/context.js';
import { checkIfMatch, etag, hasIt } from '../requests/etag.js';
import { ApiError } from '../problems/errors.js';

const Flag = Type.Optional(Type.Boolean());

/** Commits: made, listed, shown, compared, and who wrote a line. */
export function historyRoutes(app: ApiApp, { pool }: ApiContext): void {
  const tags = ['history'];
  const CommitBody = closed({ message: Type.String({ maxLength: 1_000_000 }), ...AUTHOR, allow_empty: Flag });
  app.post(
    '/repos/:repo/commits',
    {
      config: { access: 'repo:write' },
      schema: {
        summary: 'Commit what is staged',
        tags,
        params: RepoParams,
        body: CommitBody,
        response: answers(201, CommitShape),
      },
    },
    async (request, reply) => {
      const { body, params } = request;
      const author = authorOf(request.holder, body);
      const info = await pool.use(params.repo, async (repository) => {
        const wanted = request.headers['if-match'];
        const { tip } = wanted === undefined ? { tip: null } : await repository.facts();
        checkIfMatch(request, tip);
        const expect = wanted === undefined ? {} : { expect: tip };
        return repository.commit({ message: body.message, author, allowEmpty: body.allow_empty ?? false, ...expect });
      });
      return reply.code(201).header('ETag', etag(info.oid)).send(commitShape(info));
    },
  );

  const LogQuery = closed({
    ...{ ...PAGE, ref: Type.Optional(Rev), path: Type.Optional(Type.String({ maxLength: 8192 })) },
    ...{
      author: Type.Optional(Type.String({ maxLength: 300 })),
      since: Type.Optional(Type.String()),
      until: Type.Optional(Type.String()),
    },
  });
  for (const url of ['/repos/:repo/commits', '/repos/:repo/log']) {
    app.get(
      url,
      {
        config: { access: 'repo:read' },
        schema: {
          summary: 'List commits, newest first',
          tags,
          params: RepoParams,
          querystring: LogQuery,
          response: answers(200, LogShape),
        },
      },
      async ({ params, query: { ref = 'HEAD', path, author, since, until, limit = 100, offset = 0 } }) => {
        const { commits, total } = await pool.use(params.repo, (repository) =>
          repository.log({
            ...{ from: ref, limit, skip: offset, ...(path === undefined ? {} : { paths: [path] }) },
            ...{ ...(author === undefined ? {} : { author }), ...(since === undefined ? {} : { since: timeOf(since) }) },
            ...(until === undefined ? {} : { until: timeOf(until) }),
          }),
        );
        return { commits: commits.map(commitShape), total };
      },
    );
  }

  const Shown = Type.Object({ commit: CommitShape, changes: Type.Array(ChangeShape), diff: Type.String() });
  app.get(
    '/repos/:repo/show/:commit',
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'Show a commit and what it changes', tags, params: Type.Object({ repo: Type.String(), commit: Rev }) },
        response: { ...answers(200, Shown), 304: Type.Null() },
      },
    },
    async (request, reply) => {
      const { repo, commit: rev } = request.params;
      const { commit, changes, diff } = await pool.use(repo, (repository) => repository.show(rev));
      reply.header('ETag', etag(commit.oid));
      if (hasIt(request, commit.oid)) return reply.code(304).send(null);
      return { commit: commitShape(commit), changes: changes.map(changeShape), diff };
    },
  );

  const StatusShape = Type.Object({
    ...{ branch: Type.String(), staged: Type.Array(Type.String()), modified: Type.Array(Type.String()) },
    ...{ untracked: Type.Array(Type.String()), clean: Type.Boolean() },
  });
  app.get(
    '/repos/:repo/status',
    {
      config: { access: 'repo:read' },
      schema: { summary: 'What is staged', tags, params: RepoParams, response: answers(200, StatusShape) },
    },
    async ({ params: { repo } }) => {
      const { branch, head, staged, clean } = await pool.use(repo, (repository) => repository.status());
      // There is no work tree, so nothing is changed without being staged.
      return { branch: branch ?? head ?? '', staged: staged.map(({ path }) => path), modified: [], untracked: [], clean };
    },
  );

  const Format = Type.Union([Type.Literal('unified'), Type.Literal('name-status'), Type.Literal('stat')]);
  const DiffShape = Type.Object({ from: Type.String(), to: Type.String(), format: Format, diff: Type.String() });
  const DiffQuery = closed({
    from: Type.Optional(Rev),
    to: Type.Optional(Rev),
    format: Type.Optional(Format),
    path: Type.Optional(Type.String({ maxLength: 8192 })),
    context: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
  });
  app.get(
    '/repos/:repo/diff',
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'Compare two revisions, or with neither HEAD and what is staged', tags, params: RepoParams },
        ...{ querystring: DiffQuery, response: answers(200, DiffShape) },
      },
    },
    async ({ params: { repo }, query: { from, to, format = 'unified', path, context } }) => {
      const options = { ...(path === undefined ? {} : { paths: [path] }), ...(context === undefined ? {} : { context }) };
      return pool.use(repo, async (repository) => {
        const isStaged = from === undefined && to === undefined;
        if (format === 'stat') {
          if (isStaged) throw new ApiError(400, 'INVALID_REQUEST', 'stat takes from and to');
          const stats = await repository.diffStat(from ?? 'HEAD', to ?? 'HEAD', options);
          const diff = stats.map(({ path: at, added, deleted }) => `${added ?? '-'}\t${deleted ?? '-'}\t${at}\n`).join('');
          return { from: from ?? 'HEAD', to: to ?? 'HEAD', format, diff };
        }
        const { text, changes } = isStaged
          ? await repository.diffStaged(options)
          : await repository.diff(from ?? 'HEAD', to ?? 'HEAD', options);
        const names = (): string => changes.map(({ status, path: at }) => `${status.charAt(0).toUpperCase()}\t${at}\n`).join('');
        return {
          from: from ?? 'HEAD',
          to: isStaged ? 'staged' : (to ?? 'HEAD'),
          format,
          diff: format === 'unified' ? text : names(),
        };
      });
    },
  );

  const Line = Type.Object({
    ...{ line_number: Type.Integer(), content: Type.String(), commit_hash: Type.String(), author: Type.String() },
    ...{ email: Type.String(), timestamp: Type.String(), message: Type.String() },
  });
  const Blame = Type.Object({ path: Type.String(), ref: Type.String(), lines: Type.Array(Line), total: Type.Integer() });
  app.get(
    '/repos/:repo/blame/*',
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'Who wrote each line of a file', tags, params: RestParams },
        ...{ querystring: closed({ ref: Type.Optional(Rev) }), response: answers(200, Blame) },
      },
    },
    async ({ params: { repo, '*': path }, query: { ref = 'HEAD' } }) => {
      const lines = (await pool.use(repo, (repository) => repository.blame(path, ref))).map(({ number, content, commit }) => ({
        ...{ line_number: number, content, commit_hash: commit.oid, author: commit.author.name, email: commit.author.email },
        ...{ timestamp: iso(commit.author.time), message: commit.message.replace(/\n$/, '') },
      }));
      return { path, ref, lines, total: lines.length };
    },
  );
}

/** Milliseconds of a time as RFC 3339 has it, or of seconds or milliseconds since the epoch. Throws `INVALID_REQUEST`. */
export function timeOf(text: string): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : null;
  const time =
    number === null ? (/^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN) : number < 1e11 ? number * 1000 : number;
  if (Number.isNaN(time))
    throw new ApiError(400, 'INVALID_REQUEST', 'a time is such as 2026-01-02T03:04:05Z, or seconds since 1970');
  return time;
}
