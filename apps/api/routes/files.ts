import { Type } from 'typebox';
import { Mutex } from '../../../domain/gateway/mutex.js';
import type { Repository } from '../../../domain/repo/repository.js';
import type { FileContent } from '../../../domain/repo/types.js';
import { KvError } from '../../../ports/error.js';
import { answers, closed, Done, done, FilePutBody, PAGE, page, Path, RepoParams, RestParams, Rev } from '../schemas/common.js';
import { bytesOf, entryShape, FileShape, fileShape, TreeShape } from '../schemas/repository.js';
import type { ApiApp, ApiContext } from '../requests/context.js';
import { checkIfMatch, etag, hasIt } from '../requests/etag.js';

/** Files of the staging area and of commits, and directories. */
export function fileRoutes(app: ApiApp, { pool }: ApiContext): void {
  const tags = ['files'];
  const turns = new WeakMap<Repository, Mutex>();

  /** Runs a change that rests on what a file is, one at a time. */
  const alone = async <T>(repository: Repository, work: () => Promise<T>): Promise<T> => {
    const turn = turns.get(repository) ?? new Mutex();
    turns.set(repository, turn);
    const release = await turn.acquire();
    try {
      return await work();
    } finally {
      release();
    }
  };
  const change = (
    request: { readonly headers: Record<string, string | string[] | undefined>; readonly params: { readonly repo: string } },
    path: string,
    work: (repository: Repository) => Promise<void>,
  ): Promise<string | null> =>
    pool.use(request.params.repo, (repository) =>
      alone(repository, async () => {
        if (request.headers['if-match'] !== undefined)
          checkIfMatch(request as Parameters<typeof checkIfMatch>[0], (await stagedOrNull(repository, path))?.oid ?? null);
        await work(repository);
        return (await stagedOrNull(repository, path))?.oid ?? null;
      }),
    );

  app.post(
    '/repos/:repo/files',
    {
      config: { access: 'repo:write' },
      schema: {
        summary: 'Add a file to the staging area',
        tags,
        params: RepoParams,
        body: closed(FilePutBody),
        response: answers(201, Done),
      },
    },
    async (request, reply) => {
      const { path, content, encoding, mode = '100644' } = request.body;
      const oid = await change(request, path, (repository) =>
        repository.add({ path, content: bytesOf(content, encoding), mode }),
      );
      if (oid !== null) reply.header('ETag', etag(oid));
      return reply.code(201).send(done(`${path} is staged`));
    },
  );

  const { path: _path, ...PutBody } = FilePutBody;
  app.put(
    '/repos/:repo/files/*',
    {
      config: { access: 'repo:write' },
      schema: {
        summary: 'Put a file into the staging area',
        tags,
        params: RestParams,
        body: closed(PutBody),
        response: answers(200, Done),
      },
    },
    async (request, reply) => {
      const { '*': path } = request.params;
      const { content, encoding, mode = '100644' } = request.body;
      const oid = await change(request, path, (repository) =>
        repository.add({ path, content: bytesOf(content, encoding), mode }),
      );
      if (oid !== null) reply.header('ETag', etag(oid));
      return done(`${path} is staged`);
    },
  );

  app.delete(
    '/repos/:repo/files/*',
    {
      config: { access: 'repo:write' },
      schema: {
        summary: 'Remove a file or a directory, in the staging area',
        tags,
        params: RestParams,
        response: answers(200, Done),
      },
    },
    async (request) => {
      const { '*': path } = request.params;
      await change(request, path, (repository) => repository.remove(path));
      return done(`${path} is removed`);
    },
  );

  app.post(
    '/repos/:repo/files/move',
    {
      config: { access: 'repo:write' },
      schema: {
        ...{ summary: 'Move a file or a directory, in the staging area', tags, params: RepoParams },
        ...{ body: closed({ from: Path, to: Path }), response: answers(200, Done) },
      },
    },
    async (request) => {
      const { from, to } = request.body;
      await change(request, from, (repository) => repository.move(from, to));
      return done(`${from} is ${to} now`);
    },
  );

  app.get(
    '/repos/:repo/files/*',
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'Read a file: as it is staged, or with ref as a revision has it', tags, params: RestParams },
        ...{ querystring: closed({ ref: Type.Optional(Rev) }), response: { ...answers(200, FileShape), 304: Type.Null() } },
      },
    },
    async (request, reply) => {
      const { repo, '*': path } = request.params;
      const { ref } = request.query;
      const file = await pool.use(repo, (repository) =>
        ref === undefined ? repository.readStaged(path) : repository.readFile(path, ref),
      );
      reply.header('ETag', etag(file.oid)).header('Cache-Control', 'private, no-cache');
      if (hasIt(request, file.oid)) return reply.code(304).send(null);
      return fileShape(file);
    },
  );

  const TreeQuery = closed({ ...PAGE, ref: Type.Optional(Rev), recursive: Type.Optional(Type.Boolean()) });
  const tree = async (
    repo: string,
    path: string,
    query: { ref?: string; recursive?: boolean; limit?: number; offset?: number },
  ) => {
    const { ref = 'HEAD', recursive = false } = query;
    const entries = await pool.use(repo, (repository) => repository.list(path, { rev: ref, recursive }));
    return { path, entries: page(entries, query).map(entryShape), total: entries.length };
  };
  app.get(
    '/repos/:repo/tree',
    {
      config: { access: 'repo:read' },
      schema: { summary: 'List the root', tags, params: RepoParams, querystring: TreeQuery, response: answers(200, TreeShape) },
    },
    async ({ params: { repo }, query }) => tree(repo, '', query),
  );
  app.get(
    '/repos/:repo/tree/*',
    {
      config: { access: 'repo:read' },
      schema: {
        summary: 'List a directory',
        tags,
        params: RestParams,
        querystring: TreeQuery,
        response: answers(200, TreeShape),
      },
    },
    async ({ params: { repo, '*': path }, query }) => tree(repo, path.replace(/\/$/, ''), query),
  );
}

async function stagedOrNull(repository: Repository, path: string): Promise<FileContent | null> {
  try {
    return await repository.readStaged(path);
  } catch (error) {
    if (KvError.is(error) && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}
