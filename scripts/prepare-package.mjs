// npm's `prepare`: what npm packs, or links on `npm install -g .`, must run, so it is compiled and bundled first. npm calls it
// too when dependencies are installed here; `npm start` and `npm test` compile for themselves, and say so in the environment.
// It is in the package too, alone: npm calls it there when another package names the installed folder, as those of
// `git kv plugin new` do, and nothing is left to compile.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

if (existsSync(new URL('prepare.mjs', import.meta.url))) {
  const { ensureBuilt, ensureInstalled, INSTALLING, ROOT } = await import('./prepare.mjs');
  /** What compiling takes; npm has installed it before it calls this, except for a folder that it only links. */
  const tools = ['typescript', 'esbuild'].map((name) => join(ROOT, 'node_modules', name));
  if (process.env[INSTALLING] === undefined) {
    if (!tools.every((tool) => existsSync(tool))) ensureInstalled();
    ensureBuilt();
  }
}
