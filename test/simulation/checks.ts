import type { Head } from '../../ports/stargate/decision-log.js';
import type { ProposalAnswer } from '../../domain/gateway/replicate/effects.js';
import type { Entry, Standing } from '../../domain/gateway/replicate/entry.js';
import { type Ack, majorityOf, votesNeeded } from '../../domain/gateway/replicate/quorum.js';
import type { Disk } from './disk.js';

/** What must always hold was broken. */
export class Violation extends Error {
  constructor(
    readonly invariant: Invariant,
    detail: string,
  ) {
    super(`${invariant}: ${detail}`);
  }
}

/** The invariants, by name. */
export type Invariant =
  | 'one history' //      all servers' histories are prefixes of the decided one
  | 'nothing lost' //     what was decided is on as many disks as it must be
  | 'one leader' //       nobody decides in another's term, and terms only grow
  | 'true answers' //     accepted is decided, refused never is
  | 'no hope' //          whoever claims the head holds it
  | 'no quarantine' //    no server is called diverged that isn't
  | 'convergence'; //     once the faults stop, everybody comes level, nothing stays in doubt, and writes are taken

/** Servers as the checks see them. */
export interface Checked {
  readonly name: string;
  readonly disk: Disk;
  /** Its disk was lost, and it has had part in no decision since. */
  wiped: boolean;
}

/** Watches the whole cluster from outside, where everything can be seen. */
export class Checks {
  /** The digest decided at each sequence. */
  readonly decided: (string | undefined)[];
  private readonly deciders = new Map<number, number>();
  private readonly entries = new Map<string, Entry>();
  private readonly ids = new Set<string>();
  private readonly refused = new Set<string>();
  private readonly open = new Set<string>();
  accepted = 0;
  head: Head;

  constructor(
    private readonly servers: readonly Checked[],
    private readonly ack: Ack,
    first: Head,
  ) {
    this.head = first;
    this.decided = [first.digest];
  }

  /** A server has begun to store an entry. */
  proposed(entry: Entry): void {
    this.entries.set(entry.after, entry);
  }

  /** Somebody waits for the answer to a proposal. */
  asked(id: string): void {
    this.open.add(id);
  }

  made(by: number, head: Head, before: Head | null): void {
    const decider = this.deciders.get(head.term);
    if (decider !== undefined && decider !== by)
      throw new Violation('one leader', `servers ${decider} and ${by} decide in term ${head.term}`);
    this.deciders.set(head.term, by);
    if (before !== null && head.term < before.term)
      throw new Violation('one leader', `term ${head.term} decides after term ${before.term}`);
    const server = this.servers[by];
    if (before === null || head.sequence === before.sequence) {
      if (before !== null && head.digest !== before.digest)
        throw new Violation('one history', `entry ${head.sequence} was decided twice`);
      if (
        server !== undefined &&
        !server.wiped &&
        (server.disk.applied.sequence !== head.sequence || server.disk.applied.digest !== head.digest)
      )
        throw new Violation('no hope', `${server.name} claims entry ${head.sequence}, and has ${server.disk.applied.sequence}`);
    } else if (head.sequence !== before.sequence + 1)
      throw new Violation('one history', `entry ${head.sequence} follows entry ${before.sequence}`);
    const entry = this.entries.get(head.digest);
    if (entry !== undefined && before !== null && head.sequence > before.sequence) {
      if (entry.before !== before.digest)
        throw new Violation('one history', `entry ${head.sequence} does not build on ${before.sequence}`);
      if (this.refused.has(entry.id)) throw new Violation('true answers', `${entry.id} was refused, and is decided`);
      this.ids.add(entry.id);
    }
    this.decided[head.sequence] = head.digest;
    this.head = head;
    this.durable(before?.members ?? head.members);
    for (const server of this.servers) if (server.wiped && server.disk.holds(head.sequence, head.digest)) server.wiped = false;
  }

  /** Looks whether the newest decision is on enough disks, those aside that were lost. */
  durable(before: readonly string[] = this.head.members): void {
    const { head } = this;
    if (head.sequence === 0) return;
    for (const members of before === head.members ? [before] : [before, head.members]) {
      let holders = 0;
      let wiped = 0;
      for (const server of this.servers) {
        if (!members.includes(server.name)) continue;
        if (server.disk.holds(head.sequence, head.digest)) holders++;
        else if (server.wiped) wiped++;
      }
      const needed = before === head.members ? votesNeeded(this.ack, members.length) : majorityOf(members.length);
      if (holders + wiped < needed)
        throw new Violation('nothing lost', `entry ${head.sequence} is on ${holders} of ${members.length} disks`);
    }
  }

  /** A server's refs have moved durably. */
  moved(server: Checked, to: Standing): void {
    if (to.sequence === -1) return;
    if (this.decided[to.sequence] !== to.digest)
      throw new Violation(
        'one history',
        `${server.name} shows entry ${to.sequence} as ${to.digest}, decided is ${this.decided[to.sequence] ?? 'nothing'}`,
      );
  }

  answered(id: string, answer: ProposalAnswer): void {
    if (!this.open.delete(id)) throw new Violation('true answers', `${id} was answered twice`);
    if (answer.outcome === 'accepted') {
      this.accepted++;
      if (!this.ids.has(id)) throw new Violation('true answers', `${id} was accepted, and is not decided`);
    } else if (answer.outcome === 'refused') {
      if (this.ids.has(id)) throw new Violation('true answers', `${id} was refused (${answer.because}), and is decided`);
      this.refused.add(id);
    }
  }
}
