import { type Static, Type } from 'typebox';
import type { BuildLog } from '../../containers/build-log.js';
import type { Build } from '../../containers/build.js';
import { checkDefinition, definitions } from '../../containers/definitions.js';
import { ApiError } from '../../problems/errors.js';
import type { ApiApp, ApiContext } from '../../requests/context.js';
import { type Outlet, outlet } from '../../requests/outlet.js';
import { answers, closed, PAGE, page, RepoParams, Rev, TextOrNull } from '../../schemas/common.js';
import { iso } from '../../schemas/repository.js';

const State = Type.Enum(['queued', 'running', 'succeeded', 'failed', 'cancelled', 'interrupted']);
const BuildShape = Type.Object({
  ...{ id: Type.String(), repo_id: Type.String(), status: State, definition: Type.String(), context: Type.String() },
  ...{ ref: Type.String(), commit: Type.String(), tag: TextOrNull, args: Type.Record(Type.String(), Type.String()) },
  ...{ created_at: Type.String(), started_at: TextOrNull, finished_at: TextOrNull, error: TextOrNull },
  kept: Type.Boolean({ description: 'whether it is there after a restart; that of a memory-only repository is not' }),
  image: Type.Union([Type.Object({ id: Type.String(), size: Type.Integer() }), Type.Null()]),
});
const timeOrNull = (time: number | null): string | null => (time === null ? null : iso(time));

function shape(build: Build): Static<typeof BuildShape> {
  const {
    id,
    repository,
    state,
    definition,
    context,
    ref,
    commit,
    tag,
    args,
    createdAt,
    startedAt,
    finishedAt,
    error,
    image,
    isKept,
  } = build;
  return {
    ...{ id, repo_id: repository, status: state, definition, context, ref, commit, tag, args: { ...args } },
    ...{ created_at: iso(createdAt), started_at: timeOrNull(startedAt), finished_at: timeOrNull(finishedAt), error },
    kept: isKept,
    image: image === null ? null : { ...image },
  };
}

/** What may wait for a client that doesn't read, bytes. */
const UNREAD = 1024 * 1024;

/** Builds of container images. */
export function buildRoutes(app: ApiApp, { pool, automation: { builds } }: ApiContext, closing: AbortSignal): void {
  const tags = ['containers'];
  const params = Type.Object({ repo: Type.String({ maxLength: 200 }), build: Type.String({ maxLength: 100 }) });
  const Start = closed({
    definition: Type.Optional(Type.String({ minLength: 1, maxLength: 8192, description: 'the only one unless told otherwise' })),
    context: Type.Optional(
      Type.String({ maxLength: 8192, description: 'a folder that holds the definition; all unless told otherwise' }),
    ),
    ref: Type.Optional(Rev),
    tag: Type.Optional(
      Type.String({ pattern: '^[a-z0-9]+(?:[._/-][a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$', maxLength: 200 }),
    ),
    args: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$' }), Type.String({ maxLength: 4096 }), {
        additionalProperties: false,
      }),
    ),
  });
  app.post(
    '/repos/:repo/containers/build',
    {
      config: { access: 'repo:write' },
      schema: {
        summary: 'Start a build of a committed definition',
        tags,
        params: RepoParams,
        body: Start,
        response: answers(201, BuildShape),
      },
    },
    async ({ params: { repo }, body: { definition, context = '', ref = 'HEAD', tag, args = {} } }, reply) => {
      const folder = context.replace(/^\/+|\/+$/g, '');
      const found = await pool.use(repo, async (repository) => {
        const commit = await repository.resolve(ref);
        if (definition !== undefined) {
          checkDefinition(definition);
          await repository.readFile(definition, commit);
          return { commit, path: definition };
        }
        const [only, another] = await definitions(repository, commit);
        if (only === undefined || another !== undefined)
          throw new ApiError(
            400,
            'INVALID_REQUEST',
            `there ${only === undefined ? 'is no definition' : 'are several definitions: name one'}`,
          );
        return { commit, path: only.path };
      });
      if (folder !== '' && !found.path.startsWith(`${folder}/`))
        throw new ApiError(400, 'INVALID_REQUEST', 'the definition does not lie in the context');
      if (Object.keys(args).length > 100) throw new ApiError(400, 'INVALID_REQUEST', 'at most 100 args');
      const name = tag === undefined ? null : `${repo.toLowerCase().replace(/[^a-z0-9]+/g, '-')}/${tag}`;
      const request = { definition: found.path, context: folder, ref, commit: found.commit, tag: name, args };
      return reply.code(201).send(shape(await builds.start(repo, request)));
    },
  );
  app.get(
    '/repos/:repo/containers/builds',
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'List builds, newest first', tags, params: RepoParams, querystring: closed(PAGE) },
        response: answers(200, Type.Object({ builds: Type.Array(BuildShape), count: Type.Integer(), total: Type.Integer() })),
      },
    },
    async ({ params: { repo }, query }) => {
      pool.entry(repo);
      const all = builds.list(repo);
      const some = page(all, query).map(shape);
      return { builds: some, count: some.length, total: all.length };
    },
  );
  app.get(
    '/repos/:repo/containers/builds/:build',
    {
      config: { access: 'repo:read' },
      schema: { summary: 'Show a build', tags, params, response: answers(200, BuildShape) },
    },
    async ({ params: { repo, build } }) => {
      pool.entry(repo);
      return shape(builds.get(repo, build));
    },
  );
  app.post(
    '/repos/:repo/containers/builds/:build/cancel',
    {
      config: { access: 'repo:write' },
      schema: { summary: 'End a build', tags, params, response: answers(200, BuildShape) },
    },
    async ({ params: { repo, build } }) => {
      pool.entry(repo);
      return shape(builds.cancel(repo, build));
    },
  );
  app.get(
    '/repos/:repo/containers/builds/:build/logs',
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'What a build says (text/plain), to its end with follow', tags, params },
        ...{ querystring: closed({ follow: Type.Optional(Type.Boolean()) }), response: { 200: Type.String() } },
      },
    },
    async (request, reply) => {
      const { repo, build } = request.params;
      pool.entry(repo);
      const { id } = builds.get(repo, build);
      const log = builds.log(id);
      reply.header('Content-Type', 'text/plain; charset=utf-8').header('X-Content-Type-Options', 'nosniff');
      if (request.query.follow !== true || log === null) return builds.said(id);
      follow(log, outlet(reply, {}, closing));
      return reply;
    },
  );
}

/** Sends what was said, and what is being said until the end. */
function follow(log: BuildLog, sink: Outlet): void {
  let hasEnded = false;
  let stop = (): void => undefined;
  const end = (): void => {
    if (hasEnded) return;
    hasEnded = true;
    sink.end();
  };
  sink.closing.addEventListener('abort', end, { once: true });
  sink.onClose(() => {
    hasEnded = true;
    stop();
    sink.closing.removeEventListener('abort', end);
  });
  sink.write(log.said());
  stop = log.listen((text) => {
    if (text === null) end();
    else if (!hasEnded) sink.write(text);
    if (sink.unread() > UNREAD) sink.cut();
  });
}
