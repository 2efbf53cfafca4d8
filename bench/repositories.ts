import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Catalogue } from '../apps/stargate/root/folders/catalogue.js';
import { makeRepository } from '../apps/stargate/root/folders/make-repository.js';
import { parseRepositoryName } from '../ports/grammar/repository-name.js';
import { freePort } from '../test/support/programs/free-port.js';
import { isolatedEnv } from '../test/support/worlds/isolated-env.js';
import { BIN_DIR } from '../test/support/root.js';
import { until } from '../test/support/until.js';
import { reportAll, timed } from './report.js';

/**
 * Creating a repository through the replication API, on one server and on two; and what a server takes that has 10, 100 and 1,000 repositories, of
 * which many are asked for and few are open. `node dist/bench/repositories.js [--full]`
 */
const FULL = process.argv.includes('--full');
const CREATIONS = FULL ? 100 : 25;
const OPEN = 8;

const folder = await mkdtemp(join(tmpdir(), 'git-kv-repositories-'));
const env = isolatedEnv(folder);
const running = new Set<ChildProcess>();

/** A server that answers; and how long that took, ms. */
async function serve(
  root: string,
  port: number,
  ...more: readonly string[]
): Promise<{ readonly child: ChildProcess; readonly ms: number }> {
  const listen = ['--listen-http', `127.0.0.1:${port}`, '--listen-ssh', '127.0.0.1:0'];
  const args = [join(BIN_DIR, 'git-kv-stargate.js'), 'serve', '--api', '--root', root, ...listen, ...more];
  const started = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  running.add(child);
  let log = '';
  child.stderr.on('data', (text: Buffer) => {
    log = `${log}${text}`.slice(-100_000);
  });
  await until('the server is ready', () => log.includes('"event":"ready"'), { ms: 120_000, clue: () => log });
  return { child, ms: performance.now() - started };
}

const stop = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('exit', () => {
      running.delete(child);
      resolve();
    });
    child.kill();
  });

async function create(port: number, name: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`http://127.0.0.1:${port}/repos`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ repo_id: name }),
  });
  if (response.status !== 201) throw new Error(`${name}: ${response.status} ${await response.text()}`);
}

/** What a process has in memory, and has had at most, MiB. */
async function memory({ pid }: ChildProcess): Promise<{ readonly now: number; readonly most: number }> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { now: Math.round(kib('VmRSS') / 1024), most: Math.round(kib('VmHWM') / 1024) };
}

try {
  const [alone, first, second] = [await freePort(), await freePort(), await freePort()];
  await serve(join(folder, 'alone'), alone);
  await Promise.all([
    serve(join(folder, 'first'), first, '--server-id', 's1', '--peer', `http://127.0.0.1:${second}`),
    serve(join(folder, 'second'), second, '--server-id', 's2', '--peer', `http://127.0.0.1:${first}`),
  ]);
  for (const port of [first, second])
    await until('they see each other', async () => {
      const { status } = (await (await fetch(`http://127.0.0.1:${port}/health`)).json()) as { status: string };
      return status === 'healthy';
    });
  const [one, two]: number[][] = [[], []];
  for (let run = -2; run < CREATIONS; run += 1) {
    const took = [await timed(() => create(alone, `bench/r${run + 2}`)), await timed(() => create(first, `bench/r${run + 2}`))];
    if (run < 0) continue; // the first ones load what they need
    one?.push(took[0] as number);
    two?.push(took[1] as number);
  }
  for (const child of [...running]) await stop(child);

  const catalogue = new Catalogue(join(folder, 'many'));
  const name = parseRepositoryName('bench/r0');
  if (name === null) throw new Error('no name');
  await mkdir(join(folder, 'many', '.stargate'), { recursive: true });
  const policy = 'version: 1\nstargate: { admins: [] }\nnamespaces: { main: { writers: [] } }\n';
  const made = await makeRepository(catalogue, name, {
    policy,
    objectFormat: 'sha1',
    repositoryId: randomBytes(16).toString('hex'),
  });
  const rows: [string, ...(string | number)[]][] = [];
  let copied = 1;
  for (const count of [10, 100, 1000]) {
    for (; copied < count; copied += 1) {
      const copy = catalogue.folder({ owner: 'bench', name: `r${copied}` });
      await cp(made, copy, { recursive: true });
      await writeFile(join(copy, '.stargate', 'repository-id'), `${randomBytes(16).toString('hex')}\n`);
    }
    const port = await freePort();
    const { child, ms } = await serve(catalogue.root, port, '--max-open', String(OPEN));
    const atStart = await memory(child);
    const asked = FULL ? count : Math.min(count, 100);
    const queue = Array.from({ length: asked }, (_, at) => at);
    const started = performance.now();
    const visit = async (): Promise<void> => {
      for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
        const refs = await fetch(`http://127.0.0.1:${port}/git/bench/r${at}.git/info/refs?service=git-upload-pack`);
        if (refs.status !== 200) throw new Error(`r${at}: ${refs.status} ${await refs.text()}`);
        await refs.arrayBuffer();
      }
    };
    await Promise.all([visit(), visit()]);
    const each = Math.round((performance.now() - started) / asked);
    const after = await memory(child);
    rows.push([`${count} repositories`, Math.round(ms), atStart.now, asked, each, after.now, after.most]);
    await stop(child);
  }
  reportAll(
    'repositories',
    [
      {
        title: 'Creating a repository through the replication API',
        rows: [
          { what: 'one server', samples: one ?? [] },
          { what: 'two servers', samples: two ?? [] },
        ],
      },
    ],
    { open: `at most ${OPEN} repositories at a time` },
    [
      {
        title: 'A server with many repositories',
        columns: ['ready after ms', 'MiB then', 'asked for', 'ms each', 'MiB then', 'at most'],
        rows,
      },
    ],
  );
} finally {
  for (const child of running) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
