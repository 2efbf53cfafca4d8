#!/usr/bin/env node
import { existsSync } from 'node:fs';

const bundle = new URL('../dist/bin/git-kv-api.js', import.meta.url);
if (existsSync(bundle)) {
  await import(bundle.href);
} else {
  console.error('error: git-kv-api is not built\nhint: run in its folder: npm install && npm run build');
  process.exit(78);
}
