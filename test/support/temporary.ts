import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that goes when it is told to. */
export interface Temporary {
  readonly path: string;
  remove(): Promise<void>;
}

/** Makes an empty one. */
export async function temporaryFolder(): Promise<Temporary> {
  const path = await mkdtemp(join(tmpdir(), 'git-kv-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
