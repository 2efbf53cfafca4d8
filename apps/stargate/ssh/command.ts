import { KvError } from '../../../ports/error.js';

/** The server sides of git that a client may ask for. */
export type GitServiceName = 'git-receive-pack' | 'git-upload-pack' | 'git-upload-archive';

/** An exec request that the Stargate takes. `path` is the client's word for the repository: matched, never opened. */
export type SshCommand =
  | { readonly kind: 'git'; readonly service: GitServiceName; readonly path: string }
  /** A stream of intents. */
  | { readonly kind: 'intents'; readonly path: string }
  | { readonly kind: 'admin'; readonly path: string; readonly verb: string; readonly args: readonly string[] };

const SERVICES: readonly GitServiceName[] = ['git-receive-pack', 'git-upload-pack', 'git-upload-archive'];
const BARE_WORD = /^[A-Za-z0-9._:@=+-]+/;
const QUOTED = /^(?:'[^']*'|\\['!])+/;

/**
 * Splits a line as git's sq_quote writes it: bare words, and single-quoted text in which a quote is `'\''` and an
 * exclamation mark `'\!'`. Undefined for anything else, so nothing a shell would expand can pass.
 */
export function splitQuoted(line: string): string[] | undefined {
  const words: string[] = [];
  let rest = line;
  while (rest !== '') {
    const quoted = QUOTED.exec(rest)?.[0];
    const word = quoted?.startsWith("'") ? quoted : BARE_WORD.exec(rest)?.[0];
    if (word === undefined) return undefined;
    words.push(quoted === word ? word.replace(/'([^']*)'|\\(['!])/g, (_, text: string, mark: string) => mark ?? text) : word);
    rest = rest.slice(word.length);
    if (rest === '') break;
    if (!/^ [^ ]/.test(rest)) return undefined;
    rest = rest.slice(1);
  }
  return words;
}

/** Reads an exec request. Throws `POLICY_VIOLATION` for a command that is not on the list. */
export function parseSshCommand(line: string): SshCommand {
  if (line.length <= 8192 && !/[\p{Cc}]/u.test(line)) {
    const words = splitQuoted(line);
    if (words?.[0] === 'git' && words[1] !== undefined) words.splice(0, 2, `git-${words[1]}`);
    const [name, path, verb, ...args] = words ?? [];
    if (path !== undefined) {
      const service = SERVICES.find((s) => s === name);
      if (service !== undefined && verb === undefined) return { kind: 'git', service, path };
      if (name === 'git-kv-intents' && verb === undefined) return { kind: 'intents', path };
      if (name === 'git-kv-admin' && verb !== undefined) return { kind: 'admin', path, verb, args };
    }
  }
  throw new KvError('POLICY_VIOLATION', 'the Stargate does not run this command', {
    hint: 'it takes git push, git fetch, git archive and its own verbs; there is no shell',
    advice: { id: 'see-commands' },
  });
}
