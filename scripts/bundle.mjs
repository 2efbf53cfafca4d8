#!/usr/bin/env node
// Bundles what tsc has compiled: starting from a handful of files is several times faster than from hundreds. It takes the
// compiled JavaScript, not the sources, since decorators survive only there. Packages that go into a bundle are none of the
// package's dependencies; those that are EXTERNAL, and used, are.
//   node scripts/bundle.mjs [FOLDER]   FOLDER holds tsc's output (default: dist); the bundles go to dist/bin of the
//                                      repository, or to FOLDER/dist/bin when FOLDER is given
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
// Native code, or WASM that is read from beside its module; and what libraries try to load but git-kv does without.
const EXTERNAL = [
  'blake3',
  'ssh2',
  'cpu-features',
  'nodegit',
  'better-sqlite3',
  '@opentelemetry/sdk-node',
  'typescript',
  'ts-node',
  'tsx',
];
// CommonJS inside an ES module still calls require for Node's own modules.
const BANNER = "import { createRequire as gitKvRequire } from 'node:module';\nconst require = gitKvRequire(import.meta.url);";

/** `inject` replaces free names, such as `describe`, by what a module exports under them. */
async function bundle(from, out, entries, inject = [], more = {}) {
  const missing = Object.values(entries).filter((file) => !existsSync(join(from, file)));
  if (missing.length > 0) throw new Error(`${missing.join(', ')}: not compiled, run tsc first`);
  const { metafile } = await build({
    entryPoints: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, join(from, file)])),
    outdir: out,
    chunkNames: 'chunks/[name]-[hash]',
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    // Only real ES modules keep their named exports when they are imported dynamically from a chunk of their own.
    mainFields: ['module', 'main'],
    format: 'esm',
    platform: 'node',
    target: 'node20',
    minify: true,
    sourcemap: 'linked',
    external: EXTERNAL,
    inject: inject.map((file) => join(from, file)),
    banner: { js: BANNER },
    logLevel: 'warning',
    logOverride: { 'empty-import-meta': 'silent' },
    metafile: true,
    ...more,
  });
  return Object.keys(metafile.inputs);
}

/** What commands that scripts call in loops load in their usual form, of all that is imported when it is needed. */
const LOOPED = [
  /^apps\/cli\/fast\//,
  /^adapters\/git-cli\/open(?!-bare|-bundle|-clone-config-writer)/,
  /^adapters\/(?:clock-system|hasher-node|signer-git|tracing-none)\/open/,
];

/** A function instead of a module: bin/git-kv.js calls it, and V8 can keep what it has compiled of it, as Node 20 can't of modules. */
const SCRIPT = {
  format: 'cjs',
  define: { 'import.meta.url': 'bundleUrl' },
  banner: { js: '(function(exports,require,module,importLater,bundleUrl){' },
  footer: { js: '})' },
};

/** Imports at run time go through bin/git-kv.js, since code that was kept compiled can't import. */
function passImports(file) {
  const text = readFileSync(file, 'utf8');
  const passed = text.replaceAll(/\bimport\((?=[^'`)])/g, 'importLater(');
  // What is left stands in the words of a hint.
  const odd = [...passed.matchAll(/\bimport\((?!'\.\/[\w-]+\.js'\))/g)];
  if (odd.length > 0 || /[^\t\n -~]/.test(passed))
    throw new Error(`${file}: an import that can't be passed on, or a character beyond ASCII`);
  writeFileSync(file, passed);
}

/**
 * The command line in one file with all that such a command loads, since each file more takes its time at every start; and beside it, cut
 * into files that share what they have in common, whatever is loaded for anything else. What both have is there twice, and knows the
 * other's errors by their brand.
 */
async function commandLine(from, out) {
  const later = new Map();
  const apart = {
    name: 'apart',
    setup({ onResolve }) {
      onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
        const file = relative(from, join(resolveDir, path)).replaceAll(sep, '/');
        if (kind !== 'dynamic-import' || LOOPED.some((looped) => looped.test(file))) return undefined;
        const name = `later/${file.replace(/\.js$/, '')}`;
        later.set(name, file);
        return { path: `./${name}.js`, external: true };
      });
    },
  };
  const lean = await bundle(from, out, { 'git-kv': 'apps/cli/main.js' }, [], { ...SCRIPT, splitting: false, plugins: [apart] });
  passImports(join(out, 'git-kv.js'));
  const rest = await bundle(from, out, {
    ...Object.fromEntries(later),
    commands: 'apps/cli/commands/index.js',
    command: 'apps/cli/oclif/exported.js',
  });
  return [...lean, ...rest];
}

/** The licences of the packages that went into the bundles, which are installed without these packages. */
function licences(inputs) {
  const folders = new Set(inputs.flatMap((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []));
  return [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
    const files = readdirSync(join(ROOT, folder)).filter((file) => /^(?:licen[cs]e|notice|copying)/i.test(file));
    const texts = files.map((file) => readFileSync(join(ROOT, folder, file), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...texts].join('\n\n');
  });
}

const given = process.argv[2];
const from = resolve(given ?? join(ROOT, 'dist'));
const out = given === undefined ? join(ROOT, 'dist', 'bin') : join(from, 'dist', 'bin');
rmSync(out, { recursive: true, force: true });
// Apart from each other, so that what several use is not cut into more files than each needs.
const inputs = [
  ...(await commandLine(from, out)),
  ...(await bundle(from, out, { 'git-kv-stargate': 'apps/stargate/main.js' })),
  ...(await bundle(from, out, { 'git-kv-api': 'apps/api/bin.js' })),
  ...(await bundle(from, out, { 'git-kv-api-checks': 'apps/api/checks/worker.js' })),
  ...(await bundle(from, out, { client: 'apps/sdk/index.js' })),
  // What the authors of plugins import. The suites bring their assertions along, and find the runner that they run in.
  ...(await bundle(from, out, { host: 'plugins/host/index.js', config: 'plugins/host/config-exported.js' })),
  ...(await bundle(from, out, { testing: 'test/contracts/index.js' }, ['test/contracts/runner.js'])),
];
const RULE = `\n\n${'-'.repeat(80)}\n\n`;
writeFileSync(join(out, 'LICENSES.txt'), `${['What git-kv is bundled with', ...licences(inputs)].join(RULE)}\n`);
