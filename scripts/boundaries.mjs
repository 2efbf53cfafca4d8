#!/usr/bin/env node
// Checks who imports whom, by the rules of .dependency-cruiser.cjs: node scripts/boundaries.mjs [root]
//
// dependency-cruiser reads TypeScript through its JavaScript API, which TypeScript 7 doesn't have, and compiled output has
// lost its type imports. So the sources are copied as JavaScript with every type import turned into a plain one first.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise } from 'dependency-cruiser';
import { transformSync } from 'esbuild';

const HOME = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['ports', 'domain', 'adapters', 'plugins', 'apps', 'test', 'bench'];
const RULES = join(HOME, '.dependency-cruiser.cjs');

/** Gives the violations below a root: { rule, from, to }. */
export async function violations(root) {
  const copy = mkdtempSync(join(tmpdir(), 'git-kv-boundaries-'));
  const back = process.cwd();
  try {
    for (const folder of FOLDERS.filter((name) => existsSync(join(root, name)))) {
      for (const file of sources(join(root, folder))) write(root, file, copy);
    }
    const folders = FOLDERS.filter((name) => existsSync(join(copy, name)));
    writeFileSync(join(copy, 'package.json'), readFileSync(join(HOME, 'package.json')));
    symlinkSync(join(HOME, 'node_modules'), join(copy, 'node_modules'));
    const { default: config } = await import(RULES);
    process.chdir(copy);
    const { enhancedResolveOptions, ...options } = config.options;
    const { output } = await cruise(
      folders,
      { ...options, validate: true, ruleSet: { forbidden: config.forbidden } },
      enhancedResolveOptions,
    );
    return output.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to }));
  } finally {
    process.chdir(back);
    rmSync(copy, { recursive: true, force: true });
  }
}

function write(root, file, copy) {
  const text = readFileSync(file, 'utf8').replace(/^(import|export) type (?=[{*]|\w+ from)/gm, '$1 ');
  // Names that are only types stay in the import, which is all that a reader of imports looks at.
  const { code } = transformSync(text, {
    loader: 'ts',
    format: 'esm',
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, experimentalDecorators: true } },
  });
  const target = join(copy, relative(root, file)).replace(/\.ts$/, '.js');
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, code);
}

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

async function main() {
  const found = await violations(process.argv[2] ?? HOME);
  for (const { rule, from, to } of found) console.error(`${rule}: ${from} -> ${to}`);
  if (found.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
