import { type KnownTips, TURN, type TurnReport } from '../../../domain/admin/turn.js';
import type { Turn, Turns } from '../../../domain/gateway/turns/turns.js';
import { epochRef, indexRef, ledgerRef, POLICY_REF } from '../../../domain/ledger/refs.js';
import { namespacePolicy } from '../../../domain/verify/policy-rules.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import type { AdminVerb } from './serve-admin.js';
import type { Tips } from './turn-news.js';
import type { ExecSession, ServeExec } from '../exec-session.js';

interface TurnSources {
  readonly store: GitStore;
  readonly policy: () => Policy;
  /** The lines of the term at hand, what takes pushes in it, and what ends it. Throws `NOT_LEADER` where nobody may push. */
  readonly line: () => Promise<{ readonly turns: Turns; readonly push: ServeExec; readonly over: AbortSignal }>;
  /** What commits reach and what a clone has does not, as a pack; null where that is much. */
  readonly news: (want: Tips, have: Tips) => Promise<Uint8Array | null>;
}

/**
 * `turn NS`: answers when the caller's turn has come, and ends with the turn. With `--push`, the answer brings what is new to the caller, and
 * its push follows on the same connection.
 */
export function turnVerb({ store, policy, line, news }: TurnSources): AdminVerb {
  const report = async (ns: string, turn: Turn, waiting: number): Promise<TurnReport> => {
    const names = [ledgerRef(ns), indexRef(ns), epochRef(ns), POLICY_REF];
    const refs = await store.refs(names);
    const [ledger = null, index = null, epoch = null, published = null] = names.map((name) => refs.get(name) ?? null);
    const line = { waiting, waited_ms: Math.max(0, Math.round(turn.waited)) };
    return { ns, token: turn.token, lasts_ms: turn.lasts, ledger, index, ...line, epoch, policy: published };
  };
  const packFor = async (have: KnownTips, { ledger, index }: TurnReport): Promise<string | null> => {
    if (have.ledger === null || have.index === null || ledger === null || index === null) return null;
    const pack = await news([ledger, index], [have.ledger, have.index]);
    return pack === null ? null : Buffer.from(pack).toString('base64');
  };
  return {
    ...{ name: TURN.name, role: TURN.role },
    async run(words, { fingerprint, left, tell, enterPush, handOver }) {
      const { ns, push } = TURN.decode(words);
      namespacePolicy(policy(), ns);
      const { turns, push: receive, over } = await line();
      const done = new AbortController();
      try {
        const gone = AbortSignal.any([left, over, done.signal]);
        const turn = await turns.take(ns, fingerprint, gone).catch((error: unknown) => {
          over.throwIfAborted();
          throw error;
        });
        const answer = await report(ns, turn, turns.waitingIn(ns));
        if (push === undefined) {
          tell(answer);
          await ended(turn.over);
          return undefined;
        }
        const place = enterPush();
        try {
          const pack = await packFor(push, answer);
          await handOver({ ...answer, pack }, (session) => receive(withinTurn(session, turn)));
        } finally {
          place.leave();
        }
        return undefined;
      } finally {
        done.abort(); // whatever way it ends, others may go on
      }
    },
  };
}

/** The session of a push that is cut off when its turn is over before it has begun: else it would stay for as long as a push may take. */
function withinTurn(session: ExecSession, turn: Turn): ExecSession {
  const late = new AbortController();
  void ended(turn.over).then(() => {
    if (turn.used()) return;
    const why = new KvError('CAS_CONFLICT', `the turn in namespace ${turn.ns} went by before its push came`, {
      hint: 'ask for another turn',
    });
    late.abort(why);
  });
  return { ...session, gone: AbortSignal.any([session.gone, late.signal]) };
}

async function ended(over: AbortSignal): Promise<void> {
  if (!over.aborted) await new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }));
}
