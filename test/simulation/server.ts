import { answerFetch } from '../../domain/gateway/replicate/follower/catch-up.js';
import type { Effect, Input, Proposal } from '../../domain/gateway/replicate/effects.js';
import type { DigestAfter, Standing } from '../../domain/gateway/replicate/entry.js';
import { TIMING } from '../../domain/gateway/replicate/machine.js';
import { Replica } from '../../domain/gateway/replicate/replica.js';
import { RULES } from '../../domain/gateway/replicate/rules.js';
import { type Checked, Violation } from './checks.js';
import { Candidacy } from './candidacy.js';
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
  /** Which of its lives it is in: what an earlier one has asked for is told to nobody. */
  life = 0;
  private readonly candidacy: Candidacy;
  private pausedUntil = 0;
  private held: Input[] = [];
  private offset = 0;
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
    this.candidacy = new Candidacy(world, this);
  }

  get isPaused(): boolean {
    return this.pausedUntil > this.world.now;
  }

  /** Its own clock, ms. */
  clock(): number {
    return this.world.now * this.rate + this.offset;
  }

  get leads(): boolean {
    return this.replica !== null && this.replica.state.leading !== null;
  }

  start(): void {
    if (this.replica === null) this.open();
  }

  private open(): void {
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
    this.candidacy.strive();
  }

  /** The repository is closed in good order, and opened again; false while its disk is at work. */
  reopen(): boolean {
    if (this.replica === null || this.replica.state.op !== null) return false;
    this.give({ kind: 'lost' });
    this.disk.reread();
    this.life++;
    this.open();
    return true;
  }

  stop(): void {
    if (this.replica === null) return;
    this.replica = null;
    this.life++;
    this.held = [];
    this.pausedUntil = 0;
    this.candidacy.forget();
    this.disk.crash(this.world.random);
    this.world.checkMoved(this);
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

  private run(effect: Effect): void {
    const { world, life } = this;
    switch (effect.kind) {
      case 'send':
        world.send(this, effect.to, effect.message);
        return;
      case 'store':
      case 'apply':
        if (effect.kind === 'store') world.checks.proposed(effect.entry);
        if (effect.kind === 'apply' && world.bug.movesFirstAlone === true)
          this.write({ ...effect, entries: effect.entries.slice(0, 1) });
        else this.write(effect);
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
      case 'release':
        this.candidacy.release(effect);
        return;
      case 'acquire':
        this.candidacy.acquire();
    }
  }

  private write(record: Record): void {
    const { world, disk, life } = this;
    const early = record.kind === 'store' && world.bug.answersBeforeSync === true;
    disk.write(record);
    world.note(this, record.kind === 'store' ? 'stores' : 'moves refs to', () =>
      record.kind === 'install' ? `a snapshot at ${record.standing.sequence}` : namesOf(record),
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

function namesOf(record: Exclude<Record, { readonly kind: 'install' }>): string {
  const entries = record.kind === 'apply' ? record.entries : [record.entry];
  return entries.map(({ id, sequence }) => `${id} (entry ${sequence})`).join(', ');
}
