import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openApi } from '../../apps/api/server/serve.js';
import { readSettings } from '../../apps/api/settings.js';
import type { Sheet } from '../report.js';
import { repositoryOn } from './commits.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const AUTHOR = { name: 'Dev', email: 'dev@example.com' };

async function held(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage(); // what buffers have is among the latter
  return heapUsed + external;
}

/** What repositories, branches, realities and histories take in memory. */
export async function memory(commits: number): Promise<Sheet> {
  const rows: (readonly [string, ...(string | number)[]])[] = [];
  const each = async (what: string, count: number, work: () => Promise<unknown>): Promise<void> => {
    const before = await held();
    const kept = await work();
    rows.push([what, Math.round(((await held()) - before) / count)]);
    if (kept === null) throw new Error('nothing was made'); // what was made must live until it was weighed
  };
  await each('an empty repository (of 10,000)', 10_000, async () =>
    Promise.all(Array.from({ length: 10_000 }, () => repositoryOn(null))),
  );
  await each('a repository of one commit and one file (of 10,000)', 10_000, async () => {
    const all = [];
    for (let i = 0; i < 10_000; i++) {
      const repository = await repositoryOn(null);
      await repository.add({ path: 'a', content: String(i) });
      await repository.commit({ message: 'm', author: AUTHOR });
      all.push(repository);
    }
    return all;
  });
  const env = { GIT_KV_API_PASSWORD_COST: '14', GIT_KV_API_POOL_MAX_REPOS: '20000' };
  const settings = await readSettings(env, undefined);
  const api = await openApi({ settings, env: process.env, log: () => undefined, toldPassword: () => undefined });
  await each('a repository of the server, open and empty (of 10,000)', 10_000, async () => {
    for (let i = 0; i < 10_000; i++) await api.context.pool.create(`r${i}`, { memoryOnly: true, objectFormat: 'sha1' });
  });
  await api.close();
  const repository = await repositoryOn(null);
  await repository.add(...Array.from({ length: 1000 }, (_, i) => ({ path: `d${i % 20}/f${i}`, content: `v${i}` })));
  await repository.commit({ message: 'base', author: AUTHOR });
  await each('a branch (of 10,000)', 10_000, async () => {
    for (let i = 0; i < 10_000; i++) await repository.createBranch(`b${i}`);
  });
  await each('a reality without a change (of 1,000)', 1000, () =>
    repository.createRealities(Array.from({ length: 1000 }, (_, i) => `r${i}`)),
  );
  await each('a reality with one changed file of 1,000 (of 1,000)', 1000, async () => {
    for (let i = 0; i < 1000; i++)
      await repository.reality(`r${i}`).apply({ put: [{ path: 'd1/f1', content: `n${i}` }], author: AUTHOR });
  });
  await each(`a commit of one changed file of 1,000 (of ${commits.toLocaleString('en')})`, commits, async () => {
    for (let i = 0; i < commits; i++)
      await repository.commitChanges(
        'main',
        { put: [{ path: `d1/f${1 + 20 * (i % 50)}`, content: `n${i}` }] },
        { message: 'c', author: AUTHOR },
      );
  });
  await repository.close();
  return { title: 'Memory', columns: ['bytes each'], rows };
}
