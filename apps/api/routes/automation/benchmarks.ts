import { type Static, Type } from 'typebox';
import type { Benchmark } from '../../benchmarks/benchmarks.js';
import type { ApiApp, ApiContext } from '../../requests/context.js';
import { gone } from '../../requests/gone.js';
import { answers, closed, RepoParams, TextOrNull } from '../../schemas/common.js';
import { iso } from '../../schemas/repository.js';
import { Name, RealityParams } from '../realities.js';

const Run = Type.Object({ duration_ms: Type.Number(), exit_code: Type.Integer(), timed_out: Type.Boolean() });
const BenchmarkShape = Type.Object({
  ...{ reality: Type.String(), command: Type.String(), commit: TextOrNull, runs: Type.Array(Run) },
  ...{
    duration_ms: Type.Number(),
    exit_code: Type.Integer(),
    output: Type.String(),
    truncated: Type.Boolean(),
    at: Type.String(),
  },
});
const Compared = Type.Object({ benchmarks: Type.Array(BenchmarkShape), count: Type.Integer(), winner: TextOrNull });

const ms = (time: number): number => Math.round(time * 1000) / 1000;
const shape = ({
  reality,
  command,
  commit,
  runs,
  duration,
  exitCode,
  output,
  truncated,
  at,
}: Benchmark): Static<typeof BenchmarkShape> => ({
  ...{ reality, command, commit, duration_ms: ms(duration), exit_code: exitCode, output, truncated, at: iso(at) },
  runs: runs.map((run) => ({ duration_ms: ms(run.duration), exit_code: run.exitCode, timed_out: run.timedOut })),
});
const compared = (all: readonly Benchmark[]): Static<typeof Compared> => {
  const [first] = all;
  return { benchmarks: all.map(shape), count: all.length, winner: first?.exitCode === 0 ? first.reality : null };
};

/** How realities do under the operator's commands, side by side. */
export function benchmarkRoutes(app: ApiApp, { pool, automation: { benchmarks } }: ApiContext): void {
  const tags = ['benchmarks'];
  const Command = Type.String({ minLength: 1, maxLength: 64, description: "one of the operator's names" });
  const Runs = Type.Optional(
    Type.Integer({ minimum: 1, maximum: 20, description: '1 unless told otherwise; the middle one counts' }),
  );
  app.post(
    '/repos/:repo/parallel-realities/:name/benchmark',
    {
      config: { access: 'repo:write' },
      schema: {
        ...{ summary: 'Run a command on its state, and note how it did', tags, params: RealityParams },
        ...{ body: closed({ command: Command, runs: Runs }), response: answers(200, BenchmarkShape) },
      },
    },
    async ({ params: { repo, name }, body: { command, runs = 1 } }, reply) =>
      shape(await pool.use(repo, (repository) => benchmarks.run(repo, repository.reality(name), command, runs, gone(reply)))),
  );
  app.get(
    '/repos/:repo/parallel-realities/:name/benchmark',
    {
      config: { access: 'repo:read' },
      schema: { summary: 'How commands did on it', tags, params: RealityParams, response: answers(200, Compared) },
    },
    async ({ params: { repo, name } }) =>
      pool.use(repo, async (repository) => compared(benchmarks.results(repo, [repository.reality(name)]))),
  );
  app.post(
    '/repos/:repo/benchmarks',
    {
      config: { access: 'repo:write' },
      schema: {
        ...{
          summary: 'Run a command on several realities, one after another, and compare them: the best first',
          tags,
          params: RepoParams,
        },
        body: closed({
          command: Command,
          realities: Type.Optional(Type.Array(Name, { minItems: 1, maxItems: 100, description: 'all unless told otherwise' })),
          runs: Runs,
        }),
        response: answers(200, Compared),
      },
    },
    async ({ params: { repo }, body: { command, realities: names, runs = 1 } }, reply) =>
      pool.use(repo, async (repository) => {
        const realities =
          names === undefined ? repository.realities().slice(0, 100) : names.map((name) => repository.reality(name));
        const signal = gone(reply);
        for (const reality of realities) await benchmarks.run(repo, reality, command, runs, signal);
        return compared(benchmarks.results(repo, realities, command));
      }),
  );
  app.get(
    '/repos/:repo/benchmarks',
    {
      config: { access: 'repo:read' },
      schema: {
        ...{ summary: 'What was measured of realities that are still there, the best first', tags, params: RepoParams },
        ...{ querystring: closed({ command: Type.Optional(Command) }), response: answers(200, Compared) },
      },
    },
    async ({ params: { repo }, query: { command } }) =>
      pool.use(repo, async (repository) => compared(benchmarks.results(repo, repository.realities(), command))),
  );
}
