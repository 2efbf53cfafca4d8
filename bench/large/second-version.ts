import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { World } from '../../test/e2e/world.js';

const run = promisify(execFile);
const VERSIONS = ['5.8.2', '5.8.3'] as const;

/**
 * What the second version of a real file costs: chunk bytes, what Git keeps and sends of them, and, where restic is installed,
 * what restic adds. Gives notes for the report; says why when it cannot.
 */
export async function newBytesOfSecondVersion(world: World): Promise<Record<string, unknown>> {
  const folder = join(world.dir, 'pair');
  const files: string[] = [];
  for (const version of VERSIONS) {
    const into = join(folder, version);
    await mkdir(into, { recursive: true });
    try {
      await run('npm', ['pack', '--silent', `typescript@${version}`], { cwd: into });
    } catch (error) {
      return { 'second version of typescript.js': `skipped, npm could not get it: ${(error as Error).message.split('\n')[0]}` };
    }
    const [archive] = await readdir(into);
    await run('tar', ['-xzf', archive as string, 'package/lib/typescript.js'], { cwd: into });
    files.push(join(into, 'package/lib/typescript.js'));
  }
  const sizes = [];
  for (const file of files) {
    const before = await packed(world);
    const ran = await world.kv('ada', ['set', 'lib:typescript.js', file, '--json']);
    if (ran.code !== 0) throw new Error(ran.stderr);
    const { chunked } = JSON.parse(ran.stdout) as {
      chunked: { size: number; newBytes: number; chunks: number; reused: number }[];
    };
    sizes.push({ ...chunked[0], stored: (await packed(world)) - before });
  }
  const [first, second] = sizes as [Sizes, Sizes];
  return {
    [`typescript.js ${VERSIONS.join(', then ')}`]:
      `${first.size} bytes, then ${second.newBytes} new in ${second.chunks - second.reused} of ${second.chunks} chunks; ` +
      `the Stargate stores ${first.stored}, then ${second.stored}`,
    'restic, the same pair': await restic(folder, files),
  };
}

interface Sizes {
  readonly size: number;
  readonly newBytes: number;
  readonly chunks: number;
  readonly reused: number;
  readonly stored: number;
}

async function packed(world: World): Promise<number> {
  const folder = join(world.repo, 'objects', 'pack');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.pack'));
  return (await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))).reduce((sum, one) => sum + one, 0);
}

async function restic(folder: string, files: readonly string[]): Promise<string> {
  const env = {
    ...process.env,
    RESTIC_REPOSITORY: join(folder, 'restic'),
    RESTIC_PASSWORD: 'bench',
    RESTIC_CACHE_DIR: join(folder, 'cache'),
  };
  try {
    await run('restic', ['init'], { env });
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing ? 'skipped, restic is not installed' : `skipped: ${(error as Error).message}`;
  }
  const target = join(folder, 'typescript.js');
  const parts: string[] = [];
  for (const file of files) {
    await writeFile(target, await readFile(file));
    const { stdout } = await run('restic', ['backup', '--json', target], { env });
    const line = stdout.trim().split('\n').pop() as string;
    const { data_added: added, data_added_packed: stored } = JSON.parse(line) as {
      data_added: number;
      data_added_packed?: number;
    };
    parts.push(`${added} new${stored === undefined ? '' : `, ${stored} stored`}`);
  }
  await rm(target);
  return parts.join(', then ');
}
