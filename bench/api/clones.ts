import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isolatedEnv } from '../../test/support/worlds/isolated-env.js';
import { quantile, type Row, type Sheet, timed } from '../report.js';
import { login } from './http.js';
import { Connection, wire } from './load.js';
import { type BenchServer, startApi, startBackend } from './server.js';

const run = promisify(execFile);

/** A repository of so many commits and files, packed as git does it. */
async function generate(folder: string, commits: number, files: number): Promise<string> {
  const path = join(folder, 'origin.git');
  const env = isolatedEnv(folder, 'Dev');
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', path], { env });
  const child = spawn('git', ['--git-dir', path, 'fast-import', '--quiet'], { env, stdio: ['pipe', 'ignore', 'inherit'] });
  const write = async (text: string): Promise<void> => {
    if (!child.stdin.write(text)) await once(child.stdin, 'drain');
  };
  const file = (i: number): string => `d${i % 50}/e${i % 7}/f${i}.txt`;
  const content = (i: number, version: number): string =>
    Array.from(
      { length: 20 },
      (_, line) => `line ${line} of file ${i}${line === version % 20 ? ` in version ${version}` : ''}`,
    ).join('\n');
  for (let i = 0; i < commits; i++) {
    const changed = i === 0 ? Array.from({ length: files }, (_, at) => at) : [(i * 7919) % files];
    const who = `Dev <dev@example.com> ${1_700_000_000 + i} +0000`;
    let text = `commit refs/heads/main\nauthor ${who}\ncommitter ${who}\ndata ${String(i).length}\n${i}\n`;
    for (const at of changed) {
      const body = content(at, i);
      text += `M 100644 inline ${file(at)}\ndata ${body.length}\n${body}\n`;
    }
    await write(text);
  }
  child.stdin.end();
  await once(child, 'exit');
  execFileSync('git', ['--git-dir', path, 'repack', '-adq'], { env });
  return path;
}

async function create(server: BenchServer, token: string, id: string): Promise<void> {
  const connection = await Connection.open(server.port);
  await connection.ask(wire('POST', '/api/v1/repos', token, { id, memory_only: true }));
  connection.close();
}

/** The first clone of the same as a bundle brought it in, ms: nothing of its pack is kept, so that it is put together. */
async function firstOfImport(
  folder: string,
  server: BenchServer,
  token: string,
  { origin, header, env }: { readonly origin: string; readonly header: readonly string[]; readonly env: NodeJS.ProcessEnv },
): Promise<number> {
  await create(server, token, 'imported');
  const bundle = join(folder, 'origin.bundle');
  execFileSync('git', ['--git-dir', origin, 'bundle', 'create', '-q', bundle, 'main'], { env });
  const { ok } = await fetch(`http://127.0.0.1:${server.port}/api/v1/repos/imported/import/bundle`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/x-git-bundle' },
    body: readFileSync(bundle),
  });
  if (!ok) throw new Error('the bundle was not taken');
  const url = `http://127.0.0.1:${server.port}/git/imported.git`;
  return timed(() => run('git', [...header, 'clone', '-q', '--bare', url, join(folder, 'clone-imported')], { env }));
}

/** Clones and pushes, served from memory, beside git's own server of the same repository. */
export async function clones(folder: string, { commits, files, runs }: { commits: number; files: number; runs: number }) {
  const origin = await generate(folder, commits, files);
  const env = isolatedEnv(folder, 'Dev');
  const server = await startApi(folder);
  const token = await login(server);
  const backend = await startBackend(folder);
  const header = ['-c', `http.extraHeader=Authorization: Bearer ${token}`];
  const ours = `http://127.0.0.1:${server.port}/git/r.git`;
  const theirs = `http://127.0.0.1:${backend.port}/origin.git`;
  await create(server, token, 'r');
  const filling = await timed(() => run('git', ['--git-dir', origin, ...header, 'push', '-q', ours, 'main'], { env }));
  const filled = server.peak();

  const sides = [
    ['git-kv-api, from memory', ours],
    ['git http-backend', theirs],
  ] as const;
  const clone = new Map<string, number[]>();
  const first = new Map<string, number>();
  const bytes = new Map<string, number>();
  for (let i = 0; i <= runs; i++) {
    for (const [what, url] of sides) {
      const to = join(folder, `clone-${i}-${url.endsWith('r.git') ? 'ours' : 'theirs'}`);
      const ms = await timed(() => run('git', [...header, 'clone', '-q', '--bare', url, to], { env }));
      // The first one gets what was pushed, as it came; git has found it packed from the start.
      if (i === 0) first.set(what, ms);
      else clone.set(what, [...(clone.get(what) ?? []), ms]);
      bytes.set(what, Number(execFileSync('du', ['-sk', join(to, 'objects')], { encoding: 'utf8' }).split('\t')[0]));
    }
  }
  const push = new Map<string, number[]>();
  const after = new Map<string, number[]>();
  for (const [what, url] of sides) {
    const work = join(folder, `work-${what.length}`);
    mkdirSync(work);
    await run('git', [...header, 'clone', '-q', '--depth', '1', url, work], { env }); // the other server is in this process
    for (let i = 0; i < 5 * runs; i++) {
      appendFileSync(join(work, 'pushed'), `${i}\n`);
      execFileSync('git', ['-C', work, 'add', 'pushed'], { env });
      execFileSync('git', ['-C', work, 'commit', '-qm', String(i)], { env });
      const ms = await timed(() => run('git', ['-C', work, ...header, 'push', '-q', url, 'main'], { env }));
      push.set(what, [...(push.get(what) ?? []), ms]);
      if (i % 5 > 0) continue;
      const to = join(folder, `after-${what.length}-${i}`);
      const cloned = await timed(() => run('git', [...header, 'clone', '-q', '--bare', url, to], { env }));
      after.set(what, [...(after.get(what) ?? []), cloned]);
    }
  }
  const most = server.peak(); // an import takes in a whole repository more
  const imported = await firstOfImport(folder, server, token, { origin, header, env });
  const rowsOf = (samples: ReadonlyMap<string, readonly number[]>): Row[] =>
    [...samples].map(([what, all]) => ({ what, samples: all }));
  const named = `${commits.toLocaleString('en')} commits, ${files.toLocaleString('en')} files`;
  const tables = [
    { title: `git clone of ${named}, but for the first`, rows: rowsOf(clone) },
    { title: 'git push of one commit to it', rows: rowsOf(push) },
  ];
  const sheet: Sheet = {
    title: `A clone of ${named}`,
    columns: [
      'the first one, ms',
      'the first one after an import, ms',
      'one after a push, p50 ms',
      'pack received, KiB',
      'most memory while serving, MiB',
      'push p99 ms',
    ],
    rows: sides.map(([what]) => [
      what,
      Math.round(first.get(what) ?? 0),
      what.startsWith('git-kv') ? Math.round(imported) : '',
      Math.round(quantile(after.get(what) ?? [], 0.5)),
      bytes.get(what) ?? 0,
      what.startsWith('git-kv') ? `${most} (${filled} before the first clone)` : backend.peak(),
      Math.round(quantile(push.get(what) ?? [], 0.99)),
    ]),
  };
  await server.stop();
  backend.stop();
  return { tables, sheet, filling };
}
