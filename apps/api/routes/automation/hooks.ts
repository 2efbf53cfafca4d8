import { type Static, Type } from 'typebox';
import { KvError } from '../../../../ports/error.js';
import type { RepositorySettings } from '../../pool/repository-settings.js';
import type { ApiApp, ApiContext } from '../../requests/context.js';
import { answers, closed, Path, RepoParams } from '../../schemas/common.js';
import { iso } from '../../schemas/repository.js';

const Names = Type.Array(Type.String({ maxLength: 64 }), { maxItems: 50 });
const Rule = closed({ files: Type.String({ minLength: 1, maxLength: 1000, description: 'a glob' }), schema: Path });
const VALIDATORS = {
  validators: Names,
  max_file_bytes: Type.Union([Type.Integer({ minimum: 0, maximum: 2 ** 40 }), Type.Null()]),
  schemas: Type.Array(Rule, { maxItems: 100 }),
};
const ValidatorsShape = Type.Object({ ...VALIDATORS, available: Names });
const HOOKS = { pre_commit: Names, post_commit: Names };
const Run = Type.Object({
  ...{ command: Type.String(), ref: Type.String(), commit: Type.String(), at: Type.String() },
  ...{ exit_code: Type.Union([Type.Integer(), Type.Null()]), duration_ms: Type.Number(), output: Type.String() },
});
const HooksShape = Type.Object({
  ...HOOKS,
  available: Type.Object({ pre_commit: Names, post_commit: Names }),
  recent: Type.Array(Run),
});

const Isolation = Type.Object({
  ...{
    user: Type.Boolean(),
    network: Type.Boolean(),
    processes: Type.Boolean(),
    folders: Type.Boolean(),
    limits: Type.Boolean(),
  },
});
const CommandsShape = Type.Object({
  commands: Type.Array(Type.Object({ name: Type.String(), timeout_ms: Type.Integer(), memory_bytes: Type.Integer() })),
  ...{ count: Type.Integer(), isolation: Type.Union([Isolation, Type.Null()]) },
});

/** What `validate` runs in a repository, and what is run before and after its commits: by names, of which the operator has given some. */
export function hookRoutes(app: ApiApp, { pool, automation }: ApiContext): void {
  const { settings, checks, commands, hooks } = automation;
  const tags = ['hooks'];
  /** Opens the repository, so that its settings are known. */
  const change = async (repo: string, changed: Partial<RepositorySettings>): Promise<void> => {
    await pool.use(repo, () => settings.change(repo, () => changed));
  };
  const validators = (repo: string): Static<typeof ValidatorsShape> => {
    const { validators: names, maxFileBytes, schemas } = settings.of(repo);
    return {
      validators: [...names],
      max_file_bytes: maxFileBytes,
      schemas: schemas.map((rule) => ({ ...rule })),
      available: checks.names(),
    };
  };
  app.get(
    '/commands',
    {
      config: { access: 'repo:read' },
      schema: {
        summary: "The operator's commands by their names, what they may take, and what the system keeps from them",
        ...{ tags, response: answers(200, CommandsShape) },
      },
    },
    async () => {
      const all = commands.names().flatMap((name) => {
        const limits = commands.limits(name);
        return limits === undefined ? [] : [{ name, timeout_ms: limits.time, memory_bytes: limits.memory }];
      });
      const isolation = await commands.isolation();
      return { commands: all, count: all.length, isolation: isolation === null ? null : { ...isolation } };
    },
  );
  app.get(
    '/repos/:repo/validators',
    {
      config: { access: 'repo:read' },
      schema: { summary: 'What validate runs', tags, params: RepoParams, response: answers(200, ValidatorsShape) },
    },
    async ({ params: { repo } }) => pool.use(repo, async () => validators(repo)),
  );
  app.put(
    '/repos/:repo/validators',
    {
      config: { access: 'webhook:write' },
      schema: {
        ...{ summary: 'Say what validate is to run', tags, params: RepoParams },
        ...{ body: Type.Partial(closed(VALIDATORS)), response: answers(200, ValidatorsShape) },
      },
    },
    async ({ params: { repo }, body: { validators: names, max_file_bytes: maxFileBytes, schemas } }) => {
      checks.known(names ?? []);
      await change(repo, {
        ...(names === undefined ? {} : { validators: names }),
        ...(maxFileBytes === undefined ? {} : { maxFileBytes }),
        ...(schemas === undefined ? {} : { schemas }),
      });
      return validators(repo);
    },
  );

  const shown = (repo: string): Static<typeof HooksShape> => {
    const { preCommit, postCommit } = settings.of(repo);
    const recent = hooks.recent(repo).map(({ command, ref, commit, at, exitCode, duration, output }) => ({
      ...{ command, ref, commit, at: iso(at), exit_code: exitCode, duration_ms: Math.round(duration), output },
    }));
    return {
      ...{ pre_commit: [...preCommit], post_commit: [...postCommit], recent },
      available: { pre_commit: checks.names(), post_commit: commands.names() },
    };
  };
  app.get(
    '/repos/:repo/hooks',
    {
      config: { access: 'repo:read' },
      schema: {
        summary: 'What runs before and after commits, and how it went',
        tags,
        params: RepoParams,
        response: answers(200, HooksShape),
      },
    },
    async ({ params: { repo } }) => pool.use(repo, async () => shown(repo)),
  );
  app.put(
    '/repos/:repo/hooks',
    {
      config: { access: 'webhook:write' },
      schema: {
        ...{ summary: 'Say what is to run before a commit, which it may refuse, and after one', tags, params: RepoParams },
        ...{ body: Type.Partial(closed(HOOKS)), response: answers(200, HooksShape) },
      },
    },
    async ({ params: { repo }, body: { pre_commit: preCommit, post_commit: postCommit } }) => {
      checks.known(preCommit ?? []);
      for (const name of postCommit ?? [])
        if (!commands.has(name))
          throw new KvError('NOT_FOUND', `no command is called '${name}'`, {
            hint: `choose among: ${commands.names().join(', ') || 'none'}`,
          });
      await change(repo, {
        ...(preCommit === undefined ? {} : { preCommit }),
        ...(postCommit === undefined ? {} : { postCommit }),
      });
      return shown(repo);
    },
  );
}
