import { KvError } from '../../../ports/error.js';

const FOLDER = /^(?:[\w.@%,+-]|\\ )+$/;

/**
 * Whether a text is more likely to be a file's path than a value: it begins like one (`/`, `./`, `../`, `~/`), or is made of names with
 * slashes between them (`dir/x`). URLs, images with a tag, JSON and texts with spaces are none.
 */
export function looksLikePath(text: string): boolean {
  if (/[\0\r\n]/.test(text)) return false;
  if (/^(?:\.{1,2}|~[\w-]*)?\/[^/\s]/.test(text)) return true;
  const names = text.split('/');
  return names.length > 1 && !text.includes(':') && names.slice(0, -1).every((name) => FOLDER.test(name)) && !/\s/.test(text);
}

const PAIR = /^[^=\s]+=/;

/** The error for `A=1` and `A=1 B=2`: other programs set keys so, and here it would set the key `A=1` to `B=2`. Undefined for other arguments. */
export function pairsRefused(args: readonly string[]): KvError | undefined {
  const [first = ''] = args;
  if (!args.every((arg) => PAIR.test(arg)) || first === '') return undefined;
  const at = first.indexOf('=');
  const one = args.length === 1;
  const mean = `git kv set ${quoted(first.slice(0, at))} ${quoted(first.slice(at + 1))}`;
  const several = one ? '' : '; several keys in one transaction: git kv mset --file BATCH';
  return new KvError('USAGE', `set wants a KEY and a VALUE, and not ${one ? 'KEY=VALUE' : 'pairs of KEY=VALUE'}`, {
    hint: `did you mean: ${mean}${several}; for a key that has = in it, give the value with --value`,
  });
}

/** The hint for pairs of `KEY=VALUE` where a batch is wanted; undefined for other arguments. */
export function batchHint(args: readonly string[]): string | undefined {
  const [first = ''] = args;
  if (first === '' || !args.every((arg) => PAIR.test(arg))) return undefined;
  const at = first.indexOf('=');
  const line = JSON.stringify({ op: 'set', key: first.slice(0, at), value: first.slice(at + 1) });
  return `mset takes a batch, a JSON object a line: printf '%s\\n' ${quoted(line)} … | git kv mset`;
}

/** A word as a shell takes it. */
export const quoted = (text: string): string => (/^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
