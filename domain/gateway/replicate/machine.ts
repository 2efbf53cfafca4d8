import type { Head, RecordedHead } from '../../../ports/stargate/decision-log.js';
import type { DigestAfter, Entry, Position, ServerId, Standing } from './entry.js';
import type { Effect, Proposal, ProposalAnswer } from './effects.js';
import type { Message } from './messages.js';
import type { Rules } from './rules.js';

/** How many entries are applied at a time. */
export const MOST_AT_ONCE = 1000;

/** How long things take, in ticks: the domain has no clock, and one that jumps must change nothing. */
export interface Timing {
  /** A prepare is sent again to servers that have not answered. */
  readonly resend: number;
  /** An attempt without a quorum is aborted. */
  readonly vote: number;
  /** The leader says where it stands. */
  readonly heartbeat: number;
  /** A server that holds an entry and hears nothing asks the decision log. */
  readonly doubt: number;
  /** A server that does not answer a fetch is given up for the next. */
  readonly fetch: number;
  /** A new leader that can't come level gives the lock up. */
  readonly takeover: number;
  /** A member that is to be added must be level by then. */
  readonly join: number;
  /** A leader that has left the lock to others because a majority is not heard keeps it for so long, when nobody else has taken over. */
  readonly alone: number;
}

/** Times for ticks of 100 ms. */
export const TIMING: Timing = { resend: 3, vote: 30, heartbeat: 5, doubt: 10, fetch: 5, takeover: 50, join: 600, alone: 300 };

/** What one server of the cluster has durably, when it starts. */
export interface Restored {
  /** The newest term that its journal or its refs name. */
  readonly term: number;
  /** Where its refs stand. */
  readonly applied: Standing;
  /** The entry that its journal holds beyond that. */
  readonly prepared: Entry | null;
}

/** Who a replica is. */
export interface ReplicaOptions {
  readonly self: ServerId;
  /** Makes the first head of a repository that has none: the one server that has its content. */
  readonly founder?: boolean;
  readonly digestAfter: DigestAfter;
  readonly timing?: Timing;
  /** Only tests give others. */
  readonly rules?: Rules;
}

/** An attempt under way. */
export interface Ballot {
  readonly proposal: Proposal;
  readonly entry: Entry;
  readonly since: number;
  readonly votes: Set<ServerId>;
  /** Who has answered otherwise, and how. */
  readonly refusals: Map<ServerId, string>;
  phase: 'voting' | 'deciding' | 'applying';
}

/** What a leader keeps. */
export interface Leading {
  head: Head;
  revision: string;
  attempt: number;
  settled: number;
  ballot: Ballot | null;
  readonly queue: Proposal[];
  /** Servers that are to become members once they are level. */
  readonly joining: Map<ServerId, { readonly proposal: Proposal; readonly since: number; queued: boolean }>;
  /** Where the others stood when they were last heard. */
  readonly peers: Map<ServerId, { readonly at: Position; readonly heard: number; readonly diverged: string | null }>;
  /** Who is to lead next. */
  transfer: { readonly to: ServerId; readonly since: number } | null;
  beat: number;
}

/** What a server keeps while it takes over. */
export interface Takeover {
  phase: 'read' | 'level' | 'claim';
  readonly since: number;
  /** How many entries this server has proposed in this term before. */
  readonly attempts: number;
  recorded: RecordedHead | null;
}

/** All that a replica knows. */
export interface ReplicaState {
  tick: number;
  term: number;
  applied: Standing;
  prepared: Entry | null;
  /** The newest head that was heard of. */
  known: Head | null;
  /** The newest prepare that is not judged yet; `told`: its leader knows why. */
  waiting: { readonly entry: Entry; readonly from: ServerId; told: boolean } | null;
  leader: ServerId | null;
  /** When a leader was heard last. */
  heard: number;
  /** What the disk is at. */
  op:
    | { readonly kind: 'store'; readonly entry: Entry; readonly from: ServerId }
    | { readonly kind: 'apply'; readonly entries: readonly Entry[] }
    | { readonly kind: 'install'; readonly standing: Standing }
    | null;
  /** When the disk has failed last: it is asked again a tick later. */
  failed: number;
  /** Entries that were fetched and wait to be applied. */
  tail: readonly Entry[];
  /** How many of them are applied at a time: fewer after a failure, so that whatever is too much at once is done in pieces. */
  stride: number;
  fetch: { readonly from: ServerId; readonly since: number } | null;
  /** Who was asked since this server came on: an answer that comes late is as good. */
  readonly askedOf: Set<ServerId>;
  /** How many servers were asked, so that each gets its turn. */
  asked: number;
  /** Why this server's history is not the cluster's; null while it is. */
  diverged: string | null;
  takeover: Takeover | null;
  leading: Leading | null;
  /** The newest attempt of this server, and its term. */
  proposed: { readonly term: number; readonly attempt: number };
  /** Proposals of which this server doesn't know yet whether they were decided. */
  doubtful: { readonly proposal: string; readonly entry: Entry }[];
  /** When this server, leading, has left the lock to others because a majority was not heard; null: not since it was. */
  yielded: number | null;
  /** The newest token of a read and of a decision under way. */
  reading: number | null;
  deciding: number | null;
}

const NOTHING_ASKED: readonly Effect[] = [];

/** A replica at work: its state, and what it asks of the world. */
export class Machine {
  readonly state: ReplicaState;
  private effects: Effect[] = [];
  private tokens = 0;

  constructor(
    readonly self: ServerId,
    readonly founder: boolean,
    readonly digestAfter: DigestAfter,
    readonly timing: Timing,
    readonly rules: Rules,
    { term, applied, prepared }: Restored,
  ) {
    this.state = {
      tick: 0,
      term,
      applied,
      prepared,
      known: null,
      waiting: null,
      leader: null,
      heard: 0,
      op: null,
      failed: -1,
      tail: [],
      stride: MOST_AT_ONCE,
      fetch: null,
      askedOf: new Set(),
      asked: 0,
      diverged: null,
      takeover: null,
      leading: null,
      proposed: { term: 0, attempt: 0 },
      doubtful: [],
      yielded: null,
      reading: null,
      deciding: null,
    };
  }

  emit(effect: Effect): void {
    this.effects.push(effect);
  }

  send(to: ServerId, message: Message): void {
    this.effects.push({ kind: 'send', to, message });
  }

  answer(proposal: string, answer: ProposalAnswer): void {
    this.effects.push({ kind: 'answer', proposal, answer });
  }

  /** Asks for the head, unless it is being read. */
  read(): void {
    if (this.state.reading !== null) return;
    this.state.reading = ++this.tokens;
    this.effects.push({ kind: 'read', token: this.tokens });
  }

  /** Moves the head. The result of an earlier decision no longer matters. */
  decide(head: Head, after: string | null): void {
    this.state.deciding = ++this.tokens;
    this.effects.push({ kind: 'decide', token: this.tokens, head, after });
  }

  /** What was asked for since the last time. */
  take(): readonly Effect[] {
    const { effects } = this;
    if (effects.length === 0) return NOTHING_ASKED; // the list itself would grow in its reader's hands
    this.effects = [];
    return effects;
  }
}
