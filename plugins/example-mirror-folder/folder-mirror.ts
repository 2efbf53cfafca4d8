import { access, mkdir } from 'node:fs/promises';
import { KvError, type MirrorTarget, type MirrorUpdate, type Oid, type RefName } from '../../ports/index.js';
import { type Git, gitWith } from './git.js';

/** From where to where is pushed, and the environment that git runs in. */
export interface FolderMirrorOptions {
  /** The Stargate's repository. */
  readonly directory: string;
  /** The mirror's own bare repository; made when it isn't there. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * A mirror in a folder: a disk that is carried away, or a network share that readers clone from. Objects are fetched
 * into it, then all refs move in one ref transaction, so a reader never sees half a push.
 */
export async function openFolderMirror({ directory, folder, env }: FolderMirrorOptions): Promise<MirrorTarget> {
  const git = gitWith(env);
  await initialise(git, directory, folder);

  const refs = async (patterns: readonly string[]): Promise<Map<RefName, Oid>> => {
    const all = await done(folder, git(folder, ['for-each-ref', '--format=%(objectname) %(refname)']));
    const lines = all.split('\n').filter((line) => line !== '');
    const pairs = lines.map((line) => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))] as const);
    return new Map(pairs.filter(([ref]) => patterns.some((pattern) => matches(pattern, ref))));
  };

  return {
    capabilities: { atomic: true, anyRef: true },
    label: folder,
    refs,

    async push(updates, signal) {
      updates.forEach(assertClean);
      const wanted = updates.flatMap((one) => one.next ?? []);
      await transfer(git, directory, folder, wanted, signal);
      const there = await refs(updates.map((one) => one.ref));
      const moves: string[] = [];
      const refused: string[] = [];
      for (const update of updates) {
        const now = there.get(update.ref) ?? null;
        if (now === update.next) continue; // there already: an earlier push whose answer was lost
        if (await allowed(git, folder, update, now)) moves.push(command(update, now));
        else refused.push(update.ref);
      }
      if (refused.length > 0) throw refusal(folder, refused);
      if (moves.length === 0) return;
      const result = await git(folder, ['update-ref', '--stdin'], ['start', ...moves, 'commit', ''].join('\n'), signal);
      // The transaction checks every old value again, so only a writer who came in between can make it fail.
      if (result.status !== 0)
        throw refusal(
          folder,
          updates.map((one) => one.ref).filter((ref) => result.stderr.includes(ref)),
        );
    },

    async fetch(pairs) {
      const there = await refs(pairs.map((pair) => pair.remoteRef));
      const missing = pairs.find((pair) => !there.has(pair.remoteRef));
      if (missing !== undefined) throw new KvError('NOT_FOUND', `${folder}: there is no ${missing.remoteRef}`);
      const specs = pairs.map((pair) => `+${pair.remoteRef}:${pair.localRef}\n`).join('');
      await done(folder, git(directory, ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--stdin', folder], specs));
    },

    close: async () => undefined,
  };
}

async function initialise(git: Git, directory: string, folder: string): Promise<void> {
  const format = (await done(directory, git(directory, ['rev-parse', '--show-object-format']))).trim();
  await mkdir(folder, { recursive: true });
  await done(folder, git(folder, ['init', '--quiet', '--bare', `--object-format=${format}`]));
}

/** Copies what the wanted commits reach and the mirror lacks; no ref moves yet. */
async function transfer(git: Git, from: string, to: string, wanted: readonly Oid[], signal?: AbortSignal): Promise<void> {
  if (!(await isThere(to))) throw outOfReach(to, 'it is not there');
  if (wanted.length === 0) return;
  const flags = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance', '--stdin'];
  await done(to, git(to, ['fetch', ...flags, from], `${wanted.join('\n')}\n`, signal));
}

/** Absent `expected`: creations and fast-forwards. Present: exactly there. */
async function allowed(git: Git, folder: string, { next, expected }: MirrorUpdate, now: Oid | null): Promise<boolean> {
  if (expected !== undefined) return expected === now || (next === null && now === null);
  if (now === null || next === null) return true;
  return (await git(folder, ['merge-base', '--is-ancestor', now, next])).status === 0;
}

function command({ ref, next }: MirrorUpdate, now: Oid | null): string {
  if (next === null) return `delete ${ref} ${now}`;
  return now === null ? `create ${ref} ${next}` : `update ${ref} ${next} ${now}`;
}

function matches(pattern: string, ref: string): boolean {
  const [head = '', tail] = pattern.split('*', 2);
  return tail === undefined
    ? ref === pattern
    : ref.startsWith(head) && ref.endsWith(tail) && ref.length >= head.length + tail.length;
}

/** Nothing that update-ref's or git's own syntax could read as something else. */
function assertClean({ ref, next, expected }: MirrorUpdate): void {
  const oids = [next, expected ?? null].filter((oid) => oid !== null);
  if (/^refs\/[\w@./-]+$/.test(ref) && !ref.includes('..') && oids.every((oid) => /^[0-9a-f]+$/.test(oid))) return;
  throw new KvError('GIT_ERROR', `'${ref}' to '${next}' is no move of a ref`);
}

async function done(folder: string, run: ReturnType<Git>): Promise<string> {
  const { status, stdout, stderr } = await run;
  if (status !== 0) throw outOfReach(folder, stderr);
  return stdout;
}

function refusal(folder: string, refs: readonly string[]): KvError {
  return new KvError('SYNC_REFUSED', `${folder}: not where it should be: ${refs.join(', ')}`, {
    details: { refs },
    hint: "somebody else wrote to the mirror: compare git ls-remote of both sides, put the mirror's refs back, and protect them",
  });
}

function outOfReach(folder: string, why: string): KvError {
  return new KvError('IO_ERROR', `${folder}: ${why}`, { hint: 'check that the disk is there and mounted' });
}

async function isThere(folder: string): Promise<boolean> {
  return access(`${folder}/HEAD`).then(
    () => true,
    () => false, // whatever the reason, there is no repository to write to
  );
}
