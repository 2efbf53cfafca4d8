// `npm run bench [-- NAME …] [--full]`: builds what is missing, runs the benches one after the other (all of them, when none is
// named) and puts their figures into docs/BENCH.md. `npm run bench -- --docs` only does the last.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

const NAMES = [
  'gateway',
  'mset',
  'read',
  'startup',
  'chunker',
  'history',
  'rollover',
  'packages',
  'large',
  'partial',
  'million',
  'writers',
  'growth',
  'growth-commits',
  'stores',
  'locks',
  'journals',
  'tracing',
  'streams',
  'sdk',
  'cluster',
  'repositories',
  'api',
  'survival',
];
const WITH_FULL = ['read', 'large', 'million', 'writers', 'growth', 'growth-commits', 'repositories'];
const PAGES = ['BENCH.md', 'SECURITY.md'].map((name) => join(ROOT, 'docs', name));

const args = process.argv.slice(2);
const names = args.filter((arg) => !arg.startsWith('-'));
for (const name of names) {
  if (NAMES.includes(name)) continue;
  console.error(`no bench ${name}: there are ${NAMES.join(', ')}`);
  process.exit(64);
}
if (!args.includes('--docs')) {
  ensureInstalled();
  ensureBuilt();
  for (const name of names.length > 0 ? names : NAMES) run(name);
}
for (const page of PAGES) writeFileSync(page, withTables(readFileSync(page, 'utf8')));

function run(name) {
  const full = args.includes('--full') && WITH_FULL.includes(name) ? ['--full'] : [];
  const { status } = spawnSync(process.execPath, [join(ROOT, 'dist', 'bench', `${name}.js`), ...full], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** The page with the newest figures between each bench's markers. */
function withTables(page) {
  return page.replace(/(<!-- bench:([\w-]+) -->\n)[\s\S]*?(<!-- end -->)/g, (found, start, name, end) => {
    const file = join(ROOT, 'bench', 'results', `${name}.json`);
    if (!existsSync(file)) return found;
    const result = JSON.parse(readFileSync(file, 'utf8'));
    return `${start}${tablesOf(result)}${end}`;
  });
}

/** Tables of times, then sheets of other figures, then what is noted. */
function tablesOf({ machine, tables = [], sheets = [], notes = {} }) {
  const times = tables.map(({ title, rows }) =>
    table(
      [title, 'runs', 'p50 ms', 'p95 ms', 'ratio'],
      rows.map(({ what, runs, p50, p95, ratio }) => [what, runs, p50, p95, ratio]),
    ),
  );
  const others = sheets.map(({ title, columns, rows }) => table([title, ...columns], rows));
  const lines = Object.entries(notes).map(([key, value]) => `${key}: ${spell(value)}`);
  return `${[...times, ...others].join('\n')}\n${[...lines, where(machine)].join('. ')}.\n`;
}

function table(head, rows) {
  const row = (cells) => `| ${cells.join(' | ')} |\n`;
  return row(head) + row(head.map((_, i) => (i === 0 ? '---' : '---:'))) + rows.map(row).join('');
}

function spell(value) {
  if (value === null || typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([key, each]) => `${key} ${each}`)
    .join(', ');
}

function where({ node, cpu, cores, load }) {
  const busy = load === undefined ? '' : `, load at the end ${load}`;
  return `Node ${node.replace(/^v/, '')}, ${cores} cores (${String(cpu).trim()})${busy}`;
}
