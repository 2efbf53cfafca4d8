import type { Head } from '../../../../ports/stargate/decision-log.js';
import { type Entry, isAt, movesOf, type Position, type ServerId, type Standing } from '../entry.js';
import { recount } from '../ballot.js';
import type { Machine } from '../machine.js';
import type { Fetch, Lacking, Message, Parted, Snapshot, Tail } from '../messages.js';
import { isBehind } from './participant.js';
import { learn, quarantine } from '../terms.js';

/** Asks the next server for what is missing here, unless the disk has it already or somebody was asked. */
export function advanceCatchUp(m: Machine): void {
  const { state, rules, timing } = m;
  const { known, prepared, fetch } = state;
  if (fetch !== null && state.tick - fetch.since > timing.fetch) state.fetch = null;
  if (known === null || state.diverged !== null || state.op !== null || state.failed === state.tick) return;
  if (!isBehind(m)) {
    state.fetch = null;
    state.askedOf.clear();
    return;
  }
  if (state.fetch !== null || (prepared !== null && rules.isDecided(prepared, known))) return;
  const from = nextSource(m, known);
  if (from === null) return;
  state.fetch = { from, since: state.tick };
  state.askedOf.add(from);
  m.send(from, { kind: 'fetch', from: positionOf(state.applied), head: known });
}

const positionOf = ({ sequence, digest }: Position): Position => ({ sequence, digest });

/** The leader first, then everybody in turn. */
function nextSource(m: Machine, known: Head): ServerId | null {
  const { state, self } = m;
  const others = [...new Set([...known.members, ...state.applied.members])].filter((member) => member !== self);
  const turn = state.asked++;
  if (turn % 2 === 0 && state.leader !== null && state.leader !== self) return state.leader;
  return others[(turn >> (state.leader === null ? 0 : 1)) % Math.max(1, others.length)] ?? null;
}

/** Whoever asks for what was decided after its position is answered from the disk. */
export function onFetch(m: Machine, to: ServerId, { from, head }: Fetch): void {
  const { state, rules } = m;
  learn(m, head);
  recount(m, to, from);
  const prepared = state.prepared !== null && rules.maySend(state.prepared, state.known) ? state.prepared : null;
  m.emit({ kind: 'serve', to, from, prepared, head: state.known });
}

/** What a server's disk says of another's position. */
export interface History {
  readonly standing: Standing;
  /** The digest at the asked sequence; null where it is later than the standing, or so old that nobody knows. */
  readonly digestThere: string | null;
  /** The entries that follow it, in order; null where they are gone or too many, so that all refs are the shorter way. */
  readonly after: readonly Entry[] | null;
}

/** The answer to a fetch, given what the disk says: what follows, everything, nothing, or that the two have parted. */
export function answerFetch(
  from: Position,
  prepared: Entry | null,
  head: Head | null,
  { standing, digestThere, after }: History,
): Message {
  if (digestThere !== null && digestThere !== from.digest) return { kind: 'parted', head, from };
  if (from.sequence > standing.sequence) return { kind: 'lacking', head };
  if (after === null) return { kind: 'snapshot', head, standing };
  const last = after.at(-1)?.after ?? from.digest;
  const entries =
    prepared !== null && prepared.before === last && prepared.sequence === standing.sequence + 1 ? [...after, prepared] : after;
  return entries.length === 0 ? { kind: 'lacking', head } : { kind: 'tail', head, entries };
}

/** Takes entries in, as far as they follow what is here and lead to what was decided. */
export function onTail(m: Machine, from: ServerId, { head, entries }: Tail): void {
  const { state } = m;
  learn(m, head);
  if (!isAwaited(m, from)) return;
  let at: Standing = state.applied;
  const taken: Entry[] = [];
  for (const entry of entries) {
    if (entry.sequence <= at.sequence) continue;
    const digest = m.digestAfter(at.digest, movesOf(entry.updates, at.members, entry.members));
    if (entry.sequence !== at.sequence + 1 || entry.before !== at.digest || digest !== entry.after) break;
    if (state.known?.sequence === entry.sequence && state.known.digest !== entry.after) break;
    taken.push(entry);
    at = { sequence: entry.sequence, digest, members: entry.members };
  }
  if (taken.length === 0) state.fetch = null;
  else {
    state.tail = taken;
    state.fetch = { from, since: state.tick };
  }
}

/** Puts all refs of another server in the place of one's own, which its history leads over. */
export function onSnapshot(m: Machine, from: ServerId, { head, standing }: Snapshot): void {
  const { state } = m;
  learn(m, head);
  if (!isAwaited(m, from)) return;
  state.fetch = null;
  const { known } = state;
  if (known === null || standing.sequence <= state.applied.sequence || standing.sequence > known.sequence) return;
  if (standing.sequence === known.sequence && !isAt(known, standing)) return;
  state.op = { kind: 'install', standing };
  m.emit({ kind: 'install', standing, from });
}

/** The asked server has nothing more: the next one is asked. */
export function onLacking(m: Machine, from: ServerId, { head }: Lacking): void {
  learn(m, head);
  if (isAwaited(m, from) && m.state.fetch?.from === from) m.state.fetch = { from, since: m.state.tick - m.timing.fetch };
}

/** This server's history is not the other's, which is the cluster's as far as it goes: what is applied there was decided. */
export function onParted(m: Machine, from: ServerId, { head, from: position }: Parted): void {
  learn(m, head);
  if (isAwaited(m, from) && isAt(m.state.applied, position))
    quarantine(m, `entry ${position.sequence} of this server (digest ${position.digest}) is not the one of server ${from}`);
}

const isAwaited = ({ state }: Machine, from: ServerId): boolean =>
  state.askedOf.has(from) && state.op === null && state.tail.length === 0 && state.diverged === null;
