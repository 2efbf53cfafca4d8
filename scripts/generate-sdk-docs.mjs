#!/usr/bin/env node
// Writes docs/SDK-API.md, the reference of git-kv/client, from the docstrings of what it exports: tsc's declarations have them.
//   node scripts/generate-sdk-docs.mjs [--check] [FOLDER]   FOLDER holds tsc's output (default: dist)
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGE = 'docs/SDK-API.md';
const ENTRY = 'apps/sdk/index.d.ts';
/** The chapters, by the files that declare what is in them. */
const CHAPTERS = [
  ['open-clone', 'Opening a clone'],
  ['clone', 'The clone'],
  ['read', 'Reading'],
  ['write', 'Writing'],
  ['past', 'The past'],
  ['watch', 'Watching'],
  ['transfer', 'Snapshots and verification'],
  ['open-stargate', 'Writing without a clone'],
  ['api', 'A Stargate without a clone'],
  ['error', 'Errors'],
];

const DECLARATION = /^export (?:declare )?(?:abstract )?(interface|type|function|class|const) (\w+)/;

/** Everything that the SDK exports: its name, kind, docstring, signature and members, in the order of the chapters. */
export function sdkExports(compiled) {
  const found = [];
  for (const line of read(compiled, ENTRY).split('\n')) {
    const [, names, specifier] = /^export (?:type )?(\*|\{[^}]*\}) from '([^']+)';/.exec(line) ?? [];
    if (names === undefined) continue;
    const file = join(dirname(ENTRY), specifier.replace(/\.js$/, '.d.ts'));
    const wanted =
      names === '*'
        ? null
        : names
            .replace(/[{}]|\btype\b/g, '')
            .split(',')
            .map((name) => name.trim());
    for (const one of declarationsIn(read(compiled, file))) {
      if (wanted === null || wanted.includes(one.name)) found.push({ ...one, chapter: chapterOf(file) });
    }
    for (const name of wanted ?? []) if (!found.some((one) => one.name === name)) throw new Error(`${file} declares no ${name}`);
  }
  const place = ({ chapter }) => CHAPTERS.findIndex(([file]) => file === chapter);
  return found.sort((a, b) => place(a) - place(b));
}

function chapterOf(file) {
  const name = /([\w-]+)\.d\.ts$/.exec(file)[1];
  if (!CHAPTERS.some(([chapter]) => chapter === name)) throw new Error(`${file} belongs to no chapter of ${PAGE}`);
  return name;
}

/** The exported declarations of a file of declarations. */
function declarationsIn(text) {
  const lines = text.split('\n');
  const found = [];
  for (let at = 0; at < lines.length; at++) {
    const [, kind, name] = DECLARATION.exec(lines[at]) ?? [];
    if (name === undefined) continue;
    const end = endOf(lines, at);
    const body = lines.slice(at, end + 1);
    const members = kind === 'interface' || kind === 'class' ? membersOf(body.slice(1, -1)) : [];
    found.push({
      name,
      kind,
      doc: docAbove(lines, at),
      signature: body.join('\n').replace(/^export (?:declare )?/, ''),
      members,
    });
    at = end;
  }
  return found;
}

/** The last line of a declaration: the first on which no bracket is open and which ends it. */
function endOf(lines, from) {
  let depth = 0;
  for (let at = from; at < lines.length; at++) {
    const code = lines[at].replace(/^\s*(?:\/\*\*|\*).*$/, '').replace(/=>/g, '');
    depth += (code.match(/[{([]/g) ?? []).length - (code.match(/[})\]]/g) ?? []).length;
    if (depth === 0 && /[;}]\s*$/.test(code)) return at;
  }
  throw new Error(`the declaration at line ${from + 1} has no end`);
}

/** The members of an interface or a class. */
function membersOf(lines) {
  const members = [];
  let doc = '';
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    if (/^ {4}\/\*\*/.test(line)) {
      const start = at;
      while (!lines[at].includes('*/')) at++;
      doc = docText(lines.slice(start, at + 1));
      continue;
    }
    const [, name] = /^ {4}(?:readonly |static )*(\[?[\w.]+\]?)[?(<:]/.exec(line) ?? [];
    if (name === undefined || /^ {4}private /.test(line)) continue;
    const end = endOf(lines, at);
    members.push({
      name,
      doc,
      signature: lines
        .slice(at, end + 1)
        .map((each) => each.slice(4))
        .join('\n'),
    });
    doc = '';
    at = end;
  }
  return members;
}

function docAbove(lines, at) {
  if (!lines[at - 1]?.includes('*/')) return '';
  let start = at - 1;
  while (!lines[start].includes('/**')) start--;
  return docText(lines.slice(start, at));
}

/** A docstring's text, its lines put together again and its examples fenced. */
function docText(lines) {
  const text = lines
    .join('\n')
    .replace(/^\s*\/\*\*\s?|\s*\*\/\s*$/g, '')
    .replace(/^\s*\* ?/gm, '');
  const [words, ...examples] = text.split(/^@example\n/m);
  const prose = words.trim().replace(/([^\n])\n(?=[^\n])/g, '$1 ');
  return [prose, ...examples.map((example) => `\`\`\`ts\n${example.trim()}\n\`\`\``)].join('\n\n').trim();
}

/** Gives the generated page: path from the repository's root, to text. */
export function generateSdkDocs(compiled) {
  const all = sdkExports(compiled);
  const chapters = CHAPTERS.map(([file, title]) => {
    const those = all.filter(({ chapter }) => chapter === file);
    return [`## ${title}`, ...those.map(declaration)].join('\n\n');
  });
  const text = `<!-- Generated by scripts/generate-sdk-docs.mjs from apps/sdk/api: change the docstrings there and run it again. -->
# git-kv/client: every name

What [SDK.md](SDK.md) shows by example, name by name. Types are as in TypeScript's declarations, which the package has too.

${chapters.join('\n\n')}
`;
  return new Map([[PAGE, text]]);
}

function declaration({ name, kind, doc, signature, members }) {
  const head = `### ${name}\n\n${doc}`;
  if (members.length === 0) return `${head}\n\n\`\`\`ts\n${plain(signature)}\n\`\`\``;
  const extended = / extends ([^{]+) \{/.exec(signature.split('\n')[0])?.[1];
  const base = extended === undefined || kind === 'class' ? '' : `\n\nAll of \`${extended}\`, and:`;
  return `${head}${base}\n\n${members.map(member).join('\n')}`;
}

function member({ signature, doc }) {
  const [first, ...rest] = doc.split('\n\n');
  const more = rest.map((part) => `\n\n${part.replace(/^/gm, '  ')}`).join('');
  return `- \`${plain(signature)
    .replace(/\s*\n\s*/g, ' ')
    .replace(/;$/, '')}\`: ${first}${more}`;
}

/** Without docstrings inside, and without what TypeScript alone needs. */
function plain(signature) {
  return signature
    .replace(/^\s*\/\*\*[\s\S]*?\*\/\n/gm, '')
    .replace(/\breadonly (?!\w+\[\])/g, '')
    .replace(/\?: (.+?) \| undefined(?=[;,]|$)/gm, '?: $1');
}

function read(compiled, file) {
  return readFileSync(join(compiled, file), 'utf8');
}

function main() {
  const compiled = resolve(process.argv.slice(2).find((arg) => !arg.startsWith('-')) ?? join(ROOT, 'dist'));
  for (const [path, text] of generateSdkDocs(compiled)) {
    if (!process.argv.includes('--check')) writeFileSync(join(ROOT, path), text);
    else if (readFileSync(join(ROOT, path), 'utf8') !== text) {
      console.error(`${path} is stale: run node scripts/generate-sdk-docs.mjs`);
      process.exitCode = 1;
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
