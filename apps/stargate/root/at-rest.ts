import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fields } from '../../../domain/gateway/replicate/wire/message-codec.js';
import type { Resting } from './cluster/root-cluster.js';
import { readKept } from '../repository/kept-file.js';

const fileIn = (gitDir: string): string => join(gitDir, '.stargate', 'at-rest');

/** Where a repository stands that was closed, or made, by who knows of no cluster: at its beginning, as far as is known. */
const BEGINNING: Resting = { term: 0, at: { sequence: 0, digest: '' } };

/**
 * Where a repository stands that was closed with nothing left to be done: its journal has been recovered from, and the mirror has all of it. Null
 * for one that was not, such as after a crash, which is opened at the next start.
 */
export async function restOf(gitDir: string): Promise<Resting | null> {
  const text = await readKept(fileIn(gitDir)).catch(() => null); // not to be seen: then opening tells why
  if (text === null || text === '') return text === null ? null : BEGINNING;
  try {
    const kept = Fields.parse(Buffer.from(text), 'at-rest');
    return { term: kept.count('term'), at: { sequence: kept.count('sequence'), digest: kept.text('digest') } };
  } catch {
    return BEGINNING; // it is looked at more often than need be
  }
}

/** Notes that nothing is left to be done, and in a cluster, where it stands. Where it can't be noted, the next start looks for itself. */
export async function rest(gitDir: string, resting: Resting | null = null): Promise<void> {
  const text = resting === null ? '' : JSON.stringify({ term: resting.term, ...resting.at });
  await writeFile(fileIn(gitDir), text).catch(() => undefined);
}

/** From now on something may be. Throws Node's error when the disk fails. */
export async function stir(gitDir: string): Promise<void> {
  await rm(fileIn(gitDir), { force: true });
}
