// Plants mutants in compiled files: Stryker's instrumenter puts all of a file's mutants into it at once, each behind a switch.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WORDS } from './words.mjs';

const silent = Object.fromEntries(['info', 'debug', 'warn', 'error', 'trace'].map((level) => [level, () => undefined]));
const LOG = { ...silent, isDebugEnabled: () => false };

/** Mutants that say the same as another one of their place, or what nobody can see. */
const EXCLUDED = [];

/**
 * Writes the switches into files of the stage (paths below it), with the instrumenter that lies in `home`. Gives the mutants:
 * id, file, line, what becomes of which text, and why it is left alone, if it is.
 */
export async function plant(home, stage, files) {
  const url = pathToFileURL(join(home, 'node_modules/@stryker-mutator/instrumenter/dist/src/index.js'));
  const { Instrumenter } = await import(url.href);
  const sources = files.map((name) => ({ name, mutate: true, content: readFileSync(join(stage, name), 'utf8') }));
  const options = { plugins: null, excludedMutations: EXCLUDED, ignorers: [WORDS] };
  const planted = await new Instrumenter(LOG).instrument(sources, options);
  for (const { name, content } of planted.files) {
    const file = join(stage, name);
    rmSync(file); // it may be a link to the one that was compiled
    writeFileSync(file, content.replace(/^\/\/# sourceMappingURL=.*$/m, ''));
  }
  const lines = new Map(sources.map(({ name, content }) => [name, content.split('\n')]));
  return planted.mutants.map(({ id, fileName, location, replacement, status, mutatorName }) => ({
    id,
    file: fileName,
    line: location.start.line + 1,
    column: location.start.column,
    was: textAt(lines.get(fileName), location),
    becomes: replacement,
    mutator: mutatorName,
    ignored: status === 'Ignored',
  }));
}

function textAt(lines, { start, end }) {
  if (start.line === end.line) return lines[start.line].slice(start.column, end.column);
  return [
    lines[start.line].slice(start.column),
    ...lines.slice(start.line + 1, end.line),
    lines[end.line].slice(0, end.column),
  ].join('\n');
}
