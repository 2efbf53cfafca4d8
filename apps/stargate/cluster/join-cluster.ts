import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Ack, checkMembers } from '../../../domain/gateway/replicate/quorum.js';
import { newUlid } from '../../../domain/ledger/ulid.js';
import { formatTime } from '../../../domain/ledger/value/metadata.js';
import { POLICY_REF } from '../../../domain/ledger/refs.js';
import type { Composition } from '../../../plugins/host/index.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { ObjectExchange } from '../../../ports/git/object-exchange.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';
import type { RepositoryUpkeep } from '../../../ports/git/repository-upkeep.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { DecisionLog } from '../../../ports/stargate/decision-log.js';
import type { IntentRecord, Journal } from '../../../ports/stargate/journal.js';
import type { LeaderLock } from '../../../ports/stargate/leader-lock.js';
import type { Log } from '../log/log.js';
import { readKept } from '../repository/kept-file.js';
import { failpoint } from '../process/failpoint.js';
import { undoStack } from '../process/undo.js';
import { serveControl } from './control.js';
import type { Candidate, Candidature } from './member/candidacy.js';
import type { PeerDispatch } from './peers/dispatch.js';
import { followPolicy } from './followed-policy.js';
import { holdsLock, leadingLock } from './leading-lock.js';
import { type ClusterMember, openMember } from './member/member.js';
import { packEvery } from './pack-every.js';
import { replicate } from './replicate.js';
import { hearMirrored, termJournal } from './term-journal.js';

/** A repository's part in a cluster, as what serves it sees it. */
export interface RepositoryCluster {
  readonly member: ClusterMember;
  /** Held while this server leads, and has all that was decided. */
  readonly lock: LeaderLock;
  /** The journal of each term: the member's own. */
  readonly journal: Journal;
  /** Has the cluster decide what a commit moves, and stores what it has made. */
  readonly replicate: (intent: IntentRecord, objects: readonly NewObject[]) => Promise<void>;
  /** Whether this server leads, and its lock says now that nobody else can. */
  readonly mayMirror: () => Promise<boolean>;
  /** Whether this server leads, or is about to. */
  readonly soon: () => boolean;
  /** From now on the function is called when the policy's file was brought to what another leader has published. */
  onPolicy(changed: () => void): void;
  /** From now on that many disks must hold a write, as the policy says. */
  ackBy(ack: () => Ack): void;
  close(): Promise<void>;
}

/** What a repository has of the cluster, rather than by its own profile: with its root, or as the one that it is. */
export interface Membership {
  /** The repository's name in the cluster. */
  readonly repository: string;
  /** The first members, where it was in no cluster yet; absent: all servers. */
  readonly founders?: readonly string[];
  /** What its history begins with is with others. */
  readonly joining?: boolean;
  /** Of the root; absent: the repository's own. */
  readonly root?: {
    readonly decisions: DecisionLog;
    readonly lock: LeaderLock;
    contend(candidate: Candidate): Candidature;
    /** Whether this server leads the repository, or is to. */
    isTo(): boolean;
    /** Who led the root when it was seen last; it is looked again by that. */
    leaderSeen(): string | null;
    /** Who leads the root, as far as can be told. */
    holder: LeaderLock['holder'];
  };
}

interface JoinOptions extends Membership {
  readonly composition: Composition;
  readonly dispatch: PeerDispatch;
  readonly policyPath: string;
  readonly log: Log;
  /** How long a server that has nothing yet waits for the others to bring it, ms. */
  readonly patienceMs?: number;
}

/** Entries that a standby takes between two repacks. */
const REPACK_EVERY = 100;
const PATIENCE_MS = 120_000;
/** How often a server without a policy looks for one, ms. */
const LOOK_MS = 100;

/**
 * Takes part in the cluster of a repository; resolves once this server has a policy to serve by. Throws `CONFIG_INVALID`, what restoring
 * throws, and `IO_ERROR` where nobody has brought this server what it lacks in time.
 */
export async function joinCluster(options: JoinOptions): Promise<RepositoryCluster> {
  const { composition, dispatch, repository, policyPath, log } = options;
  const { founders = dispatch.transport.servers, root } = options;
  checkMembers(founders);
  const store = await composition.get<GitStore>('git-store');
  const clock = await composition.get<Clock>('clock');
  const upkeep = await composition.get<RepositoryUpkeep>('repository-upkeep');
  await (await composition.get<RepositoryHost>('repository-host')).unlock(); // what a crash has left: from here on refs are moved
  const opened = undoStack(log);
  let ack = (): Ack => 'quorum';
  let policyChanged = (): void => undefined;
  const packing = packEvery(REPACK_EVERY, upkeep, log);
  // Without a policy nobody could be served here: the lock is for whoever has one, and can publish it.
  let hasOne = (await readKept(policyPath)) !== null;
  const applied = (intent: IntentRecord | null): void => {
    if (member?.state.leading) return;
    if (intent === null || intent.updates.some(({ ref }) => ref === POLICY_REF))
      void followPolicy(policyPath, store, log).then((changed) => changed && policyChanged());
    packing.count();
  };
  let member: ClusterMember | undefined;
  opened.push(() => packing.stop());
  try {
    const journal = await composition.get<Journal>('journal');
    const news = { dispatch, repository, journal };
    const one = await openMember({
      ...{ dispatch, repository, founders, owner: founders[0] as string, store, journal, clock, log, applied, failpoint }, // checkMembers: there is one
      exchange: await composition.get<ObjectExchange>('object-exchange'),
      decisions: root?.decisions ?? (await composition.get<DecisionLog>('decision-log')),
      lock: root?.lock ?? (await composition.get<LeaderLock>('leader-lock')),
      ...(root === undefined ? {} : { contend: (candidate) => root.contend(candidate) }),
      hasher: await composition.get<Hasher>('hasher'),
      dropBlob: upkeep.dropLoose === undefined ? undefined : (oid) => upkeep.dropLoose?.(oid) ?? Promise.resolve(),
      founds: options.joining !== true && hasOne,
      mayLead: () => root !== undefined || hasOne,
    });
    member = one;
    opened.push(() => one.close());
    const unhear = hearMirrored(news, () => formatTime(clock.now()));
    opened.push(unhear);
    const randomness = await composition.get<Randomness>('randomness');
    const soon = (): boolean => one.state.leading !== null || one.state.takeover !== null || root?.isTo() === true;
    const holder = async (): Promise<string | null> => (await root?.holder())?.name ?? null;
    opened.push(serveControl({ member: one, dispatch, repository, newId: () => newUlid(clock, randomness), soon, holder }));
    await mkdir(dirname(policyPath), { recursive: true });
    const has = async (): Promise<boolean> =>
      (await followPolicy(policyPath, store, log)) || (await readKept(policyPath)) !== null;
    await hasPolicy(has, one, options.patienceMs ?? PATIENCE_MS, log);
    hasOne = true;
    if (root !== undefined) void one.look(); // its leader may have closed it
    const lock = leadingLock(one, root?.holder);
    opened.push(() => lock.close());
    return {
      ...{ member: one, lock, journal: termJournal(news) },
      replicate: (intent, objects) => replicate(one, store, intent, objects, ack()),
      mayMirror: () => holdsLock(one),
      soon,
      ackBy(asked) {
        ack = asked;
      },
      onPolicy(changed) {
        policyChanged = changed;
      },
      close: opened.undo,
    };
  } catch (error) {
    await opened.undo();
    throw error;
  }
}

/** Waits until this server has a policy to serve by, its own or one that the others have brought. */
async function hasPolicy(has: () => Promise<boolean>, member: ClusterMember, patienceMs: number, log: Log): Promise<void> {
  if (await has()) return;
  log.info('cluster.waiting', { server: member.self });
  const until = performance.now() + patienceMs;
  while (!(await has())) {
    if (performance.now() > until)
      throw new KvError(
        'IO_ERROR',
        `server ${member.self} has nothing yet, and no server of the cluster has brought it anything`,
        {
          hint: 'start the server that has the repository; a new one is added by cluster add',
        },
      );
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
