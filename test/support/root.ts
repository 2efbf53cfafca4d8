import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the compiled project lies: an outDir that may be anywhere. */
export const BUILD = fileURLToPath(new URL('../..', import.meta.url));

/** The repository's root: above the compiled tests, or else where mocha runs. */
export const ROOT = rootAbove(BUILD) ?? process.cwd();

/** Host keys that a test's Stargate takes over: to make an RSA key takes seconds. */
export const HOST_KEYS = join(ROOT, 'test', 'fixtures', 'host-keys');

/** The folder of the launchers; another one for binaries that were built elsewhere. */
export const BIN_DIR = process.env['GIT_KV_BIN_DIR'] ?? join(ROOT, 'bin');

function rootAbove(folder: string): string | undefined {
  if (existsSync(join(folder, 'package.json'))) return folder;
  return dirname(folder) === folder ? undefined : rootAbove(dirname(folder));
}
