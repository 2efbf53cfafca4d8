import { nodeHasher } from '../../../../../adapters/hasher-node/open.js';
import type { Effect, Input, Proposal, ProposalAnswer } from '../../../../../domain/gateway/replicate/effects.js';
import { type Entry, movesOf, type ServerId, type Standing } from '../../../../../domain/gateway/replicate/entry.js';
import type { ReplicaOptions, Restored } from '../../../../../domain/gateway/replicate/machine.js';
import type { Message } from '../../../../../domain/gateway/replicate/messages.js';
import { Replica } from '../../../../../domain/gateway/replicate/replica.js';
import { NO_TIPS, TipsDigest } from '../../../../../domain/gateway/replicate/tips-digest.js';
import type { Head, RecordedHead } from '../../../../../ports/stargate/decision-log.js';

export const digest = new TipsDigest(nodeHasher());
export const MEMBERS: readonly ServerId[] = ['a', 'b', 'c'];
/** A digest that no server of these tests has. */
export const OTHER = 'cd'.repeat(32);
/** Where each server stands at first: four entries have been decided, by term 3. */
export const START: Standing = { sequence: 4, digest: NO_TIPS, members: MEMBERS };
export const HEAD: Head = { sequence: 4, term: 3, digest: NO_TIPS, members: MEMBERS };
export const OID = 'ab'.repeat(20);

/** The entry that follows the start, proposed by `a` in term 3, or another. */
export function entryOf(fields: Partial<Entry> = {}): Entry {
  const updates = fields.updates ?? [{ ref: 'refs/kv/main', old: null, next: OID }];
  const before = fields.before ?? START.digest;
  const members = fields.members ?? MEMBERS;
  return {
    ...{ id: 'T1', sequence: 5, term: 3, attempt: 1, before, updates, events: [], members },
    after: digest.after(before, movesOf(updates, MEMBERS, members)),
    ...fields,
  };
}

/** Entries that follow each other from the start, one ref each. */
export function chainOf(count: number, fields: Partial<Entry> = {}): Entry[] {
  let before = START.digest;
  return Array.from({ length: count }, (_, at) => {
    const updates = [{ ref: `refs/heads/r${at}`, old: null, next: OID }];
    const entry = entryOf({ id: `C${at + 1}`, sequence: 5 + at, attempt: at + 1, before, updates, ...fields });
    before = entry.after;
    return entry;
  });
}

/** The head once an entry was decided. */
export const headAfter = ({ sequence, after, members, term }: Entry): Head => ({ sequence, digest: after, members, term });

/** A server that has what was decided so far, unless something else is said. */
export function serverOf(self: ServerId, more: Partial<Restored> & Partial<Omit<ReplicaOptions, 'self'>> = {}): Replica {
  const { term = 3, applied = START, prepared = null, ...options } = more;
  return new Replica({ self, digestAfter: digest.after, ...options }, { term, applied, prepared });
}

export const hear = (server: Replica, from: ServerId, message: Message): readonly Effect[] =>
  server.step({ kind: 'message', from, message });
export const ended = (server: Replica, ok = true): readonly Effect[] => server.step({ kind: 'ended', ok });
/** So many ticks, counted from 1 on, and what was asked for at each that asked for something. */
export function ticks(server: Replica, count: number): { readonly at: number; readonly effects: readonly Effect[] }[] {
  return Array.from({ length: count }, (_, before) => ({ at: before + 1, effects: server.step({ kind: 'tick' }) })).filter(
    ({ effects }) => effects.length > 0,
  );
}

export const kinds = (effects: readonly Effect[]): string[] => effects.map(({ kind }) => kind);
/** What is sent, to whom. */
export const sent = (effects: readonly Effect[]): [ServerId, Message][] =>
  effects.flatMap((effect) => (effect.kind === 'send' ? [[effect.to, effect.message] as [ServerId, Message]] : []));
/** To whom a kind of message is sent. */
export const sentTo = (effects: readonly Effect[], kind: Message['kind']): ServerId[] =>
  sent(effects).flatMap(([to, message]) => (message.kind === kind ? [to] : []));
export const answers = (effects: readonly Effect[]): [string, ProposalAnswer][] =>
  effects.flatMap((effect) => (effect.kind === 'answer' ? [[effect.proposal, effect.answer] as [string, ProposalAnswer]] : []));
/** The one effect of a kind; throws where there is another number of them. */
export function only<K extends Effect['kind']>(effects: readonly Effect[], kind: K): Extract<Effect, { kind: K }> {
  const found = effects.filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);
  const [one] = found;
  if (one === undefined || found.length > 1) throw new Error(`${found.length} of ${kind} among ${kinds(effects).join()}`);
  return one;
}

/** The head is read: what it is. */
export const read = (server: Replica, asked: readonly Effect[], recorded: RecordedHead | null | 'unreachable') =>
  server.step({ kind: 'head', token: only(asked, 'read').token, recorded });
/** The decision has ended. */
export const decided = (
  server: Replica,
  asked: readonly Effect[],
  result: Extract<Input, { kind: 'decided' }>['result'] = { kind: 'made', revision: 'next' },
): readonly Effect[] => server.step({ kind: 'decided', token: only(asked, 'decide').token, result });

/** At which tick the leader's term begins. */
export const BEGUN = 60;

/** A server that leads in term 4. */
export function leader(self: ServerId = 'a', more: Parameters<typeof serverOf>[1] = {}): Replica {
  const server = serverOf(self, more);
  ticks(server, BEGUN);
  const claimed = read(server, server.step({ kind: 'won', term: 4 }), { head: HEAD, revision: 'first' });
  decided(server, claimed);
  return server;
}

export const proposalOf = (id = 'T1', more: Partial<Proposal> = {}): Proposal => ({
  ...{ id, events: [], ack: 'quorum' as const, updates: [{ ref: 'refs/kv/main', old: null, next: OID }] },
  ...more,
});
export const propose = (server: Replica, proposal: Proposal): readonly Effect[] => server.step({ kind: 'propose', proposal });
/** A server's vote for an entry. */
export const voteFor = ({ term, attempt, sequence, after }: Entry): Message => ({
  ...{ kind: 'vote' as const, term, attempt, sequence, digest: after },
});
