import { KvError } from '../../../ports/error.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import type { Source } from '../../ledger/refs.js';

/** What stands at a ref of a namespace, as last fetched, and is no commit that belongs there: nothing that a Stargate has accepted. */
export interface ForeignTip {
  readonly from: 'local' | Source;
  readonly ref: RefName;
  readonly oid: Oid;
  readonly why: string;
  /** What it should be. */
  readonly wanted?: 'ledger' | 'chunks';
}

const SIDES = { mirror: 'the mirror', stargate: 'the Stargate', local: 'this clone' } as const;

/** What a tip that is no ledger commit is, and the likely cause, in a sentence. */
export function foreignTipText({ from, ref, oid, why, wanted = 'ledger' }: ForeignTip): string {
  const cause = from === 'mirror' ? 'somebody pushed past the Stargate' : 'it was not written through git-kv';
  return `${SIDES[from]} has ${ref} at ${oid}, which is no ${wanted} commit (${why}): ${cause}`;
}

/** `ATTESTATION_MISMATCH` for a tip that no Stargate has accepted; `kept` is this clone's ref that has it. */
export function foreignTip(foreign: ForeignTip, kept: RefName): KvError {
  const { from, ref, oid } = foreign;
  return new KvError('ATTESTATION_MISMATCH', foreignTipText(foreign), {
    ...(from === 'mirror'
      ? { hint: 'read from the Stargate, and tell its operator', advice: { id: 'read-past-mirror' } as const }
      : { hint: `see who moved it: git reflog ${kept}; git-kv alone is to move it` }),
    details: { side: from, ref, oid },
  });
}
