// npm's `prepare`: what npm packs, or links on `npm install -g .`, must run, so it is compiled and bundled first. npm calls it
// too when dependencies are installed here; `npm start` and `npm test` compile for themselves, and say so in the environment.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, INSTALLING, ROOT } from './prepare.mjs';

/** What compiling takes; npm has installed it before it calls this, except for a folder that it only links. */
const tools = ['typescript', 'esbuild'].map((name) => join(ROOT, 'node_modules', name));

if (process.env[INSTALLING] === undefined) {
  if (!tools.every((tool) => existsSync(tool))) ensureInstalled();
  ensureBuilt();
}
