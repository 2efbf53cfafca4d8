#!/usr/bin/env node
import { existsSync } from 'node:fs';

const bundle = new URL('../dist/bin/git-kv-stargate.js', import.meta.url);
if (existsSync(bundle)) {
  const { main } = await import(bundle.href);
  process.exit(await main(process.argv.slice(2)));
} else {
  console.error('error: git-kv-stargate is not built\nhint: run in its folder: npm install && npm run build');
  process.exit(78);
}
