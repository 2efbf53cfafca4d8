#!/usr/bin/env node
// Writes the CLI reference from the command classes and the gateway's help: docs/CLI.md and the pages in share/man/man1 (git kv
// --help runs man); and docs/LIMITS.md from the table of bounds.
//   node scripts/generate-cli-docs.mjs [--check] [FOLDER]   FOLDER holds tsc's output (default: dist)
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Gives the generated files: path from the repository's root, to text. `compiled` is the folder of tsc's output. */
export async function generateCliDocs(compiled) {
  const load = (file) => import(pathToFileURL(join(compiled, 'apps/cli', file)).href);
  const [{ COMMANDS }, { flagTerm, usageLine }, { exitCodeRows }, { GLOBAL_FLAGS }] = await Promise.all(
    ['commands/index.js', 'render/usage.js', 'render/exit-codes.js', 'parse/flags.js'].map(load),
  );
  const commands = Object.entries(COMMANDS).map(([id, command]) => ({
    name: id.replaceAll(':', ' '),
    summary: command.summary,
    description: command.description,
    usage: usageLine(id, command),
    arguments: Object.entries(command.args).map(([name, arg]) => ({ term: name.toUpperCase(), text: arg.description })),
    flags: Object.entries(command.flags).map(([name, flag]) => ({ term: flagTerm(name, flag), text: flag.summary })),
    examples: command.examples.map((example) => example.replaceAll('<%= config.bin %>', 'git kv')),
  }));
  const globals = Object.entries(GLOBAL_FLAGS).map(([name, flag]) => ({
    term: flagTerm(name, { ...flag, helpValue: flag.value }),
    text: flag.summary,
  }));
  const { HELP } = await import(pathToFileURL(join(compiled, 'apps/stargate/help.js')).href);
  const reference = { commands, globals, exits: exitCodeRows(), stargate: HELP };
  const bounds = await import(pathToFileURL(join(compiled, 'ports/stargate/limits.js')).href);
  return new Map([
    ['docs/CLI.md', markdown(reference)],
    ['docs/LIMITS.md', limitsPage(bounds)],
    ['share/git-kv/words.json', words(COMMANDS, GLOBAL_FLAGS)],
    ['share/man/man1/git-kv.1', manPage(reference)],
    ['share/man/man1/git-kv-stargate.1', stargatePage(HELP)],
  ]);
}

/** The bounds on what comes from outside, one a row. */
function limitsPage({ LIMIT_NAMES, LIMITS, limitKey, limitText }) {
  const row = (name) => {
    const spec = LIMITS[name];
    const [usual, least, most] = [spec.usual, spec.least, spec.most].map((value) => limitText(spec, value));
    return `| \`${limitKey(name)}\` | ${usual} | ${least} … ${most} | ${spec.reason} |`;
  };
  return [
    '# Limits',
    '',
    'How much anybody may ask of a Stargate. Each is a key under `stargate.limits` in the policy; a changed policy file takes effect at once.',
    "Of many repositories (`serve --root`), the root's own policy bounds the listeners, as it is when the Stargate starts.",
    'Three bounds have keys of their own right under `stargate`: `max_connections_per_key`, `max_push_objects` and `min_free_space`.',
    'What `git kv` itself puts up with from a mirror or a Stargate is in [SECURITY.md](SECURITY.md).',
    '',
    '| key | unless the policy says otherwise | may be | why |',
    '|---|---|---|---|',
    ...LIMIT_NAMES.map(row),
    '',
  ].join('\n');
}

/** What completion knows of the command line: it has no time to load the commands. */
function words(commands, globals) {
  const flagWords = ([name, { type, summary, value, helpValue, options, multiple, char, charAliases = [], allowNo }]) => {
    const takesValue = type !== 'boolean';
    const word = {
      summary,
      ...(takesValue ? { value: value ?? helpValue ?? 'TEXT' } : {}),
      ...(options ? { options } : {}),
      ...(multiple ? { multiple } : {}),
    };
    const names = [
      `--${name}`,
      ...(allowNo ? [`--no-${name}`] : []),
      ...[char, ...charAliases].filter(Boolean).map((letter) => `-${letter}`),
    ];
    return names.map((each) => [each, word]);
  };
  const flagsOf = (flags) => Object.fromEntries(Object.entries(flags).flatMap(flagWords));
  const all = Object.entries(commands).map(([id, { summary, args, flags }]) => {
    const options = Object.values(args).find((arg) => arg.options)?.options;
    const names = Object.entries(args).map(([name, { multiple }]) => `${name}${multiple ? '...' : ''}`);
    return [id.replaceAll(':', ' '), { summary, args: names, ...(options ? { options } : {}), flags: flagsOf(flags) }];
  });
  return `${JSON.stringify({ globals: flagsOf(globals), commands: Object.fromEntries(all) }, null, 1)}\n`;
}

/** What holds for every command that fetches, pushes or asks the Stargate. */
const PATIENCE =
  'A command gives up a mirror or a Stargate of which nothing is heard for two minutes. That is a limit on silence, not on length: ' +
  'a transfer that goes on, however slowly, is never cut off, nor is a Stargate that says it is still checking; ' +
  'a push to a repository on this machine has no limit. ' +
  'To wait longer or less: git config kv.timeout 60s; to wait for ever: git config kv.timeout 0.';

function markdown({ commands, globals, exits, stargate }) {
  const list = (items) => items.map(({ term, text }) => `- \`${term}\`: ${text}\n`).join('');
  const anchor = (name) => `git-kv-${name.replaceAll(' ', '-')}`;
  const sections = commands.map((one) => {
    const parts = [
      `## git kv ${one.name}\n`,
      `${one.summary.slice(0, 1).toUpperCase()}${one.summary.slice(1)}.\n`,
      `\`\`\`\n${one.usage}\n\`\`\`\n`,
      `${fenceIndented(one.description)}\n`,
      ...(one.arguments.length > 0 ? [`Arguments:\n\n${list(one.arguments)}`] : []),
      ...(one.flags.length > 0 ? [`Flags:\n\n${list(one.flags)}`] : []),
      `Examples:\n\n\`\`\`sh\n${one.examples.join('\n')}\n\`\`\`\n`,
    ];
    return parts.join('\n');
  });
  const rows = exits
    .map(({ exit, meaning, codes }) => `| ${exit} | ${meaning} | ${codes.map((code) => `\`${code}\``).join(' ')} |\n`)
    .join('');
  return `<!-- Generated by scripts/generate-cli-docs.mjs from apps/cli/commands: change these and run it again. -->
# git kv: the commands

${commands.map(({ name, summary }) => `- [\`git kv ${name}\`](#${anchor(name)}): ${summary}\n`).join('')}
Flags of every command, which may also stand before it (\`git kv --ns team get KEY\`):

${list(globals)}
An argument that begins with a dash goes behind \`--\`: \`git kv get -- -rf\`. With \`--json\`, an error is printed on standard output as
\`{"ok":false,"error":{"code","message","hint","exit"}}\`, and in words on standard error. \`NO_COLOR\` is honoured.

${PATIENCE.replace(/git config kv\.timeout \w+/g, '`$&`')}

${sections.join('\n')}
## git-kv-stargate

\`\`\`
${stargate.trimEnd()}
\`\`\`

## Exit codes

| exit | meaning | error codes |
|---|---|---|
${rows}`;
}

/** Indented lines of a description become a fenced block. */
function fenceIndented(text) {
  return text.replace(/(?:^ {2}.*\n?)+/gm, (block) => `\`\`\`\n${block.replace(/^ {2}/gm, '').trimEnd()}\n\`\`\`\n`);
}

function manPage({ commands, globals, exits }) {
  const list = (items) => items.map(({ term, text }) => `.TP\n.B ${roff(term)}\n${roff(text)}\n`).join('');
  const sections = commands.map((one) => {
    return `.SS git kv ${roff(one.name)}
${roff(one.summary)}.
.PP
.RS 4
${roff(one.usage)}
.RE
.PP
${paragraphs(one.description)}${list([...one.arguments, ...one.flags])}.PP
Examples:
.PP
.nf
.RS 4
${one.examples.map(roff).join('\n')}
.RE
.fi
`;
  });
  return `.\\" Generated by scripts/generate-cli-docs.mjs from apps/cli/commands: change these and run it again.
.TH GIT-KV 1 "" "git-kv" "Git Manual"
.SH NAME
git-kv \\- an auditable, versioned key-value store whose database is Git
.SH SYNOPSIS
.B git kv
[\\-\\-ns NAME] [\\-\\-json] [\\-\\-debug] COMMAND [ARGUMENTS]
.SH GLOBAL OPTIONS
${list(globals)}.SH CONNECTIONS
${roff(PATIENCE)}
.SH COMMANDS
${sections.join('')}.SH EXIT STATUS
${list(exits.map(({ exit, meaning, codes }) => ({ term: String(exit), text: `${meaning}${codes.length > 0 ? ` (${codes.join(', ')})` : ''}` })))}`;
}

/** The gateway's help text as it is, under the headings of a man page. */
function stargatePage(help) {
  const [title = '', ...rest] = help.trimEnd().split('\n');
  return `.\\" Generated by scripts/generate-cli-docs.mjs from apps/stargate/help.ts: change that and run it again.
.TH GIT-KV-STARGATE 1 "" "git-kv" "Git Manual"
.SH NAME
${roff(title).replace(': ', ' \\- ')}
.SH DESCRIPTION
.nf
${rest.map(roff).join('\n').trim()}
.fi
.SH SEE ALSO
.BR git\\-kv (1)
`;
}

function paragraphs(text) {
  return text
    .split('\n\n')
    .map((part) =>
      part.startsWith('  ')
        ? `.nf\n.RS 4\n${part
            .split('\n')
            .map((line) => roff(line.slice(2)))
            .join('\n')}\n.RE\n.fi\n.PP\n`
        : `${roff(part)}\n.PP\n`,
    )
    .join('');
}

/** Escapes what roff would read as its own. */
function roff(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replace(/^([.'])/gm, '\\&$1');
}

async function main() {
  const check = process.argv.includes('--check');
  const compiled = resolve(process.argv.slice(2).find((arg) => !arg.startsWith('-')) ?? join(ROOT, 'dist'));
  let stale = 0;
  for (const [path, text] of await generateCliDocs(compiled)) {
    const file = join(ROOT, path);
    if (read(file) === text) continue;
    stale++;
    if (check) console.error(`${path} is stale: run node scripts/generate-cli-docs.mjs`);
    else {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }
  if (check && stale > 0) process.exitCode = 1;
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null; // not generated yet
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
