import type { Message } from '../../domain/gateway/replicate/messages.js';
import { type DigestAfter, NOTHING } from '../../domain/gateway/replicate/entry.js';
import type { Bug } from './bug.js';
import { Checks, Violation } from './checks.js';
import { Decisions } from './decisions.js';
import { Events } from './events.js';
import { inject } from './faults.js';
import type { Plan } from './plan.js';
import { Random } from './random.js';
import { Server } from './server.js';

/** How long a call of the decision log is waited for, ms. */
const PATIENCE = 400;
/** How long the cluster has to come level after the faults, ms. */
const CALM = 30_000;

/** A cheap digest, the same on every server: two numbers of 32 bits. */
export const digestAfter: DigestAfter = (before, moves) => {
  let text = before;
  for (const { ref, next } of moves) text += `${ref}=${next ?? '-'};`;
  let one = 0x811c9dc5;
  let two = 0x9e3779b9;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    two = Math.imul(two ^ code, 0x85ebca6b) ^ (one >>> 13);
  }
  return `${(one >>> 0).toString(36)}.${(two >>> 0).toString(36)}`;
};

/** A whole cluster in one thread, with everything that can go wrong with it. The same plan is the same run. */
export class World {
  readonly events = new Events();
  readonly random: Random;
  readonly servers: Server[];
  private readonly byName: ReadonlyMap<string, Server>;
  readonly decisions: Decisions;
  readonly checks: Checks;
  readonly cuts = new Set<string>();
  readonly logCuts = new Set<number>();
  logDown = 0;
  calm = false;
  steps = 0;
  /** When the cluster had come level after the faults, ms after they stopped. */
  level = 0;
  private writes = 0;

  constructor(
    readonly plan: Plan,
    readonly bug: Bug,
    private readonly trace: string[] | null,
  ) {
    this.random = new Random(plan.weather);
    const names = Array.from({ length: plan.servers + plan.spares }, (_, at) => `s${at + 1}`);
    const members = names.slice(0, plan.servers);
    const first = { sequence: 0, digest: digestAfter('', []), members };
    this.servers = names.map(
      (name, at) => new Server(this, at, name, plan.rates[at] ?? 1, at < plan.servers ? first : NOTHING, plan.keep, digestAfter),
    );
    this.byName = new Map(this.servers.map((server) => [server.name, server]));
    this.decisions = new Decisions(() => this.now, plan.log === 'journal' ? 0 : null, bug.log ?? {});
    this.decisions.head = { ...first, term: 0 };
    this.checks = new Checks(this.servers, plan.ack, this.decisions.head);
    this.decisions.made = (by, head, before) => {
      this.note(this.servers[by], 'decides', () => `entry ${head.sequence} in term ${head.term}`);
      this.checks.made(by, head, before);
    };
    for (const server of this.servers) server.start();
    for (const write of plan.writes) this.after(write.at, () => this.write(write.to));
    for (const fault of plan.faults) this.after(fault.at, () => inject(this, fault));
  }

  get now(): number {
    return this.events.now;
  }

  after(delay: number, run: () => void): void {
    this.events.after(delay, run);
  }

  named(name: string): Server | undefined {
    return this.byName.get(name);
  }

  note(who: { readonly name: string } | undefined, what: string, more?: () => string): void {
    this.trace?.push(
      `${String(Math.round(this.now)).padStart(6)} ms  ${who?.name ?? '--'} ${what}${more === undefined ? '' : ` ${more()}`}`,
    );
  }

  send(from: Server, to: string, message: Message): void {
    const target = this.named(to);
    if (target === undefined) return;
    const { plan, random, calm } = this;
    const copies = calm ? 1 : random.chance(plan.loss) ? 0 : random.chance(plan.twice) ? 2 : 1;
    if (copies === 0) {
      this.note(from, 'loses', () => `${message.kind} to ${to}`);
      return;
    }
    for (let copy = 0; copy < copies; copy++) {
      const isLate = !calm && random.chance(plan.late);
      const delay = calm ? 1 + random.next() : 0.5 + random.next() ** 2 * plan.delay + (isLate ? random.between(500, 4000) : 0);
      this.after(delay, () => {
        if (!calm && this.cuts.size > 0 && this.cuts.has(`${from.index}>${target.index}`)) return;
        if (message.kind !== 'report' && message.kind !== 'outcome')
          this.note(target, 'hears', () => `${describe(message)} from ${from.name}`);
        target.give({ kind: 'message', from: from.name, message });
      });
    }
  }

  /** Calls the decision log: undefined when no answer has come, though the call may arrive, or have arrived. */
  callLog<Result>(
    from: Server,
    what: string,
    call: (log: Decisions) => Result,
    then: (result: Result | undefined) => void,
  ): void {
    const { plan, random, calm } = this;
    const isLocal = plan.log === 'journal' && from.index === 0;
    const reaches = (): boolean => {
      if (isLocal) return !from.full;
      if (this.logDown > 0 || this.logCuts.has(from.index)) return false;
      const host = this.servers[0];
      return (
        plan.log === 'etcd' || (host?.replica != null && !this.cuts.has(`${from.index}>0`) && !this.cuts.has(`0>${from.index}`))
      );
    };
    const slow = !calm && !isLocal && random.chance(plan.loss);
    const delay = (): number =>
      (isLocal || calm ? random.next() : 0.5 + random.next() ** 2 * plan.delay) + (slow ? random.between(0, 1500) : 0);
    const { events } = this;
    const there = delay();
    const deadline = this.now + PATIENCE;
    let isOver = false;
    const end = (result: Result | undefined): void => {
      if (isOver) return;
      isOver = true;
      then(result);
    };
    const arrive = (): void => {
      if (!reaches()) {
        this.note(from, `does not reach the decision log (${what})`);
        giveUp();
        return;
      }
      const result = call(this.decisions);
      if (!calm && !isLocal && random.chance(plan.loss)) {
        giveUp();
        return;
      }
      const back = delay();
      if (this.now + back >= deadline) giveUp();
      this.after(back, () => end(result));
    };
    this.after(there, arrive);
    // Most calls are answered in time: only those that aren't need an end of the patience, at its place among what happens then.
    const reserved = events.reserve();
    let isWaited = false;
    const giveUp = (): void => {
      if (isWaited) return;
      isWaited = true;
      events.at(deadline, reserved, () => end(undefined));
    };
    if (there >= PATIENCE) giveUp();
  }

  /** Holds what a server shows against what was decided, once its disk has changed. */
  checkMoved(server: Server): void {
    this.checks.moved(server, server.disk.applied);
    this.checks.durable();
  }

  write(to: number | null): void {
    const target = to === null ? this.servers.find((server) => server.leads) : this.servers[to];
    const id = `w${++this.writes}`;
    target?.propose({ id, updates: [{ ref: 'refs/kv/main', old: null, next: id }], events: [], ack: this.plan.ack });
  }

  /** Runs the plan, then lets the cluster come to rest. Throws a `Violation`. */
  run(): void {
    this.runUntil(this.plan.until);
    this.calm = true;
    this.cuts.clear();
    this.logCuts.clear();
    this.logDown = 0;
    this.note(undefined, 'the faults stop');
    for (const server of this.servers) server.heal();
    this.rest();
    this.level = this.now - this.plan.until;
    const { accepted } = this.checks;
    // A server with a fast clock may give its lease up at any time: the write is tried again, as its client would.
    for (let tries = 0; this.checks.accepted === accepted; tries++) {
      if (tries === 10) throw new Violation('convergence', 'no write is taken');
      this.write(null);
      this.runUntil(this.now + 1000);
      this.rest();
    }
  }

  /** Waits until everybody is level. */
  private rest(): void {
    const deadline = this.now + CALM;
    for (let why = this.whyNotAtRest(); why !== null; why = this.whyNotAtRest()) {
      if (this.now > deadline) throw new Violation('convergence', why);
      this.runUntil(this.now + 100);
    }
  }

  private runUntil(time: number): void {
    let isDue = false;
    this.after(time - this.now, () => {
      isDue = true;
    });
    while (!isDue && this.events.next()) this.steps++;
  }

  private whyNotAtRest(): string | null {
    const { head } = this.checks;
    let leaders = 0;
    for (const server of this.servers) if (server.leads) leaders++;
    if (leaders !== 1) return 'not one leader';
    for (const { name, replica, disk } of this.servers) {
      if (replica === null || !head.members.includes(name)) continue;
      const { applied, prepared, doubtful, leading } = replica.state;
      if (applied.sequence !== head.sequence || disk.applied.sequence !== head.sequence)
        return `${name} is at ${applied.sequence} of ${head.sequence}`;
      if (prepared !== null) return `${name} is in doubt about ${prepared.id}`;
      if (doubtful.length > 0) return `${name} can't answer ${doubtful[0]?.proposal}`;
      if (leading !== null && (leading.ballot !== null || leading.queue.length > 0)) return `${name} is deciding`;
    }
    return null;
  }
}

function describe(message: Message): string {
  if (message.kind === 'prepare')
    return `prepare ${message.entry.id} (entry ${message.entry.sequence}, term ${message.entry.term})`;
  if (message.kind === 'vote') return `a vote for entry ${message.sequence}, term ${message.term}`;
  if (message.kind === 'refuse') return `no vote: ${message.reason}`;
  return message.kind;
}
