import type { Clock } from '../../../ports/clock.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { MirrorTarget } from '../../../ports/stargate/mirror-target.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { encodeCommit, stamp } from '../../git/commit.js';
import type { ObjectNamer } from '../../git/object.js';
import { STARGATE_IDENTITY } from '../../ledger/transaction/watchlog.js';

/** Where it is tried what a mirror takes: among the ledgers, and under a name that no namespace can have. */
export const PROBE_REF: RefName = 'refs/kv/_probe';

/** What a mirror does not take of what a Stargate asks; null: it takes it. */
export interface MirrorRules {
  /** A ref outside refs/heads is made. */
  readonly creates: KvError | null;
  /** A ref is moved to a commit that doesn't follow from where it was, as a new epoch does. Null too where none could be made. */
  readonly rewinds: KvError | null;
  /** A ref is deleted, as a compaction does. The same. */
  readonly deletes: KvError | null;
}

/** What the probe works with. */
interface ProbeContext {
  /** The repository that the mirror is pushed to from. */
  readonly store: GitStore;
  readonly namer: ObjectNamer;
  readonly target: MirrorTarget;
}

/**
 * Tries what a mirror takes: makes a ref of its own there, rewinds it, and deletes it. A ref that an earlier try has left is in nobody's
 * way. Throws `IO_ERROR` when the mirror can't be reached, `INTERRUPTED`.
 */
export async function probeMirror({ store, namer, target }: ProbeContext, signal?: AbortSignal): Promise<MirrorRules> {
  const [first, second] = ['one', 'two'].map((name) => probeCommit(namer, name)) as [ProbeCommit, ProbeCommit];
  await store.write([first.tree, first.commit, second.commit]);
  const move = async (expected: Oid | null, next: Oid | null): Promise<KvError | null> => {
    try {
      await target.push([{ ref: PROBE_REF, next, expected }], signal);
      return null;
    } catch (error) {
      if (KvError.is(error) && error.code === 'GIT_ERROR') return error;
      throw error;
    }
  };
  const left = (await target.refs([PROBE_REF], signal)).get(PROBE_REF) ?? null;
  const creates = left === null ? await move(null, first.commit.oid) : null;
  if (creates !== null) return { creates, rewinds: null, deletes: null };
  const from = left ?? first.commit.oid;
  const to = from === second.commit.oid ? first.commit.oid : second.commit.oid;
  const rewinds = await move(from, to);
  return { creates, rewinds, deletes: await move(rewinds === null ? to : from, null) };
}

type ProbeCommit = { readonly tree: ReturnType<ObjectNamer['object']>; readonly commit: ReturnType<ObjectNamer['object']> };

/** A commit without parents and files, the same one each time. */
function probeCommit(namer: ObjectNamer, name: string): ProbeCommit {
  const tree = namer.object('tree', new Uint8Array(0));
  const ident = stamp(STARGATE_IDENTITY, 0);
  const message = `git-kv: what this host takes (${name})\n`;
  const commit = { tree: tree.oid, parents: [], author: ident, committer: ident, signature: null, message };
  return { tree, commit: namer.object('commit', encodeCommit(commit, namer.format)) };
}

/** Milliseconds that who begins an epoch waits for an answer of the mirror. */
const PATIENCE_MS = 10_000;

/**
 * Why a new epoch would not reach the mirror's readers: `CONFIG_INVALID` where the mirror takes no rewinding. Null where it takes it, or
 * can't be asked now, or is already known to take what it took an hour ago.
 */
export function epochsAtMirror(context: ProbeContext & { readonly clock: Clock }): () => Promise<KvError | null> {
  let known = Number.NEGATIVE_INFINITY;
  return async () => {
    const { clock, target } = context;
    if (clock.now() - known < GOOD_FOR_MS) return null;
    const patience = new AbortController();
    const asked = probeMirror(context, patience.signal).catch(() => null); // a mirror that is away is no reason to refuse
    const rules = await Promise.race([
      asked,
      clock.sleep(PATIENCE_MS, patience.signal).then(
        () => null,
        () => null,
      ),
    ]);
    patience.abort();
    if (rules === null || rules.creates !== null) return null;
    if (rules.rewinds !== null) return cannotRewind(target.label, rules.rewinds);
    known = clock.now();
    return null;
  };
}

const GOOD_FOR_MS = 3_600_000;

/** `CONFIG_INVALID` for a mirror that takes fast-forwards alone. */
export function cannotRewind(label: string, cause: KvError): KvError {
  return new KvError(
    'CONFIG_INVALID',
    `the mirror ${label} takes no rewinding of refs/kv*, so its readers would stay in the old epoch`,
    {
      cause,
      hint: 'let the Stargate push without fast-forward to refs/kv* there (rules for refs, an update hook, RW+ in gitolite)',
    },
  );
}
