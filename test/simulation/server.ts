import { answerFetch } from '../../domain/gateway/replicate/follower/catch-up.js';
import type { Effect, Input, Proposal } from '../../domain/gateway/replicate/effects.js';
import type { DigestAfter, Standing } from '../../domain/gateway/replicate/entry.js';
import { TIMING } from '../../domain/gateway/replicate/machine.js';
import { Replica } from '../../domain/gateway/replicate/replica.js';
import { RULES } from '../../domain/gateway/replicate/rules.js';
import { type Checked, Violation } from './checks.js';
import { LEASE } from './decisions.js';
import { Disk, type Record } from './disk.js';
import type { World } from './world.js';

const TICK = 100;
const TICKS: Input = { kind: 'tick' };
/** Shorter ticks of the machine's patience, so that a schedule is soon told. */
const TIMING_HERE = { ...TIMING, vote: 12, takeover: 20, join: 40 };

/** One server: its replica while it runs, its disk, and its side of the lock. */
export class Server implements Checked {
  readonly disk: Disk;
  replica: Replica | null = null;
  wiped = false;
  full = false;
  private life = 0;
  private pausedUntil = 0;
  private held: Input[] = [];
  private offset = 0;
  private lease: { readonly term: number; renewed: number } | null = null;
  /** How many entries were proposed under the lease. */
  private attempts = 0;
  private patience = 0;

  constructor(
    private readonly world: World,
    readonly index: number,
    readonly name: string,
    private readonly rate: number,
    first: Standing,
    keep: number,
    private readonly digestAfter: DigestAfter,
  ) {
    this.disk = new Disk(first, keep);
  }

  get leads(): boolean {
    return this.replica !== null && this.replica.state.leading !== null;
  }

  start(): void {
    if (this.replica !== null) return;
    const { bug } = this.world;
    if (bug.forgetsStored === true) this.disk.prepared = null;
    const restored = this.disk.restored();
    this.replica = new Replica(
      { self: this.name, digestAfter: this.digestAfter, timing: TIMING_HERE, rules: { ...RULES, ...bug.rules } },
      restored,
    );
    this.life++;
    this.world.note(
      this,
      'starts',
      () => `at ${restored.applied.sequence}${restored.prepared ? `, with ${restored.prepared.id} stored` : ''}`,
    );
    this.world.checks.durable();
    this.beat(this.life);
    this.strive(this.life);
  }

  stop(): void {
    this.lease = null;
    if (this.replica === null) return;
    this.replica = null;
    this.life++;
    this.held = [];
    this.pausedUntil = 0;
    this.disk.crash(this.world.random);
    this.world.checkMoved(this);
  }

  /** The repository is closed, and opened again in a moment; what its server has of the lock stays. */
  reopen(): void {
    const { lease } = this;
    if (this.replica === null || this.pausedUntil > this.world.now) return;
    this.noteAttempts(this.replica);
    this.stop();
    this.lease = lease;
    const { life } = this;
    this.world.after(this.world.random.between(1, 300), () => {
      if (life !== this.life) return; // it was started, or lost its disk
      this.start();
      this.leadAgain();
    });
  }

  /** Leads again under the lock that this server has, if it has. */
  private leadAgain(): void {
    const { lease, replica, world } = this;
    if (lease === null || replica === null || replica.state.leading !== null || replica.state.takeover !== null) return;
    if (this.clock() - lease.renewed > LEASE) {
      this.loseLease();
      return;
    }
    if (!replica.mayLead) return;
    this.noteAttempts(replica);
    world.note(this, 'leads again', () => `term ${lease.term}`);
    this.give({ kind: 'won', term: lease.term, attempts: world.bug.forgetsAttempts === true ? 0 : this.attempts });
  }

  private noteAttempts({ state: { proposed } }: Replica): void {
    if (this.lease !== null && proposed.term === this.lease.term) this.attempts = Math.max(this.attempts, proposed.attempt);
  }

  pause(ms: number): void {
    this.pausedUntil = Math.max(this.pausedUntil, this.world.now + ms);
    const { life } = this;
    this.world.after(ms, () => life === this.life && this.resume());
  }

  jump(by: number): void {
    this.offset += by;
  }

  heal(): void {
    this.full = false;
    this.pausedUntil = Math.min(this.pausedUntil, this.world.now);
    this.resume();
    this.start();
  }

  /** Gives the replica an input, and does what it asks for. A paused one gets it later; one that doesn't run, never. */
  give(input: Input): void {
    if (this.replica === null) return;
    if (this.pausedUntil > this.world.now) {
      if (input.kind !== 'tick') this.held.push(input);
      return;
    }
    const { replica } = this;
    const effects = replica.step(input);
    if (replica.state.diverged !== null) throw new Violation('no quarantine', `${this.name}: ${replica.state.diverged}`);
    if (effects.length === 0) return;
    const { effects: changed } = this.world.bug;
    for (const effect of changed === undefined ? effects : changed(effects, replica)) this.run(effect);
  }

  private resume(): void {
    const { held } = this;
    this.held = [];
    for (const input of held) this.give(input);
  }

  private beat(life: number): void {
    const { world } = this;
    const every = TICK / this.rate;
    const beat = (): void => {
      if (life !== this.life) return;
      this.give(TICKS);
      world.after(every, beat);
    };
    world.after(every, beat);
  }

  /** Tries for the lock, renews it, and notices its loss, by its own clock. */
  private strive(life: number): void {
    const { world } = this;
    const strive = (): void => {
      if (life !== this.life) return;
      if (this.pausedUntil <= world.now) this.tend(life);
      world.after(world.random.between(200, 500), strive);
    };
    world.after(world.random.between(200, 500), strive);
  }

  private clock(): number {
    return this.world.now * this.rate + this.offset;
  }

  private tend(life: number): void {
    const { lease, world } = this;
    if (lease === null) {
      if (world.now >= this.patience && this.replica?.mayLead === true) this.acquire(life);
      return;
    }
    if (this.clock() - lease.renewed > LEASE) {
      this.loseLease();
      return;
    }
    if (world.plan.root === true && world.now >= this.patience) this.leadAgain();
    const asked = this.clock();
    world.callLog(
      this,
      'renew',
      (log) => log.renew(this.index, lease.term),
      (renewed) => {
        if (life !== this.life || this.lease !== lease) return;
        if (renewed === true) lease.renewed = Math.max(asked, lease.renewed);
        if (renewed === false) this.loseLease();
      },
    );
  }

  private loseLease(): void {
    this.lease = null;
    this.world.note(this, 'has lost the lock');
    this.give({ kind: 'lost' });
  }

  private acquire(life: number): void {
    const asked = this.clock();
    this.world.callLog(
      this,
      'acquire',
      (log) => log.acquire(this.index),
      (term) => {
        if (life !== this.life || term === null || term === undefined || this.lease !== null) return;
        this.lease = { term, renewed: asked };
        this.attempts = 0;
        this.world.note(this, 'has the lock', () => `term ${term}`);
        this.give({ kind: 'won', term });
      },
    );
  }

  private run(effect: Effect): void {
    const { world, life } = this;
    switch (effect.kind) {
      case 'send':
        world.send(this, effect.to, effect.message);
        return;
      case 'store':
      case 'apply':
        if (effect.kind === 'store') world.checks.proposed(effect.entry);
        this.write(effect);
        return;
      case 'drop':
        this.disk.write(effect);
        return;
      case 'install': {
        const { digests } = world.named(effect.from)?.disk ?? this.disk;
        this.write({
          kind: 'install',
          standing: effect.standing,
          digests: digests.slice(0, effect.standing.sequence + 1),
        });
        return;
      }
      case 'read':
        world.callLog(
          this,
          'read',
          (log) => log.read(),
          (recorded) => {
            if (life === this.life)
              this.give({ kind: 'head', token: effect.token, recorded: recorded === undefined ? 'unreachable' : recorded });
          },
        );
        return;
      case 'decide':
        world.callLog(
          this,
          'decide',
          (log) => log.decide(this.index, effect.head, effect.after),
          (result) => {
            if (life === this.life) this.give({ kind: 'decided', token: effect.token, result: result ?? { kind: 'unknown' } });
          },
        );
        return;
      case 'serve': {
        const answer = answerFetch(effect.from, effect.prepared, effect.head, this.disk.history(effect.from.sequence));
        world.send(this, effect.to, answer);
        return;
      }
      case 'answer':
        world.note(
          this,
          'answers',
          () => `${effect.proposal} ${effect.answer.outcome}${'because' in effect.answer ? ` (${effect.answer.detail})` : ''}`,
        );
        world.checks.answered(effect.proposal, effect.answer);
        return;
      case 'release': {
        const { lease } = this;
        if (world.plan.root === true && lease !== null) {
          world.note(this, 'leads no more', () => effect.why);
          if (this.replica !== null) this.noteAttempts(this.replica);
          this.patience = world.now + world.random.between(300, 1500);
          return;
        }
        world.note(this, 'gives the lock up', () => effect.why);
        this.lease = null;
        this.patience = world.now + world.random.between(300, 1500);
        if (lease !== null)
          world.callLog(
            this,
            'release',
            (log) => log.release(this.index, lease.term),
            () => undefined,
          );
        return;
      }
      case 'acquire':
        if (this.lease === null) this.acquire(life);
    }
  }

  private write(record: Record): void {
    const { world, disk, life } = this;
    const early = record.kind === 'store' && world.bug.answersBeforeSync === true;
    disk.write(record);
    world.note(this, record.kind === 'store' ? 'stores' : 'moves refs to', () =>
      record.kind === 'install'
        ? `a snapshot at ${record.standing.sequence}`
        : `${record.entry.id} (entry ${record.entry.sequence})`,
    );
    const takes = world.random.chance(0.05) ? world.random.between(50, 800) : world.random.between(1, 8);
    world.after(takes, () => {
      if (life !== this.life) return; // it has crashed meanwhile
      const ok = !this.full;
      if (ok) disk.sync(record);
      else disk.fail(record, world.random);
      if (record.kind !== 'store') world.checkMoved(this);
      if (!ok) world.note(this, 'finds its disk full');
      if (!early) this.give({ kind: 'ended', ok });
    });
    if (early) this.give({ kind: 'ended', ok: true });
  }

  propose(proposal: Proposal): void {
    if (this.replica === null || this.pausedUntil > this.world.now) return;
    this.world.checks.asked(proposal.id);
    this.world.note(this, 'is asked for', () => proposal.id);
    this.give({ kind: 'propose', proposal });
  }
}
