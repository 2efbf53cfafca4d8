import { access, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const fileIn = (gitDir: string): string => join(gitDir, '.stargate', 'at-rest');

/**
 * Whether a repository was closed with nothing left to be done: its journal has been recovered from, and the mirror has all of it. One that was
 * not, such as after a crash, is opened at the next start.
 */
export async function isAtRest(gitDir: string): Promise<boolean> {
  return access(fileIn(gitDir)).then(
    () => true,
    () => false, // absent, or not to be seen: then opening tells why
  );
}

/** Notes that nothing is left to be done. Where it can't be noted, the next start looks for itself. */
export async function rest(gitDir: string): Promise<void> {
  await writeFile(fileIn(gitDir), '').catch(() => undefined);
}

/** From now on something may be. Throws Node's error when the disk fails. */
export async function stir(gitDir: string): Promise<void> {
  await rm(fileIn(gitDir), { force: true });
}
