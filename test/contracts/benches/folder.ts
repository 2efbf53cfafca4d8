import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Journal } from '../../../ports/index.js';
import type { JournalBench } from '../journal.js';

/** A folder of a test's own, that goes when it is told to. */
export async function testFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'git-kv-testing-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A journal that lies in a folder: `open` opens it there, any number of times. */
export async function journalBench(open: (directory: string) => Promise<Journal>): Promise<JournalBench> {
  const folder = await testFolder();
  return { open: () => open(folder.path), dispose: () => folder.remove() };
}
