import { shownUrl } from '../../ports/grammar/network/shown-url.js';
import { isAnyOid, KvError, type MirrorTarget, type MirrorUpdate, type Oid, type RefName } from '../../ports/index.js';
import { type GitResult, type GitRun, runGit } from './run-git.js';
import { withoutHistory } from './no-history.js';
import { failure } from './outcome.js';

/** From which repository a mirror is pushed to, and what it takes. */
export interface GitMirrorOptions {
  /** The Stargate's bare repository. */
  readonly directory: string;
  /** The remote's name in that repository's configuration. */
  readonly remote: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the host takes `--atomic`; true when absent. */
  readonly atomic?: boolean;
}

/** Pushes with git to a configured remote. Throws `CONFIG_INVALID` when the remote isn't configured or has a wrong name. */
export async function openGitMirror(options: GitMirrorOptions): Promise<MirrorTarget> {
  const { directory, remote, env, atomic = true } = options;
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(remote)) {
    throw new KvError('CONFIG_INVALID', `'${remote}' is no name of a remote`, {
      hint: 'use letters, digits, dot, dash, underscore',
    });
  }
  const git = (args: readonly string[], more: Partial<GitRun> = {}): Promise<GitResult> =>
    runGit({ directory, env, args, ...more });

  const url = await git(['remote', 'get-url', '--push', remote]);
  if (url.status !== 0) {
    throw new KvError('CONFIG_INVALID', `${directory}: no remote '${remote}' is configured`, {
      hint: `run: git --git-dir=${directory} remote add ${remote} <url>`,
    });
  }
  const label = shownUrl(url.stdout.trim());

  const refs = async (patterns: readonly string[], signal?: AbortSignal): Promise<Map<RefName, Oid>> => {
    const found = new Map<RefName, Oid>();
    if (patterns.length === 0) return found;
    const wanted = patterns.map((pattern) => matcher(checked(pattern)));
    const result = await git(['ls-remote', '--refs', '--end-of-options', remote, ...patterns], { signal });
    if (result.status !== 0) throw failure('listing', label, result);
    for (const line of result.stdout.split('\n')) {
      const [oid, ref] = line.split('\t');
      // ls-remote matches a pattern at the end of a name; the port wants the whole name.
      if (oid !== undefined && ref !== undefined && wanted.some((matches) => matches(ref))) found.set(ref, oid);
    }
    return found;
  };

  const push = async (updates: readonly MirrorUpdate[], signal: AbortSignal | undefined): Promise<void> => {
    if (updates.length === 0) return;
    const leases = updates
      .filter((one) => one.expected !== undefined)
      .map((one) => `--force-with-lease=${one.ref}:${one.expected ?? ''}`);
    // No '+' in front of a refspec with a lease: git 2.39 then ignores that the lease is stale.
    const refspecs = updates.map((one) => `${one.next ?? ''}:${one.ref}`);
    const flags = ['--porcelain', '--no-verify', ...(atomic ? ['--atomic'] : [])];
    const args = ['push', ...flags, ...leases, '--end-of-options', remote, ...refspecs];
    const restart = restartOf(updates);
    const result = await (restart === undefined
      ? git(args, { signal })
      : withoutHistory(restart.length, (shallowFile) => git(args, { signal, shallowFile })));
    if (result.status !== 0) throw failure('push', label, result);
  };

  return {
    capabilities: { atomic, anyRef: true },
    label,
    refs,

    async push(updates, signal) {
      for (const one of updates) {
        checked(one.ref);
        for (const oid of [one.next, one.expected]) checkOid(oid ?? null, one.ref);
      }
      try {
        await push(updates, signal);
      } catch (error) {
        // A lease on a ref that an earlier, unanswered push has already deleted is stale; the port calls it done.
        const left =
          KvError.is(error) && error.code === 'SYNC_REFUSED'
            ? await withoutGone(updates, (deletes) => refs(deletes, signal))
            : updates;
        if (left.length === updates.length) throw error;
        await push(left, signal);
      }
    },

    async fetch(pairs) {
      if (pairs.length === 0) return;
      const input = pairs.map((pair) => `+${checked(pair.remoteRef)}:${checked(pair.localRef)}\n`).join('');
      const flags = ['--no-tags', '--no-write-fetch-head', '--no-auto-maintenance', '--refmap=', '--quiet', '--stdin'];
      const result = await git(['fetch', ...flags, '--end-of-options', remote], { input });
      if (result.status !== 0) throw failure('fetch', label, result);
    },

    close: async () => undefined, // each call runs a git of its own
  };
}

/** The commit of a ref that is taken from where it was to anywhere else: its history doesn't tell what the host has. */
const restartOf = (updates: readonly MirrorUpdate[]): Oid | undefined =>
  updates.find(({ next, expected }) => next !== null && typeof expected === 'string')?.next ?? undefined;

async function withoutGone(
  updates: readonly MirrorUpdate[],
  refs: (patterns: readonly string[]) => Promise<Map<RefName, Oid>>,
): Promise<readonly MirrorUpdate[]> {
  const deletes = updates.filter((one) => one.next === null && typeof one.expected === 'string').map((one) => one.ref);
  const there = await refs(deletes);
  return updates.filter((one) => !deletes.includes(one.ref) || there.has(one.ref));
}

/** A full ref name or glob that git can take for nothing else. */
function checked(ref: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git allows none in a ref name
  if (/^refs\/[^ :^~?[\\\x00-\x1f\x7f]+$/.test(ref) && !ref.includes('..')) return ref;
  throw new KvError('GIT_ERROR', `'${ref}' is no full ref name`);
}

function checkOid(oid: Oid | null, ref: RefName): void {
  if (oid !== null && !isAnyOid(oid)) throw new KvError('GIT_ERROR', `'${oid}' for ${ref} is no object id`);
}

/** A glob as in a refspec: one `*` stands for anything, slashes too. */
function matcher(pattern: string): (ref: string) => boolean {
  const [head, ...rest] = pattern.split('*');
  const tail = rest.join('*');
  if (rest.length === 0) return (ref) => ref === pattern;
  return (ref) => ref.length >= pattern.length - 1 && ref.startsWith(head ?? '') && ref.endsWith(tail);
}
