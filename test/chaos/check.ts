import type { History, Ledger, Read, Write } from './history.js';
import { Replay } from './replay.js';

/** What a ledger has to keep. */
export type Rule =
  /** Each acknowledged write is in the ledger, at the commit that its writer was told. */
  | 'acknowledged'
  /** No write is in the ledger twice, whatever became of it. */
  | 'once'
  /** What was refused is nowhere. */
  | 'refused'
  /** Nothing is there that nobody wrote. */
  | 'asked'
  /** A commit does what its write says, and the tip is what all of them make. */
  | 'replay'
  /** What a writer expected was so when the write was ordered. */
  | 'expectation'
  /** A write that began after another was acknowledged stands behind it. */
  | 'order'
  /** A read shows a state that was, no older than its reader has seen, or than what it may rely on. */
  | 'read';

/** One thing that is not as it should be. */
export interface Violation {
  readonly rule: Rule;
  readonly what: string;
}

/** Holds a history against the ledgers that came of it; gives all that is wrong. */
export function check({ writes, reads }: History, ledgers: readonly Ledger[]): Violation[] {
  return ledgers.flatMap((ledger) => {
    const { ns } = ledger;
    const own = writes.filter((write) => write.ns === ns);
    const found: Violation[] = [];
    const wrong = (rule: Rule, what: string): void => void found.push({ rule, what: `${ns}: ${what}` });
    const positions = checkPlaces(ledger, own, wrong);
    const replay = checkReplay(ledger, own, wrong);
    checkOrder(ledger, own, wrong);
    checkReads(
      replay,
      own,
      positions,
      reads.filter((read) => read.ns === ns),
      wrong,
    );
    return found;
  });
}

type Wrong = (rule: Rule, what: string) => void;

/** Where each write is: position n is the nth commit. */
function checkPlaces({ entries }: Ledger, writes: readonly Write[], wrong: Wrong): ReadonlyMap<string, number> {
  const positions = new Map<string, number>();
  const known = new Set(writes.map(({ id }) => id));
  for (const [i, { commit, write }] of entries.entries()) {
    if (write === null || !known.has(write)) wrong('asked', `commit ${commit} is of no write that was begun`);
    else if (positions.has(write)) wrong('once', `${write} is commit ${positions.get(write)} and commit ${i + 1}`);
    else positions.set(write, i + 1);
  }
  for (const { id, outcome, commit, set, code } of writes) {
    const at = positions.get(id);
    const actual = at === undefined ? null : (entries[at - 1]?.commit ?? null);
    if (outcome === 'refused' && at !== undefined) wrong('refused', `${id} was refused (${code}), and is commit ${at}`);
    if (outcome !== 'acknowledged') continue;
    const changed = commit !== null || Object.keys(set).length > 0;
    if (changed && actual === null) wrong('acknowledged', `${id} was acknowledged as ${commit}, and is not in the ledger`);
    else if (actual !== commit) wrong('acknowledged', `${id} was told of commit ${commit}, and is ${actual}`);
  }
  return positions;
}

function checkReplay(ledger: Ledger, writes: readonly Write[], wrong: Wrong): Replay {
  const byId = new Map(writes.map((write) => [write.id, write]));
  const now = new Map<string, string | null>();
  const replay = new Replay(ledger, byId, ({ id, expect }, position, changes) => {
    for (const [key, value] of Object.entries(expect)) {
      const actual = now.get(key) ?? null;
      if (actual !== value)
        wrong('expectation', `${id} expected ${value} of ${key}, which was ${actual} before commit ${position}`);
    }
    const made = ledger.entries[position - 1]?.changes ?? {};
    for (const key of new Set([...Object.keys(changes), ...Object.keys(made)]))
      if (changes[key] !== made[key])
        wrong('replay', `${id}, commit ${position}, made ${key} ${made[key]}, and not ${changes[key]}`);
    for (const [key, value] of Object.entries(changes)) now.set(key, value);
  });
  for (const key of new Set([...replay.keys, ...Object.keys(ledger.values)])) {
    const actual = ledger.values[key] ?? null;
    if (actual !== replay.value(key))
      wrong('replay', `${key} is ${actual} in the end, and its writes make it ${replay.value(key)}`);
  }
  return replay;
}

function checkOrder({ entries }: Ledger, writes: readonly Write[], wrong: Wrong): void {
  const byId = new Map(writes.map((write) => [write.id, write]));
  let latest: Write | undefined; // of those behind, the one that was acknowledged first
  for (const { write: id } of [...entries].reverse()) {
    const write = id === null ? undefined : byId.get(id);
    if (write === undefined) continue;
    if (latest?.ended != null && latest.ended < write.began)
      wrong('order', `${write.id} began after ${latest.id} was acknowledged, and stands before it`);
    const ended = write.outcome === 'acknowledged' ? write.ended : null;
    if (ended !== null && (latest?.ended == null || ended < latest.ended)) latest = write;
  }
}

function checkReads(
  replay: Replay,
  writes: readonly Write[],
  positions: ReadonlyMap<string, number>,
  reads: readonly Read[],
  wrong: Wrong,
): void {
  const acknowledged = writes.filter(({ outcome }) => outcome === 'acknowledged');
  const byId = new Map(writes.map((write) => [write.id, write]));
  const seen = new Map<string, number>();
  for (const read of [...reads].sort((a, b) => a.began - b.began)) {
    const { who, values, from, began, ended } = read;
    const shown = `${who} read ${JSON.stringify(values)}`;
    const due = acknowledged.filter((write) => (write.ended ?? began) < began && (from === 'stargate' || write.who === who));
    const told = due.reduce((most, { id }) => Math.max(most, positions.get(id) ?? 0), 0);
    const before = seen.get(who) ?? 0;
    const at = replay.firstWith(values, Math.max(told, before));
    if (at === undefined) {
      const ever = replay.firstWith(values, 0);
      if (ever === undefined) wrong('read', `${shown}, which never was`);
      else if (replay.firstWith(values, before) === undefined)
        wrong('read', `${shown}, which was at commit ${ever}, after it had read of commit ${before}`);
      else wrong('read', `${shown}, which was at commit ${ever}, when commit ${told} had been acknowledged`);
      continue;
    }
    seen.set(who, at);
    const write = byId.get(replay.ledger.entries[at - 1]?.write ?? '');
    if (write !== undefined && write.began > ended) wrong('read', `${shown}, before ${write.id} had begun`);
  }
}
