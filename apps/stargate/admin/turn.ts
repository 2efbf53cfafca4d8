import { TURN } from '../../../domain/admin/turn.js';
import type { Turns } from '../../../domain/gateway/turns/turns.js';
import { indexRef, ledgerRef } from '../../../domain/ledger/refs.js';
import { namespacePolicy } from '../../../domain/verify/policy-rules.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import type { AdminVerb } from './serve-admin.js';

interface TurnSources {
  readonly store: GitStore;
  readonly policy: () => Policy;
  /** The lines of the term at hand, and what ends it. Throws `NOT_LEADER` where nobody may push. */
  readonly line: () => Promise<{ readonly turns: Turns; readonly over: AbortSignal }>;
}

/** `turn NS`: answers when the caller's turn has come, and ends with the turn. */
export function turnVerb({ store, policy, line }: TurnSources): AdminVerb {
  return {
    ...{ name: TURN.name, role: TURN.role },
    async run(words, { fingerprint, left, tell }) {
      const { ns } = TURN.decode(words);
      namespacePolicy(policy(), ns);
      const { turns, over } = await line();
      const turn = await turns.take(ns, fingerprint, AbortSignal.any([left, over])).catch((error: unknown) => {
        over.throwIfAborted();
        throw error;
      });
      const [ledger, index] = [ledgerRef(ns), indexRef(ns)];
      const refs = await store.refs([ledger, index]);
      const tips = { ledger: refs.get(ledger) ?? null, index: refs.get(index) ?? null };
      tell({ ns, token: turn.token, lasts_ms: turn.lasts, ...tips });
      if (!turn.over.aborted) {
        await new Promise((resolve) => turn.over.addEventListener('abort', resolve, { once: true }));
      }
      return undefined;
    },
  };
}
