import { answerFetch } from '../../../../domain/gateway/replicate/follower/catch-up.js';
import type { Effect, Input, Proposal, ProposalAnswer } from '../../../../domain/gateway/replicate/effects.js';
import type { Entry, ServerId } from '../../../../domain/gateway/replicate/entry.js';
import type { ReplicaState } from '../../../../domain/gateway/replicate/machine.js';
import { Replica } from '../../../../domain/gateway/replicate/replica.js';
import { TipsDigest } from '../../../../domain/gateway/replicate/tips-digest.js';
import { ObjectNamer } from '../../../../domain/git/object.js';
import { type KvError, toKvError } from '../../../../ports/error.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { Lease } from '../../../../ports/stargate/leader-lock.js';
import { Candidacy, type Candidate, type Candidature } from './candidacy.js';
import { type Decisions, openDecisions } from './decisions.js';
import { failpointOf, type ReplicaStep } from './failpoints.js';
import type { MemberOptions } from './member-options.js';
import { EntryPacks } from '../objects/packs.js';
import { PeerLosses } from '../peers/peer-losses.js';
import { Post } from '../peers/post.js';
import { ReplicaDisk } from './replica-disk.js';
import { Snapshots } from './snapshots.js';

/** The machine's patience is counted in these, ms. */
const TICK_MS = 100;
const ENDING: ProposalAnswer = { outcome: 'refused', because: 'not-leader', detail: 'this server is ending' };

/**
 * One server's part in the history of one repository: carries out what its replica wants done, and tells it what has come of that. Opened by
 * `openMember`.
 */
export class ClusterMember {
  private readonly post: Post;
  private readonly inputs: Input[] = [];
  private readonly answers = new Map<string, (answer: ProposalAnswer) => void>();
  private readonly failures = new Map<ServerId, string | null>();
  private readonly losses: PeerLosses;
  private readonly serving = new Set<ServerId>();
  private readonly watchers = new Set<() => void>();
  private readonly ticking: NodeJS.Timeout;
  private readonly candidacy: Candidature;
  private stepping = false;
  private stopped = false;
  private working: Promise<void> = Promise.resolve();
  private complained = '';

  constructor(
    private readonly options: MemberOptions,
    private readonly replica: Replica,
    private readonly disk: ReplicaDisk,
    private readonly packs: EntryPacks,
    private readonly snapshots: Snapshots,
    private readonly log: Decisions,
  ) {
    const { dispatch, repository, decisions, owner, tickMs = TICK_MS } = options;
    this.losses = new PeerLosses(options.log);
    this.post = new Post({
      ...{ dispatch, repository, packs },
      deliver: (from, message) => this.give({ kind: 'message', from, message }),
      called: (to, error) => this.noteCall(to, error),
    });
    const mayOwn = decisions.capabilities.shared || owner === this.self;
    const candidate: Candidate = {
      mayLead: () => mayOwn && replica.mayLead && (options.mayLead?.() ?? true),
      won: (term, attempts) => this.give({ kind: 'won', term, ...(attempts === undefined ? {} : { attempts }) }),
      lost: () => this.give({ kind: 'lost' }),
      attempts: (term) => (this.state.proposed.term === term ? this.state.proposed.attempt : 0),
    };
    this.candidacy =
      options.contend?.(candidate) ??
      new Candidacy({ ...candidate, lock: options.lock, name: this.self, log: options.log, interval: 3 * tickMs });
    this.ticking = setInterval(() => this.give({ kind: 'tick' }), tickMs);
  }

  /** This server's name. */
  get self(): ServerId {
    return this.options.dispatch.transport.self;
  }

  /** What is known of the history, by this server. */
  get state(): Readonly<ReplicaState> {
    return this.replica.state;
  }

  /** Whether nothing is under way here, and this server shows all that it knows to be decided. What has parted waits for nothing. */
  get settled(): boolean {
    const { prepared, known, applied, op, leading, doubtful, diverged } = this.state;
    if (diverged !== null) return true;
    const busy = prepared !== null || op !== null || doubtful.length > 0 || (leading !== null && leading.ballot !== null);
    return !busy && (known === null || known.sequence <= applied.sequence);
  }

  /** Looks where the cluster stands, which nobody may be there to tell. */
  async look(): Promise<void> {
    const recorded = await this.log.read();
    if (recorded !== null && recorded !== 'unreachable') this.give({ kind: 'learned', head: recorded.head });
  }

  /** Whether another server takes over by itself when this one is lost. */
  get takesOver(): boolean {
    return this.options.decisions.capabilities.shared && this.options.lock.capabilities.multiHost;
  }

  /** The lock's lease, as far as is known to be held. */
  get lease(): Lease | null {
    return this.candidacy.lease;
  }

  /** Why a server could not be reached when it was last spoken to; null where it could. */
  get unreachable(): ReadonlyMap<ServerId, string | null> {
    return this.failures;
  }

  /** Calls a function whenever something may have changed; gives what ends that. */
  watch(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => void this.watchers.delete(changed);
  }

  /** Has the cluster decide something, which brings objects that are on no disk yet. Never rejects: every proposal is answered, once. */
  propose(proposal: Proposal, objects: readonly NewObject[] = []): Promise<ProposalAnswer> {
    if (this.stopped) return Promise.resolve(ENDING);
    return new Promise((resolve) => {
      this.answers.set(proposal.id, resolve);
      this.packs.propose(proposal.id, objects);
      this.give({ kind: 'propose', proposal });
    });
  }

  /** Hands leadership over to a member that is level. */
  transfer(to: ServerId): void {
    this.give({ kind: 'transfer', to });
  }

  /** Leads no more, and leaves the lock to others for a moment. */
  stepDown(): void {
    this.give({ kind: 'lost' });
    this.candidacy.release();
  }

  /** Ends this server's part: what is under way on the disk ends, nothing else begins. */
  async close(): Promise<void> {
    if (this.stopped) return;
    this.give({ kind: 'lost' });
    this.stopped = true;
    clearInterval(this.ticking);
    this.packs.stop();
    await this.candidacy.close();
    this.post.close();
    await this.working;
    this.packs.close();
    this.snapshots.close();
    this.log.close();
    for (const answer of this.answers.values()) answer({ outcome: 'unknown' });
    this.answers.clear();
  }

  private give(input: Input): void {
    if (this.stopped) return;
    this.inputs.push(input);
    if (this.stepping) return; // whoever is at it takes this one too
    this.stepping = true;
    try {
      for (let next = this.inputs.shift(); next !== undefined; next = this.inputs.shift())
        for (const effect of this.replica.step(next)) this.run(effect);
    } finally {
      this.stepping = false;
    }
    for (const changed of this.watchers) changed();
  }

  private run(effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        this.post.send(effect.to, effect.message);
        return;
      case 'store':
        this.work(async () => {
          this.reached('prepare');
          await this.disk.store(effect.entry, await this.packs.ensure([effect.entry], this.sourceOf(effect.entry)));
          this.packs.stored([effect.entry]);
          this.reached('vote');
        });
        return;
      case 'drop':
        void this.disk.drop(effect.entry).catch((error: unknown) => this.complain(error)); // it needs no sync: the next start finds out
        return;
      case 'apply':
        this.work(async () => {
          const objects = await this.packs.ensure(effect.entries, effect.from);
          this.reached('commit');
          const intents = await this.disk.apply(effect.entries, objects);
          this.packs.stored(effect.entries);
          this.reached('committed');
          for (const intent of intents) this.options.applied?.(intent);
        });
        return;
      case 'install':
        this.work(async () => {
          await this.snapshots.install(effect.standing, this.state.term, effect.from);
          this.options.applied?.(null);
          this.options.log.info('cluster.snapshot', { sequence: effect.standing.sequence, from: effect.from });
        });
        return;
      case 'read':
        void this.log.read().then((recorded) => this.give({ kind: 'head', token: effect.token, recorded }));
        return;
      case 'decide': {
        const { token, head, after } = effect;
        const { lease } = this.candidacy;
        this.reached('decide');
        const decided = lease === null ? Promise.resolve({ kind: 'fenced' } as const) : this.log.decide(head, after, lease.fence);
        void decided.then((result) => {
          this.reached('decided');
          this.give({ kind: 'decided', token, result });
        });
        return;
      }
      case 'serve':
        void this.serve(effect).catch((error: unknown) => this.complain(error)); // whoever has asked asks again
        return;
      case 'answer': {
        const answer = this.answers.get(effect.proposal);
        this.answers.delete(effect.proposal);
        void this.working.then(() => this.packs.settle(effect.proposal)); // it may be about to be stored
        answer?.(effect.answer);
        return;
      }
      case 'release':
        this.options.log.info('cluster.stepped-down', { message: effect.why });
        this.candidacy.release(effect.cutOff);
        return;
      case 'acquire':
        this.candidacy.acquire();
        return;
    }
  }

  private reached(step: ReplicaStep): void {
    this.options.failpoint?.(failpointOf(this.state, step));
  }

  /** Does what only one thing at a time may do, and tells the replica how it ended. */
  private work(what: () => Promise<void>): void {
    this.working = this.working.then(what).then(
      () => {
        this.complained = '';
        this.give({ kind: 'ended', ok: true });
      },
      (error: unknown) => {
        this.complain(error);
        this.give({ kind: 'ended', ok: false });
      },
    );
  }

  /** Who has an entry's objects: nobody else where it is this server's own. */
  private sourceOf(entry: Entry): ServerId | null {
    const { op } = this.state;
    const from = op?.kind === 'store' && op.entry === entry ? op.from : this.state.leader;
    return from === this.self ? null : from;
  }

  /** Answers fetches, of each server one at a time: who hears nothing for a moment asks again. */
  private async serve(fetch: Extract<Effect, { kind: 'serve' }>): Promise<void> {
    if (this.serving.has(fetch.to)) return;
    this.serving.add(fetch.to);
    await this.answerTo(fetch).finally(() => this.serving.delete(fetch.to));
  }

  private async answerTo({ to, from, prepared, head }: Extract<Effect, { kind: 'serve' }>): Promise<void> {
    const history = this.disk.historyFrom(from.sequence);
    const there = history.after !== null && (await this.packs.has(history.after));
    const answer = answerFetch(from, prepared, head, there ? history : { ...history, after: null });
    if (answer.kind !== 'snapshot') return this.post.send(to, answer);
    const standing = await this.snapshots.hold();
    if (standing !== null) this.post.send(to, { ...answer, standing });
  }

  private noteCall(to: ServerId, error: KvError | null): void {
    this.failures.set(to, error?.message ?? null);
    this.losses.note(to, error);
  }

  private complain(thrown: unknown): void {
    const { code, message } = toKvError(thrown);
    if (message !== this.complained) this.options.log.error('cluster.failed', { code, message });
    this.complained = message;
  }
}

/** Restores what this server's refs and journal say, and takes part from there. Throws what the adapters throw. */
export async function openMember(options: MemberOptions): Promise<ClusterMember> {
  const { store, journal, hasher, clock, log, dispatch, repository, exchange, founders, timing, decisions, owner } = options;
  const digest = new TipsDigest(hasher);
  const namer = new ObjectNamer(hasher, store.objectFormat);
  const disk = new ReplicaDisk({ store, journal, namer, digest, clock, log, dropBlob: options.dropBlob });
  const restored = await disk.restore(founders, options.founds === true);
  const replica = new Replica(
    {
      ...{ self: dispatch.transport.self, digestAfter: digest.after },
      founder: restored.applied.sequence === 0,
      ...(timing === undefined ? {} : { timing }),
    },
    restored,
  );
  const packs = new EntryPacks({ store, namer, exchange, dispatch, repository });
  const snapshots = new Snapshots({ dispatch, repository, disk, packs, store });
  return new ClusterMember(options, replica, disk, packs, snapshots, openDecisions(decisions, dispatch, repository, owner));
}
