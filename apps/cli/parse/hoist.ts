import { type FlagSpec, GLOBAL_FLAGS } from './flags.js';

/** Moves global flags that stand before the command (`git kv --ns team get KEY`) behind its words, where oclif wants them. */
export function hoistGlobals(args: readonly string[]): string[] {
  let at = 0;
  for (;;) {
    const [, name = '', value] = /^--([a-z]+)(=.*)?$/s.exec(args[at] ?? '') ?? [];
    const spec = Object.hasOwn(GLOBAL_FLAGS, name) ? (GLOBAL_FLAGS as Record<string, FlagSpec>)[name] : undefined;
    if (spec === undefined) break;
    at += spec.type === 'string' && value === undefined ? 2 : 1;
  }
  const words = args.slice(at);
  if (at === 0 || words.length === 0) return [...args];
  const name = plainWords(words);
  return [...name, ...args.slice(0, at), ...words.slice(name.length)];
}

/** The plain words in front: they hold the command's name, and perhaps arguments, which may come before flags. */
function plainWords(words: readonly string[]): string[] {
  const end = words.findIndex((word) => word.startsWith('-'));
  return end < 0 ? [...words] : words.slice(0, end);
}
