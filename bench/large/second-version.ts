import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { World } from '../../test/support/worlds/world.js';
import { BACKUP_TOOLS, type BackupTool, contentBytes, installed } from '../backup-tools.js';
import { caughtUp, megabytes, must, PATIENCE } from '../fresh-clone.js';
import { quantile, round, type Sheet } from '../report.js';
import { fetchPair, type Pair, PAIRS } from './pairs.js';

/** What one version costs. Bytes. */
interface Cost {
  /** New chunks, before they are compressed. */
  readonly added: number;
  /** What the repository's folder grew by. */
  readonly stored: number;
}

interface Costs {
  readonly what: string;
  readonly first: Cost;
  readonly second: Cost;
}

/** What the second version of a real file costs, in git-kv and in the backup programs that are installed: a sheet for each file. */
export async function secondVersions(): Promise<{ sheets: Sheet[]; notes: Record<string, string> }> {
  const [sheets, notes]: [Sheet[], Record<string, string>] = [[], {}];
  const programs = await installed();
  for (const program of ['restic', 'borg'] as const) if (!programs.has(program)) notes[program] = 'skipped, it is not installed';
  for (const pair of PAIRS) {
    const world = await World.create({ policy: (text) => text.replace('max_value_total: 100MiB', 'max_value_total: 1GiB') });
    try {
      const files = await fetchPair(pair, join(world.dir, 'pairs'));
      if (typeof files === 'string') {
        notes[pair.name] = `skipped: ${files}`;
        continue;
      }
      const rows = await inGitKv(world, pair, files);
      for (const tool of BACKUP_TOOLS) if (programs.has(tool.program)) rows.push(await inTool(world, tool, files));
      sheets.push(sheetOf(pair, rows));
    } finally {
      await world.close();
    }
  }
  return { sheets, notes };
}

/** Through the Stargate; and what becomes of it at the mirror when Git packs everything anew, with deltas between chunks. */
async function inGitKv(world: World, { name }: Pair, files: readonly string[]): Promise<Costs[]> {
  await world.clone('ada');
  const objects = (repository: string): Promise<number> => contentBytes(join(repository, 'objects'));
  const [atStargate, repacked]: [Cost[], Cost[]] = [[], []];
  let [before, packedBefore] = [await objects(world.repo), await objects(world.mirror)];
  for (const file of files) {
    const ran = must(await world.kv('ada', ['set', `lib:${name}`, '--file', file, '--json'], { timeout: PATIENCE }));
    const { chunked } = JSON.parse(ran.stdout) as { chunked: { new_bytes: number }[] };
    const added = chunked[0]?.new_bytes;
    if (added === undefined) throw new Error(`the receipt does not say what was new: ${ran.stdout}`);
    await caughtUp(world);
    const after = await objects(world.repo);
    atStargate.push({ added, stored: after - before });
    must(await world.git(world.mirror, 'ada', ['repack', '-adq'], { timeout: PATIENCE }));
    const packedAfter = await objects(world.mirror);
    repacked.push({ added, stored: packedAfter - packedBefore });
    [before, packedBefore] = [after, packedAfter];
  }
  return [costs("git-kv, on the Stargate's disk", atStargate), costs('git-kv, at a mirror that git repack went over', repacked)];
}

/** In as many repositories as the tool needs to say something; the medians. */
async function inTool(world: World, tool: BackupTool, files: readonly string[]): Promise<Costs> {
  const draws: Cost[][] = [];
  for (let draw = 1; draw <= tool.draws; draw++) {
    const repository = await tool.open(join(world.dir, `${tool.name.replace(/\W+/g, '-')}-${draw}`));
    const all: Cost[] = [];
    let before = await contentBytes(repository.folder);
    for (const [index, file] of files.entries()) {
      await repository.add(file, `version-${index + 1}`);
      const added = await repository.added();
      const after = await contentBytes(repository.folder);
      all.push({ added, stored: after - before });
      before = after;
    }
    draws.push(all);
    await rm(repository.folder, { recursive: true });
  }
  const middle = (version: number, of: keyof Cost): number =>
    quantile(
      draws.map((all) => all[version]?.[of] ?? Number.NaN),
      0.5,
    );
  const medians = files.map((_, version) => ({ added: middle(version, 'added'), stored: middle(version, 'stored') }));
  return costs(tool.draws === 1 ? tool.name : `${tool.name}, median of ${tool.draws} repositories`, medians);
}

function costs(what: string, [first, second]: readonly Cost[]): Costs {
  return { what, first: first as Cost, second: second as Cost };
}

function sheetOf({ name, versions }: Pair, rows: readonly Costs[]): Sheet {
  return {
    title: `${name} ${versions.join(', then ')}; MB`,
    columns: ['new', 'stored', 'second: new', 'stored', 'new, %'],
    rows: rows.map(({ what, first, second }) => [
      what,
      ...[first.added, first.stored, second.added, second.stored].map(megabytes),
      round((100 * second.added) / first.added),
    ]),
  };
}
