import { type Static, Type } from 'typebox';
import type { RepositoryTransaction, Validation, Validator } from '../../../domain/repo/isolated.js';
import type { FilePut } from '../../../domain/repo/types.js';
import { KvError } from '../../../ports/error.js';
import { answers, AUTHOR, closed, Done, done, FilePutBody, Path, RepoParams, Rev } from '../schemas/common.js';
import { authorOf, bytesOf, CommitShape, commitShape, iso } from '../schemas/repository.js';
import type { ApiApp, ApiContext } from '../requests/context.js';
import { gone } from '../requests/gone.js';
import { ApiError } from '../problems/errors.js';

const TxShape = Type.Object({ id: Type.String(), repo_id: Type.String(), created_at: Type.String() });
const TxParams = Type.Object({ repo: Type.String({ maxLength: 200 }), tx: Type.String({ maxLength: 200 }) });

/** Whether what isn't committed yet may be, and what is wrong per file. */
export const ValidationShape = Type.Object({
  valid: Type.Boolean(),
  faults: Type.Array(
    Type.Object({
      ...{ path: Type.String(), message: Type.String(), line: Type.Optional(Type.Integer()) },
      check: Type.Optional(Type.String()),
    }),
  ),
  conflicts: Type.Array(Type.String()),
});

/** Gives it. */
export function validationShape({ valid, faults, conflicts }: Validation): Static<typeof ValidationShape> {
  return { valid, faults: faults.map((fault) => ({ ...fault })), conflicts: [...conflicts] };
}

/** Which checks are to be run: those that the repository names unless told otherwise. */
export const ValidateBody = Type.Optional(
  Type.Union([
    closed({ validators: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 50, description: 'names' })) }),
    Type.Null(),
  ]),
);

/** Gives them. Throws `NOT_FOUND` for a name that no check has. */
export function validatorsOf(
  { checks, settings }: ApiContext['automation'],
  repo: string,
  body: Static<typeof ValidateBody>,
  reply: Parameters<typeof gone>[0],
): readonly Validator[] {
  const rules = settings.of(repo);
  const names = body?.validators ?? rules.validators;
  checks.known(body?.validators ?? []);
  return checks.validators(names, rules, { owner: repo, signal: gone(reply) });
}

/** The files of a body: one, or several. */
export const FilesBody = Type.Union([
  closed(FilePutBody),
  closed({ files: Type.Array(closed(FilePutBody), { minItems: 1, maxItems: 10_000 }) }),
]);

/** Gives them. */
function filesOf(body: Static<typeof FilesBody>): FilePut[] {
  const files = 'files' in body ? body.files : [body];
  return files.map(({ path, content, encoding, mode = '100644' }) => ({ path, content: bytesOf(content, encoding), mode }));
}

/** Sets of changes that become one commit, or nothing. */
export function transactionRoutes(app: ApiApp, { pool, automation }: ApiContext): void {
  const tags = ['transactions'];
  const shape = (repo: string, tx: RepositoryTransaction): Static<typeof TxShape> => {
    const { id, createdAt } = tx.info();
    return { id, repo_id: repo, created_at: iso(createdAt) };
  };
  const within = <T>(
    { repo, tx }: Static<typeof TxParams>,
    work: (transaction: RepositoryTransaction) => Promise<T>,
  ): Promise<T> =>
    pool.use(repo, async (repository) => {
      let transaction: RepositoryTransaction;
      try {
        transaction = repository.transaction(tx);
      } catch (error) {
        if (KvError.is(error) && error.code === 'NOT_FOUND')
          throw new ApiError(404, 'TX_NOT_FOUND', 'there is no such transaction');
        throw error;
      }
      return work(transaction);
    });

  app.post(
    '/repos/:repo/transaction',
    {
      config: { access: 'repo:write' },
      schema: {
        ...{ summary: 'Begin a transaction', tags, params: RepoParams, response: answers(201, TxShape) },
        body: Type.Optional(Type.Union([closed({ branch: Type.Optional(Rev) }), Type.Null()])),
      },
    },
    async ({ params: { repo }, body }, reply) => {
      const branch = body?.branch;
      const begun = await pool.use(repo, (repository) => repository.begin(branch === undefined ? {} : { branch }));
      return reply.code(201).send(shape(repo, begun));
    },
  );
  app.get(
    '/repos/:repo/transaction/:tx',
    {
      config: { access: 'repo:read' },
      schema: { summary: 'Show a transaction', tags, params: TxParams, response: answers(200, TxShape) },
    },
    async ({ params }) => within(params, async (tx) => shape(params.repo, tx)),
  );
  app.post(
    '/repos/:repo/transaction/:tx/add',
    {
      config: { access: 'repo:write' },
      schema: { summary: 'Put files', tags, params: TxParams, body: FilesBody, response: answers(200, Done) },
    },
    async ({ params, body }) => {
      const put = filesOf(body);
      await within(params, (tx) => tx.apply({ put }));
      return done(`${put.length} put`);
    },
  );
  const RemoveBody = Type.Union([closed({ path: Path }), closed({ paths: Type.Array(Path, { minItems: 1, maxItems: 10_000 }) })]);
  app.post(
    '/repos/:repo/transaction/:tx/remove',
    {
      config: { access: 'repo:write' },
      schema: { summary: 'Remove files', tags, params: TxParams, body: RemoveBody, response: answers(200, Done) },
    },
    async ({ params, body }) => {
      const remove = 'paths' in body ? body.paths : [body.path];
      await within(params, (tx) => tx.apply({ remove }));
      return done(`${remove.length} removed`);
    },
  );
  app.post(
    '/repos/:repo/transaction/:tx/validate',
    {
      config: { access: 'repo:write' },
      schema: {
        summary: 'Say what keeps it from being committed',
        tags,
        params: TxParams,
        body: ValidateBody,
        response: answers(200, ValidationShape),
      },
    },
    async ({ params, body }, reply) =>
      within(params, async (tx) => validationShape(await tx.validate(validatorsOf(automation, params.repo, body, reply)))),
  );
  const CommitBody = closed({ message: Type.String({ maxLength: 1_000_000 }), ...AUTHOR });
  app.post(
    '/repos/:repo/transaction/:tx/commit',
    {
      config: { access: 'repo:write' },
      schema: {
        summary: 'Commit it; 409 with the paths that others have changed first',
        tags,
        params: TxParams,
        body: CommitBody,
        response: answers(201, CommitShape),
      },
    },
    async (request, reply) => {
      const { message } = request.body;
      const author = authorOf(request.holder, request.body);
      const info = await within(request.params, (tx) => tx.commit({ message, author }));
      return reply.code(201).send(commitShape(info));
    },
  );
  app.post(
    '/repos/:repo/transaction/:tx/rollback',
    {
      config: { access: 'repo:write' },
      schema: { summary: 'Drop it', tags, params: TxParams, response: answers(200, Done) },
    },
    async ({ params }) => {
      await within(params, async (tx) => tx.rollback());
      return done('rolled back');
    },
  );
}
