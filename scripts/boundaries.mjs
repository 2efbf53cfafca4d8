#!/usr/bin/env node
// Checks who imports whom, by the rules of .dependency-cruiser.cjs: node scripts/boundaries.mjs [root]
// Those rules judge one import at a time; that folders beside each other form no circle is looked at here.
//
// dependency-cruiser reads TypeScript through its JavaScript API, which TypeScript 7 doesn't have, and compiled output has
// lost its type imports. So the sources are copied as JavaScript with every type import turned into a plain one first.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise } from 'dependency-cruiser';
import { transformSync } from 'esbuild';

const HOME = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['ports', 'domain', 'adapters', 'plugins', 'apps', 'test', 'bench'];
const PRODUCT = ['ports', 'domain', 'adapters', 'plugins', 'apps'];
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

/**
 * Gives the circles that folders of the product form below a root: the folders in order, the first one again at the end. Only folders
 * beside each other count: files of a folder may import from its subfolders, which share what lies directly in it.
 */
export function folderCircles(root) {
  const imports = new Map();
  for (const file of PRODUCT.filter((name) => existsSync(join(root, name))).flatMap((name) => sources(join(root, name)))) {
    const from = relative(root, dirname(file)).split(sep);
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:\bfrom |\bimport\()'(\.[^']+)'/g)) {
      const to = relative(root, dirname(join(dirname(file), path))).split(sep);
      const apart = from.findIndex((part, i) => part !== to[i]);
      if (apart < 0 || apart >= to.length) continue;
      const [importer, imported] = [from, to].map((parts) => parts.slice(0, apart + 1).join('/'));
      imports.set(importer, (imports.get(importer) ?? new Set()).add(imported));
    }
  }
  const circles = [];
  const done = new Set();
  const walk = (folder, path) => {
    if (path.includes(folder)) circles.push([...path.slice(path.indexOf(folder)), folder]);
    if (path.includes(folder) || done.has(folder)) return;
    for (const next of imports.get(folder) ?? []) walk(next, [...path, folder]);
    done.add(folder);
  };
  for (const folder of imports.keys()) walk(folder, []);
  return circles;
}

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

async function main() {
  const found = await violations(process.argv[2] ?? HOME);
  for (const { rule, from, to } of found) console.error(`${rule}: ${from} -> ${to}`);
  const circles = folderCircles(process.argv[2] ?? HOME);
  for (const circle of circles) console.error(`folders in a circle: ${circle.join(' -> ')}`);
  if (found.length + circles.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
