import { once } from 'node:events';
import { Readable } from 'node:stream';
import { type Static, Type } from 'typebox';
import type { RefVerdict } from '../../../domain/git/wire/push-report.js';
import type { Repository } from '../../../domain/repo/facade.js';
import { takeBundle } from '../../../domain/repo/serve/push/take-bundle.js';
import { bundleOf } from '../../../domain/repo/transfer/bundle.js';
import { copyRefs } from '../../../domain/repo/transfer/copy.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import { unpacked } from '../git/body.js';
import { nodeZlib } from '../../node-zlib.js';
import type { ApiApp, ApiContext } from '../requests/context.js';
import { answers, closed, RepoParams } from '../schemas/common.js';

/** Objects of one import. */
const MOST_OBJECTS = 5_000_000;
const BUNDLE = 'application/x-git-bundle';

const Refs = Type.Object({ refs: Type.Array(Type.Object({ ref: Type.String() })), count: Type.Integer() });

/** Whole repositories, in and out: as a bundle, and as a bare repository in a folder of the server. */
export function transferRoutes(app: ApiApp, { pool, hasher, version, folders }: ApiContext): void {
  const tags = ['transfer'];
  const shape = (names: Iterable<Pick<RefVerdict, 'ref'>>): Static<typeof Refs> => {
    const refs = [...names].map(({ ref }) => ({ ref }));
    return { refs, count: refs.length };
  };
  const take = (repository: Repository, store: GitStore, force: boolean, bytes: AsyncIterable<Uint8Array>) => {
    const parts = { store, hasher, zlib: nodeZlib, agent: `git-kv-api/${version}` };
    return takeBundle({ ...parts, repository, maxObjects: MOST_OBJECTS, force }, bytes);
  };
  const Force = { force: Type.Optional(Type.Boolean({ description: 'move refs that are elsewhere, too' })) };

  app.get(
    '/repos/:repo/export/bundle',
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'All branches and tags as a bundle, which git clones', tags, params: RepoParams },
        ...{ produces: [BUNDLE], response: { 200: Type.Unknown() } },
      },
    },
    async ({ params: { repo } }, reply) => {
      await pool.use(repo, async (_repository, store) => {
        const pieces = bundleOf(store, hasher, { zlib: nodeZlib });
        const first = await pieces.next(); // what is wrong is said before the answer has begun
        const all = async function* (): AsyncGenerator<Uint8Array> {
          if (first.done !== true) yield first.value;
          yield* pieces;
        };
        const stream = Readable.from(all(), { objectMode: false });
        const ended = once(stream, 'close');
        const named = { 'Content-Type': BUNDLE, 'Content-Disposition': `attachment; filename="${repo}.bundle"` };
        void reply.headers(named).send(stream);
        await ended;
      });
      return reply;
    },
  );
  app.register(async (own) => {
    own.addContentTypeParser([BUNDLE, 'application/octet-stream'], (_request, payload, done) => done(null, payload));
    own.post(
      '/repos/:repo/import/bundle',
      {
        config: { access: 'repo:write' },
        schema: {
          ...{ summary: 'Take all branches and tags of a bundle, or none', tags, params: RepoParams, consumes: [BUNDLE] },
          ...{ body: Type.Unknown(), querystring: closed(Force), response: answers(200, Refs) },
        },
      },
      async (request) => {
        const { repo } = request.params as Static<typeof RepoParams>;
        const { force = false } = request.query as { readonly force?: boolean };
        const bytes = unpacked(request.raw);
        return shape(await pool.use(repo, (repository, store) => take(repository, store, force, bytes)));
      },
    );
  });
  const Folder = { path: Type.String({ minLength: 1, maxLength: 4096, description: 'of a bare repository, on the server' }) };
  app.post(
    '/repos/:repo/import',
    {
      config: { access: 'system:admin' },
      schema: {
        ...{ summary: 'Take all branches and tags of a folder that the operator allows', tags, params: RepoParams },
        ...{ body: closed({ ...Folder, ...Force }), response: answers(200, Refs) },
      },
    },
    async ({ params: { repo }, body: { path, force = false } }) =>
      pool.use(repo, (repository, store) =>
        folders.use(path, undefined, async (from) => shape(await take(repository, store, force, bundleOf(from, hasher)))),
      ),
  );
  app.post(
    '/repos/:repo/export',
    {
      config: { access: 'system:admin' },
      schema: {
        ...{ summary: 'Bring all branches and tags into a folder that the operator allows', tags, params: RepoParams },
        ...{ body: closed(Folder), response: answers(200, Refs) },
      },
    },
    async ({ params: { repo }, body: { path } }) =>
      pool.use(repo, (_repository, store) =>
        folders.use(path, store.objectFormat, async (to) =>
          shape([...(await copyRefs(store, to)).keys()].map((ref) => ({ ref }))),
        ),
      ),
  );
}
