#!/usr/bin/env node
import { existsSync } from 'node:fs';

const bundle = new URL('../dist/bin/git-kv.js', import.meta.url);
if (existsSync(bundle)) {
  const { main } = await import(bundle.href);
  process.exit(await main(process.argv.slice(2)));
}
console.error('error: git-kv is not built\nhint: run in its folder: npm install && npm run build');
process.exit(78);
