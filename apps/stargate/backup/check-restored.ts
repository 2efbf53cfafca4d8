import { decodeCommit } from '../../../domain/git/commit.js';
import { parseLedgerMessage } from '../../../domain/ledger/transaction/attestation.js';
import { indexRef, ledgerRef } from '../../../domain/ledger/refs.js';
import type { Composition } from '../../../plugins/host/index.js';
import type { BundleArchive } from '../../../ports/git/bundle-archive.js';
import { KvError, toKvError } from '../../../ports/error.js';
import { counted } from '../../../ports/grammar/counted.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Journal } from '../../../ports/stargate/journal.js';
import { contentOf } from './journal.js';

/** Something of a restored repository that was looked at, and what is wrong with it. */
export interface Check {
  readonly what: string;
  readonly fault: KvError | null;
}

/** What was brought back, and is to be looked at. */
interface Brought {
  readonly refs: number;
  readonly namespaces: readonly string[];
  /** Whether the backup has a journal. */
  readonly journal: boolean;
  /** The files of bundles, `NAME.bundle`; the archive knows each as `NAME`. */
  readonly archives: readonly string[];
}

/**
 * Looks at what a backup has brought: each namespace's tips, the journal, the bundles of compacted epochs. The refs were compared with the
 * manifest as they came, and git has read every object that they reach. A fault is told, and stops nothing: half a
 * Stargate is more than none.
 */
export async function checkRestored(composition: Composition, brought: Brought): Promise<readonly Check[]> {
  const { refs, namespaces, journal, archives } = brought;
  const store = await composition.get<GitStore>('git-store');
  const checks: Check[] = [
    { what: `${counted(refs, 'ref')} as the manifest names them, and every object that they reach`, fault: null },
  ];
  const look = async (what: string, work: () => Promise<string | null>): Promise<void> => {
    try {
      const found = await work();
      checks.push({ what: found ?? what, fault: null });
    } catch (thrown) {
      const fault = toKvError(thrown);
      if (fault.code === 'UNEXPECTED') throw thrown;
      checks.push({ what, fault });
    }
  };
  for (const ns of namespaces)
    await look(`namespace ${ns}: its ledger and its index belong together`, () => checkTips(store, ns));
  if (journal) {
    await look('journal', async () => {
      return `journal: ${await contentOf(await composition.get<Journal>('journal'))}`;
    });
  }
  const bundles = await composition.get<BundleArchive>('bundle-archive');
  for (const file of archives) await look(`archives/${file}`, () => bundles.refs(file.replace(/\.bundle$/, '')).then(() => null));
  return checks;
}

/** Throws `ATTESTATION_MISMATCH` where the tips of a namespace are not those of one transaction. */
async function checkTips(store: GitStore, ns: string): Promise<null> {
  const refs = await store.refs([ledgerRef(ns), indexRef(ns)]);
  const [ledger = '', index = ''] = [refs.get(ledgerRef(ns)), refs.get(indexRef(ns))];
  const [one, other] = ledger === '' || index === '' ? [] : await store.read([ledger, index]);
  if (one?.type !== 'commit' || other?.type !== 'commit')
    throw new KvError('ATTESTATION_MISMATCH', `${ledgerRef(ns)} and ${indexRef(ns)} are not both there`);
  const { indexTree } = parseLedgerMessage(decodeCommit(one.body, ledger, store.objectFormat).message, ledger);
  if (decodeCommit(other.body, index, store.objectFormat).tree !== indexTree)
    throw new KvError('ATTESTATION_MISMATCH', `${indexRef(ns)} is not the index that ${ledger} attests`);
  return null;
}
