/**
 * What to do next, as data: an id that stays, and the facts that its words need. Whoever speaks to people (a command line, a web
 * page) has the words; a hint says the same without naming a program's commands. docs/ERRORS.md tells how it crosses a connection.
 */

/** Every id with the names of its facts, all of them text. An id is never given another meaning; a new fact makes a new id. */
export const ADVICE = {
  // Reading
  'allow-expired': [], //             the value has expired, and can be read all the same
  'fetch-missing': [], //             what is missing could be fetched, which this read was told not to do
  'fetch-partial': [], //             likewise, of an object that a partial clone left out
  'leave-offline-out': ['oldest', 'time', 'epoch'], // older epochs are not here; the oldest commit that is, and its time
  'list-keys': ['ns'],
  'list-keys-at': ['ns', 'at'],
  'look-into-epochs': [], //          the epochs before this one were not searched
  'name-state': [], //                a state is named by a commit, a transaction or a time
  'name-transaction': [], //          a transaction is named by its KV-Txn
  'read-either-side': [], //          the repository on one side is damaged
  'read-elsewhere': [], //            the Git host can't be reached
  'read-offline': [], //              this clone can't be written to
  'read-past-mirror': [], //          the mirror shows what no Stargate has accepted
  'read-stargate': [], //             an archive is not the one that the epoch goes on from
  // Watching
  'compare-watchlog': [], //          a watchlog was rewritten
  'set-up-mirror': ['remote'], //     there is no remote to watch
  'watch-from': ['oldest'], //        the oldest event that can be had
  // Writing
  'begin-namespace': ['ns', 'remote'], // no such namespace, and this clone has no remote of that name
  'begin-reality': ['ns', 'name'], // no reality of that name
  'export-files': [], //              a value is too large for a line of a snapshot
  'fetch-index': [], //               a ledger is here without its index
  'look-for-transaction': ['ns', 'txn'], // whether a transaction has landed is not known
  'fetch-policy': [], //              a value lacks the TTL that the policy gives by default
  'give-ttl': [], //                  a TTL that was to be kept has passed
  'import-formats': [], //            the file is none that can be imported
  'mset-files': [], //                a line of a batch is too long
  'name-content-type': [], //         what a content type looks like
  'read-key-again': [],
  'read-tree-again': [],
  'restore-keys': [], //              an epoch can't be undone, single keys can be put back
  'revert-by-key': [], //             others have changed the keys since
  'skip-landed': ['landed'], //       the first so many operations have landed; the cause has advice of its own
  'store-file': [], //                an LFS pointer instead of the file
  'try-again-in-reality': ['ns', 'name'], // others have changed keys of a reality since it began
  'wait-longer': [], //               the mirror is behind
  'write-first': ['ns'], //           the first write creates the namespace
  // Pushing
  'configure-signing': [],
  'name-repository': [], //           the transaction names no repository, and must
  'push-atomically': [],
  'push-pair': ['ns'], //             ledger and index move together
  'push-to-leader': [],
  'write-again-here': [], //          the transaction was made for another repository
  'write-attested': [], //            trailers are missing or wrong
  'write-less': [], //                a push is larger than what is checked at once
  'write-through-client': [], //      what was pushed is not as the format says
  // The remote
  'clone-anew': ['format'], //        the other side has objects of that format
  'compare-host-key': ['scan'], //    the program that asks the Stargate's host for its key, with its arguments
  'host-key-changed': ['fingerprint'], // another host key than the one that is known; the one that was shown
  'correct-push-url': [], //          nobody listens there
  debug: [], //                     run it again with all that git says
  'confirm-push-url': [], //          the Stargate at the push URL has no repository of that name
  'name-stargate': [], //             no policy names the Stargate
  'report-bug': [],
  'see-commands': [], //              what a Stargate can be asked for over SSH
  'see-namespaces': [], //            what the Stargate has
  'set-push-url': [], //              the push URL is no SSH address
  'set-up-remote': [],
  'adopt-mirror': ['ns'], //      the mirror goes on from the Stargate, which is to take that over
  'compare-sides': [], //         Stargate and mirror differ, ref by ref
  'overwrite-mirror': [], //      they have gone apart: one side has to give way
  'name-bundle-key': ['fingerprint'], // who signed a mirror's bundle is nobody that this clone knows
  // Epochs
  'begin-epoch': [], //               what was pushed is no beginning of an epoch
  'begin-epoch-first': [], //         the current epoch can't be compacted
  'compact-again': [], //             an epoch has changed while it was compacted
  // Verifying
  'fetch-epochs': [],
  'fetch-intents': ['ns'],
  'fetch-watchlog': [],
  'fetch-watermark': [],
  'learn-policy': [], //              no policy is known here
  'verify-clone': [],
  'verify-epochs': [], //             earlier epochs were left out
  'verify-full': [],
  'verify-manifest': [], //           the chunks are sound, so the manifest is not
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** The ids of the table. */
export type AdviceId = keyof typeof ADVICE;

/** The advice of one id, with its facts. */
export type AdviceOf<Id extends AdviceId> = { readonly id: Id } & Readonly<Record<(typeof ADVICE)[Id][number], string>>;

/** Any advice: its `id` tells which facts it has. */
export type Advice = { [Id in AdviceId]: AdviceOf<Id> }[AdviceId];

/** Reads what another program sent; undefined for an id that this version has not got, and for one that lacks a fact. */
export function readAdvice(value: unknown): Advice | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const given = value as Readonly<Record<string, unknown>>;
  const { id } = given;
  if (typeof id !== 'string' || !Object.hasOwn(ADVICE, id)) return undefined;
  const facts: Record<string, string> = { id };
  for (const name of ADVICE[id as AdviceId] as readonly string[]) {
    const fact = given[name];
    if (typeof fact !== 'string') return undefined;
    facts[name] = fact;
  }
  return facts as Advice; // the id is one of the table, and every fact that the table names is there
}
