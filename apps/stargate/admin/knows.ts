import { KNOWS } from '../../../domain/admin/knows.js';
import { decodeCommit } from '../../../domain/git/commit.js';
import { parseLedgerMessage } from '../../../domain/ledger/transaction/attestation.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import { OID_HEX_LENGTH } from '../../../ports/vocabulary.js';
import { type AdminVerb, served } from './serve-admin.js';

/** `knows NS OID`: one object is read, and no history walked. What was refused never came into the repository. */
export function knowsVerb({ store }: { readonly store: GitStore }): AdminVerb {
  return served(KNOWS, async ({ ns, oid }) => {
    const none = { ns, oid, known: false };
    if (oid.length !== OID_HEX_LENGTH[store.objectFormat]) return none;
    const [header] = await store.headers([oid]);
    if (header?.type !== 'commit') return none; // and a large blob is not read to say so
    const [object] = await store.read([oid]);
    if (!object) return none;
    try {
      const { message } = decodeCommit(object.body, oid, store.objectFormat);
      return { ns, oid, known: parseLedgerMessage(message, oid).ns === ns };
    } catch (error) {
      if (KvError.is(error)) return none; // an ordinary commit
      throw error;
    }
  });
}
