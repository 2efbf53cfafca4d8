import { type Created, Creations } from '../../../../domain/gateway/creation/creations.js';
import { decodeRemovalAnswer, decodeRemovalMessage, encodeRemoval } from '../../../../domain/gateway/creation/removal-wire.js';
import { type Removed, Removals } from '../../../../domain/gateway/creation/removals.js';
import { decodeCreationMessage, encodeCreation } from '../../../../domain/gateway/creation/wire.js';
import { majorityOf } from '../../../../domain/gateway/replicate/quorum.js';
import type { Clock, Randomness } from '../../../../ports/clock.js';
import { KvError, toKvError } from '../../../../ports/error.js';
import type { PolicyReader } from '../../../../ports/stargate/policy-reader.js';
import type { ObjectFormat } from '../../../../ports/vocabulary.js';
import type { PeerDispatch } from '../../cluster/peers/dispatch.js';
import type { Log } from '../../log/log.js';
import type { UndoStack } from '../../process/undo.js';
import type { Catalogue } from '../folders/catalogue.js';
import { repeatedly } from '../repeatedly.js';
import { policyFor } from '../folders/template.js';
import { openCreationFiles } from './creation-files.js';
import { type Release, removalFiles } from './removal-files.js';
import { type Roster, TOPIC } from './roster.js';

interface CreatingOptions {
  readonly self: string;
  readonly roster: Roster;
  /** What hands out the requests of the others; null where there are none. */
  readonly dispatch: PeerDispatch | null;
  readonly catalogue: Catalogue;
  readonly reader: PolicyReader;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Called when there is another repository. */
  readonly taken: () => Promise<void>;
  readonly release: Release;
  readonly log: Log;
}

/** Creates repositories on all servers. */
export interface Creating {
  readonly self: string;
  readonly roster: Roster;
  /** How many servers are a majority. */
  quorum(): number;
  /** Creates one, with this policy, or with what the root's template says. Throws what `Creations.create` throws, and `IO_ERROR` where the others are wrong. */
  create(repository: string, policy?: string, objectFormat?: ObjectFormat): Promise<Created>;
  /** Removes one. Throws what `Removals.remove` throws. */
  remove(repository: string): Promise<Removed>;
  /** Whether the repository of an id was removed. */
  isRemoved(repositoryId: string): boolean;
  /** Begins to look for the others, and for what was created while this one was away. Once requests can be answered. */
  begin(running: Pick<UndoStack, 'push'>): void;
}

/** The topic of requests about removals. */
const REMOVAL = 'removal';
/** A note takes a disk's sync. ms. */
const ANSWER_MS = 4000;
/** How often the others are asked, ms. */
const TICK_MS = 2000;

/** Takes up what was kept of creations, and serves what others ask of them. Throws `CONFIG_INVALID`, `IO_ERROR`. */
export async function openCreating(options: CreatingOptions): Promise<Creating> {
  const { self, roster, dispatch, catalogue, reader, clock, randomness, taken, release, log } = options;
  const failed = onceAMinute((what, message) => log.warn('replica.failed', { what, message }));
  const removals = new Removals({
    ...{ store: removalFiles(catalogue, release), failed },
    peers: {
      get count() {
        return roster.count;
      },
      known: () => roster.known(),
      async ask(peer, message) {
        if (dispatch === null) throw new KvError('NOT_FOUND', `there is no server ${peer}`);
        const asked = { topic: REMOVAL, repository: '', body: encodeRemoval(message) };
        return decodeRemovalAnswer((await dispatch.transport.call(peer, asked, { withinMs: ANSWER_MS })).body);
      },
    },
  });
  const creations = new Creations({
    ...{ self, store: await openCreationFiles(catalogue, reader), peers: roster, clock, randomness },
    isRemoved: (id) => removals.has(id),
    observer: {
      learned({ repository }, from) {
        log.info('replica.learned', { repository, from });
        void taken();
      },
      diverged: (repository, from) =>
        log.error('replica.diverged', { repository, from, effect: 'neither is touched: remove or rename one of the two' }),
      failed,
    },
  });
  await removals.start();
  await creations.start();
  dispatch?.on(REMOVAL, '', async ({ body }) => ({ body: encodeRemoval(await removals.answer(decodeRemovalMessage(body))) }));
  dispatch?.on(TOPIC, '', async ({ from, body }) => {
    const message = decodeCreationMessage(body);
    if (message.kind === 'prepare' && message.creation.coordinator !== from)
      throw new KvError('INPUT_INVALID', `server ${from} asks in the name of ${message.creation.coordinator}`);
    const answer = await creations.answer(message);
    if (message.kind === 'commit') await taken();
    return { body: encodeCreation(answer) };
  });
  const quorum = (): number => majorityOf(roster.count + 1);
  const tick = async (): Promise<void> => {
    await roster.find();
    await removals.tick(); // first: what was removed is not to be made again
    await creations.tick();
  };
  return {
    self,
    roster,
    quorum,
    async create(repository, policy, objectFormat = 'sha1') {
      const [wrong] = roster.wrong;
      if (wrong !== undefined)
        throw new KvError('IO_ERROR', wrong, {
          hint: 'correct the addresses or the names of the servers',
          details: { quorum: quorum() },
        });
      if (roster.reachable + 1 < quorum() || roster.servers?.() === null) await roster.find();
      const text = policy ?? (await policyFor(catalogue.root, repository, reader));
      const created = await creations.create(repository, text, objectFormat);
      log.info('repository.created', { repository, peers_confirmed: created.peersConfirmed, replicated: created.replicated });
      await taken();
      return created;
    },
    async remove(repository) {
      const removed = await removals.remove(repository);
      log.info('repository.removed', { repository, peers_confirmed: removed.peersConfirmed, replicated: removed.replicated });
      await taken();
      return removed;
    },
    isRemoved: (id) => removals.has(id),
    begin(running) {
      if (roster.count === 0) return;
      void tick();
      running.push(repeatedly(tick, TICK_MS));
    },
  };
}

/** Tells of what fails again and again for the same reason once a minute. */
function onceAMinute(tell: (what: string, message: string) => void): (what: string, error: unknown) => void {
  const told = new Map<string, number>();
  return (what, error) => {
    const { message } = toKvError(error);
    const now = performance.now();
    for (const [old, at] of told) if (now - at > 60_000) told.delete(old);
    if (told.has(`${what} ${message}`)) return;
    told.set(`${what} ${message}`, now);
    tell(what, message);
  };
}
