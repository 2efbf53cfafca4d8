import { KvError } from '../../ports/error.js';
import { nearest } from './nearest.js';

const HELP = new Set(['--help', '-h']);

/** Joins the command's words to its id. Throws `USAGE` for an unknown command, with the one that may be meant. */
export function nameCommand(argv: readonly string[], ids: readonly string[]): string[] {
  const [first, second = ''] = argv;
  if (first === undefined || HELP.has(first)) return ['--help'];
  const two = `${first}:${second}`;
  if (ids.includes(two)) return [two, ...argv.slice(2)];
  if (ids.includes(first)) return [...argv];
  const isTopic = ids.some((id) => id.startsWith(`${first}:`));
  if (isTopic && (second === '' || HELP.has(second))) return [first, '--help'];
  throw unknownCommand(isTopic ? `${first} ${second}` : first, ids);
}

export function unknownCommand(said: string, ids: readonly string[]): KvError {
  const names = ids.map((id) => id.replaceAll(':', ' '));
  const meant = nearest(said, names) ?? names.find((name) => name.startsWith(`${said.split(' ')[0]} `));
  return new KvError('USAGE', `git kv has no command ${JSON.stringify(said)}`, {
    hint: meant === undefined ? 'see what there is: git kv -h' : `did you mean: git kv ${meant}`,
  });
}
