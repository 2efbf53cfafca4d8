import { KvError } from '../../../ports/error.js';
import { GLOBAL_FLAGS } from './flags.js';
import { nearest } from '../../../ports/grammar/nearest.js';

const HELP = new Set(['--help', '-h']);

/** Joins the command's words to its id. Throws `USAGE` for an unknown command, with the one that may be meant. */
export function nameCommand(argv: readonly string[], ids: readonly string[]): string[] {
  const [first, second = ''] = argv;
  if (first === undefined || HELP.has(first)) return ['', '--help'];
  if (first.startsWith('-')) throw noCommand(argv);
  const two = `${first}:${second}`;
  if (ids.includes(two)) return [two, ...argv.slice(2)];
  if (ids.includes(first)) return [...argv];
  const isTopic = ids.some((id) => id.startsWith(`${first}:`));
  if (isTopic && (second === '' || HELP.has(second))) return [first, '--help'];
  throw unknownCommand(isTopic ? `${first} ${second}` : first, ids);
}

/** Words from other stores, shells and git itself, for the commands that do the same. */
const SYNONYMS: Readonly<Record<string, string>> = {
  cat: 'get',
  read: 'get',
  show: 'get',
  put: 'set',
  add: 'set',
  write: 'set',
  rm: 'del',
  remove: 'del',
  delete: 'del',
  unset: 'del',
  ls: 'list',
  keys: 'list',
  log: 'history',
  status: 'stargate status',
  setup: 'remote setup',
  undo: 'revert',
  gc: 'compact',
  export: 'snapshot --export FILE',
  dump: 'snapshot --export FILE',
  backup: 'snapshot --export FILE',
  load: 'import FILE',
  mget: 'get KEY KEY',
  follow: 'watch',
  rollback: 'revert',
  undelete: 'restore KEY --at',
  fsck: 'verify',
  scan: 'list --prefix',
};

/** What takes more than one command here, or happens by itself. */
const OTHERWISE: Readonly<Record<string, string>> = {
  edit: 'there is no editor for values: git kv get KEY --output FILE, change FILE, git kv set KEY --file FILE',
  mv: 'keys are not renamed: git kv mset with a set of the new key and a del of the old one, in one transaction',
  cp: 'keys are not copied: git kv get KEY --output FILE, git kv set NEW --file FILE',
  ttl: 'a TTL is set with its value: git kv set KEY VALUE --ttl 30d; git kv list --long shows it',
  incr: 'there are no counters: git kv get KEY --json, then git kv cas set KEY VALUE --expect-blob with its oid',
  exists: 'git kv get KEY exits with 6 when there is no such key',
  push: 'a write is pushed when it is made: git kv set, and git kv wait until the mirror shows it',
  pull: 'a read fetches what is new by itself: git kv get, git kv list',
  login: 'the Stargate knows you by your SSH key: git kv remote setup',
};
/** Other words for these. */
const SAME: Readonly<Record<string, string>> = {
  rename: 'mv',
  move: 'mv',
  copy: 'cp',
  has: 'exists',
  expire: 'ttl',
  decr: 'incr',
  commit: 'push',
  sync: 'push',
  fetch: 'pull',
  update: 'pull',
};

/** `USAGE` for words that name no command, with the command that was probably meant. */
export function unknownCommand(said: string, ids: readonly string[]): KvError {
  const names = ids.map((id) => id.replaceAll(':', ' '));
  const [first = ''] = said.split(' ');
  const word = Object.hasOwn(SAME, said) ? (SAME[said] as string) : said;
  const otherwise = Object.hasOwn(OTHERWISE, word) ? OTHERWISE[word] : undefined;
  const meant =
    (Object.hasOwn(SYNONYMS, said) ? SYNONYMS[said] : undefined) ??
    (said.length > 1 ? names.find((name) => name.startsWith(said)) : undefined) ??
    nearest(said, names) ??
    names.find((name) => name.startsWith(`${first} `));
  return new KvError('USAGE', `git kv has no command ${JSON.stringify(said)}`, {
    hint: otherwise ?? (meant === undefined ? 'see what there is: git kv -h' : `did you mean: git kv ${meant}`),
  });
}

/** Only flags were given. */
function noCommand(argv: readonly string[]): KvError {
  const unknown = argv.find((arg) => arg.startsWith('-') && !Object.hasOwn(GLOBAL_FLAGS, arg.slice(2).split('=')[0] ?? ''));
  const what = unknown === undefined ? `no command after ${argv.join(' ')}` : `unknown flag ${unknown.split('=')[0]}`;
  return new KvError('USAGE', what, { hint: 'see what there is: git kv -h' });
}
