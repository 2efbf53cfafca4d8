import type { Head, RecordedHead } from '../../../ports/stargate/decision-log.js';
import type { RefUpdate, WatchEvent } from '../../../ports/vocabulary.js';
import type { Entry, Position, ServerId, Standing } from './entry.js';
import type { Message } from './messages.js';
import type { Ack } from './quorum.js';

/** What somebody wants the cluster to decide. */
export interface Proposal {
  /** The journal's id of it, a ULID; the answer names it. */
  readonly id: string;
  readonly updates: readonly RefUpdate[];
  readonly events: readonly WatchEvent[];
  readonly ack: Ack;
  /** A change of members instead of moves of refs. */
  readonly change?: { readonly add: ServerId } | { readonly remove: ServerId };
}

/** Why a proposal was not taken. */
export type RefusedBecause = 'not-leader' | 'no-quorum' | 'storage' | 'not-level' | 'members';

/**
 * How a proposal ended. `accepted`: decided, and the refs have moved here. `refused`: it is not decided and never will be. `unknown`: this
 * server can't tell any more; the same again finds out, since a transaction that has landed is known by its id.
 */
export type ProposalAnswer =
  | { readonly outcome: 'accepted'; readonly sequence: number }
  | { readonly outcome: 'refused'; readonly because: RefusedBecause; readonly detail: string }
  | { readonly outcome: 'unknown' };

/**
 * What a replica wants done, in this order. `store`, `apply` and `install` are never under way at the same time; each is answered by an
 * `ended`. Whatever fails or is lost is asked for again.
 */
export type Effect =
  | { readonly kind: 'send'; readonly to: ServerId; readonly message: Message }
  /** Keep the entry's objects, and its record in the journal, which replaces the record of any entry that is not applied; then sync. */
  | { readonly kind: 'store'; readonly entry: Entry }
  /** Note in the journal that the stored entry is aborted. Needs no sync. */
  | { readonly kind: 'drop'; readonly entry: Entry }
  /**
   * Move the refs, and `refs/kv-leader` with them, to where these entries lead, one after the other, in one durable ref transaction. `from` has
   * the objects where they were not stored here.
   */
  | { readonly kind: 'apply'; readonly entries: readonly Entry[]; readonly from: ServerId | null }
  /** Fetch all refs of a server, check that their digest is the standing's, and put them in the place of one's own. */
  | { readonly kind: 'install'; readonly standing: Standing; readonly from: ServerId }
  /** Read the head. Answered by `head`. */
  | { readonly kind: 'read'; readonly token: number }
  /** Move the head. Answered by `decided`. */
  | { readonly kind: 'decide'; readonly token: number; readonly head: Head; readonly after: string | null }
  /** Send what `answerFetch` says. */
  | {
      readonly kind: 'serve';
      readonly to: ServerId;
      readonly from: Position;
      readonly prepared: Entry | null;
      readonly head: Head | null;
    }
  | { readonly kind: 'answer'; readonly proposal: string; readonly answer: ProposalAnswer }
  /** Give the lock up. `cutOff`: not for this history alone, since it is the server that others may not hear. */
  | { readonly kind: 'release'; readonly why: string; readonly cutOff?: boolean }
  /** Try for the lock now. */
  | { readonly kind: 'acquire' };

/** How a decision ended: `refused` was not made and never will be; after `unknown` it may have been. */
export type DecisionResult =
  | { readonly kind: 'made'; readonly revision: string }
  | { readonly kind: 'moved' | 'fenced' | 'unknown' };

/** What a replica is told. */
export type Input =
  | { readonly kind: 'tick' }
  | { readonly kind: 'message'; readonly from: ServerId; readonly message: Message }
  /**
   * The lock is held, with this term. `attempts`: the lock is the one that this server has led under before, and this is how many entries it has
   * proposed in that term; absent: the term is new.
   */
  | { readonly kind: 'won'; readonly term: number; readonly attempts?: number }
  /** The lock is lost, or must be assumed to be. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'propose'; readonly proposal: Proposal }
  /** Hand leadership over to a server that is level. */
  | { readonly kind: 'transfer'; readonly to: ServerId }
  /** `store`, `apply` or `install` has ended. */
  | { readonly kind: 'ended'; readonly ok: boolean }
  /** A head that was read by other means. */
  | { readonly kind: 'learned'; readonly head: Head }
  | { readonly kind: 'head'; readonly token: number; readonly recorded: RecordedHead | null | 'unreachable' }
  | { readonly kind: 'decided'; readonly token: number; readonly result: DecisionResult };
