import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { completeKeys } from '../../../domain/client/read/complete-keys.js';
import { classifyRef } from '../../../domain/ledger/refs.js';
import { isNamespace } from '../../../ports/grammar/namespace.js';
import { findPackage } from '../io/package-file.js';
import { printable } from '../../../ports/grammar/printable.js';
import { print } from '../io/terminal.js';
import { completionOf, type Words } from '../parse/completion.js';
import { openSession, type Session } from '../session/session.js';

/** More keys than this are given by their prefixes. */
const KEYS = 100;

/**
 * What the shells' completions call: the words after `git kv` up to the cursor, the last perhaps empty. Prints a candidate a line, with a
 * tab and what it is; those that end in `:`, `/` or `=` go on. `@files` alone leaves it to the shell. Whatever fails, nothing is offered.
 */
export async function runComplete(said: readonly string[]): Promise<void> {
  const words = JSON.parse(readFileSync(join(findPackage().root, 'share/git-kv/words.json'), 'utf8')) as Words;
  const completion = completionOf(said, words);
  if (completion.kind === 'nothing') return;
  if (completion.kind === 'files') return print('@files\n');
  if (completion.kind === 'words') {
    return print(
      completion.words.map(([word, about]) => `${completion.before}${word}${about === '' ? '' : `\t${about}`}\n`).join(''),
    );
  }
  const { kind, before, start, ns } = completion;
  const found = await inClone(ns, (session) =>
    kind === 'keys'
      ? completeKeys(session.clone, { ns: session.ns, prefix: start, limit: KEYS })
      : namespaces(session).then((names) => names.filter((name) => name.startsWith(start))),
  );
  // A key that would steer the terminal is typed by whoever wants it.
  return print(
    found
      .filter((word) => printable(word) === word)
      .map((word) => `${before}${word}\n`)
      .join(''),
  );
}

async function inClone(ns: string | undefined, work: (session: Session) => Promise<string[]>): Promise<string[]> {
  try {
    const known = ns !== undefined && isNamespace(ns) ? ns : undefined;
    const session = await openSession({ ns: known, onProgress: undefined, offline: true });
    try {
      return await work(session);
    } finally {
      await session.composition.close();
    }
  } catch {
    return []; // no clone, or a damaged one: the command itself will say so
  }
}

/** The namespaces of which this clone has a ledger. */
async function namespaces({ clone }: Session): Promise<string[]> {
  const names = new Set<string>();
  for (const ref of (await clone.store.refs(['refs/kv/', 'refs/kv-tracking/'])).keys()) {
    const found = classifyRef(ref.replace(/^refs\/kv-tracking\/[a-z]+\//, 'refs/'));
    if (found.kind === 'ledger') names.add(found.ns);
  }
  return [...names].sort();
}
