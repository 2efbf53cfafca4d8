import {
  type Direction,
  type FetchOptions,
  type FetchRequest,
  type GitRemote,
  type GitStore,
  KvError,
  type Oid,
  type PushOptions,
  type RefName,
  type RefUpdate,
} from '../../ports/index.js';
import { lacking } from './lacking.js';
import { checkOid, checkRef, checkRemote, refMatcher } from './names.js';
import type { ReceivingSide, RemotePlace, RemoteSide } from './place.js';
import { moved, pushRefusal } from './push-refusal.js';

/** The name by which a clone knows its place. */
const REMOTE = 'origin';

/** What a clone's connection runs between. */
export interface MemoryRemoteOptions {
  readonly place: RemotePlace;
  /** The clone's own repository. */
  readonly store: GitStore;
  /** Whom the write side takes the clone for; null: it is told no name. */
  readonly as: string | null;
}

/** A clone's remote `origin` in this process: it reads from one side of a place and writes to the other. */
export function openMemoryRemote({ place, store, as }: MemoryRemoteOptions): GitRemote {
  const urlOf = (direction: Direction): string => `memory:${place.name}/${direction}`;

  const reach = <Side extends RemoteSide>(remote: string, direction: Direction, side: Side | null): Side => {
    if (checkRemote(remote) !== REMOTE || side === null) {
      throw new KvError('CONFIG_INVALID', `remote '${remote}' leads nowhere to ${direction}`, {
        hint: `give the place a side to ${direction}`,
      });
    }
    if (!place.away.has(direction)) return side;
    throw new KvError('IO_ERROR', `cannot reach ${urlOf(direction)}`, { hint: 'bring that side back, then try again' });
  };
  const sideOf = (remote: string, direction: Direction): RemoteSide =>
    direction === 'read' ? reach(remote, direction, place.read) : reach(remote, direction, place.write);

  return {
    async url(remote, direction) {
      return checkRemote(remote) === REMOTE && place[direction] !== null ? urlOf(direction) : null;
    },

    async listRefs(remote, direction, patterns) {
      const wanted = patterns.map((pattern) => refMatcher(checkRef(pattern)));
      if (wanted.length === 0) return new Map();
      const refs = await sideOf(remote, direction).refs();
      return new Map([...refs].filter(([ref]) => wanted.some((matches) => matches(ref))).sort(([a], [b]) => (a < b ? -1 : 1)));
    },

    async fetch(remote, direction, requests, options = {}) {
      for (const { remoteRef, localRef } of requests) for (const ref of [remoteRef, localRef]) checkRef(ref);
      if (requests.length === 0) return;
      const side = sideOf(remote, direction);
      await told(options, async () => {
        const theirs = await side.refs();
        const tips = requests.flatMap(({ remoteRef }) => theirs.get(remoteRef) ?? []);
        const objects = await lacking(side, store, tips, store.objectFormat);
        await store.write(objects);
        await follow(store, requests, theirs);
        return objects.length;
      });
    },

    async fetchObjects(remote, direction, oids, options = {}) {
      for (const oid of oids) checkOid(oid, store.objectFormat);
      if (oids.length === 0) return;
      const side = sideOf(remote, direction);
      await told(options, async () => {
        const absent = (await side.read(oids)).indexOf(null);
        if (absent >= 0) {
          const hint = 'it may be at the other side of the remote';
          throw new KvError('NOT_FOUND', `${urlOf(direction)} has no object ${oids[absent]}`, { hint });
        }
        const objects = await lacking(side, store, oids, store.objectFormat);
        await store.write(objects);
        return objects.length;
      });
    },

    async askToPush(remote, verb, args) {
      return (await reach(remote, 'write', place.write).ask?.({ as, verb, args })) ?? null;
    },

    async push(remote, updates, options) {
      for (const { ref, old, next } of updates) {
        checkRef(ref);
        for (const oid of [old, next]) if (oid !== null) checkOid(oid, store.objectFormat);
      }
      if (updates.length > 0) await push({ as, store }, remote, reach(remote, 'write', place.write), updates, options);
    },
  };
}

/** Sends what moves. A ref that is where it is to go already is left out, as git leaves it out. */
async function push(
  { as, store }: Pick<MemoryRemoteOptions, 'as' | 'store'>,
  remote: string,
  side: ReceivingSide,
  updates: readonly RefUpdate[],
  { atomic, turn, trace = null, onRemoteLine, onProgress }: PushOptions,
): Promise<void> {
  await told({ onProgress }, async () => {
    const theirs = await side.refs();
    const open = updates.filter(({ ref, next }) => (theirs.get(ref) ?? null) !== next);
    const stale = open.find(({ ref, old }) => (theirs.get(ref) ?? null) !== old);
    if (stale !== undefined && atomic) throw moved(remote, stale.ref);
    const commands = open.filter(({ ref, old }) => (theirs.get(ref) ?? null) === old);
    const tips = commands.flatMap(({ next }) => next ?? []);
    const objects = await lacking(store, side, tips, store.objectFormat);
    if (commands.length > 0) {
      const lines = await side.receive({ as, atomic, commands, objects, turn, trace, say: onRemoteLine });
      for (const line of lines) onRemoteLine?.(line);
      if (lines.length > 0) throw pushRefusal(remote, commands, lines);
    }
    if (stale !== undefined) throw moved(remote, stale.ref);
    return objects.length;
  });
}

/** Moves the local refs to where the remote ones are, and deletes those that follow nothing. */
async function follow(store: GitStore, requests: readonly FetchRequest[], theirs: ReadonlyMap<RefName, Oid>): Promise<void> {
  const ours = await store.refs(requests.map(({ localRef }) => localRef));
  const moves = requests.map(({ remoteRef, localRef }): RefUpdate => {
    return { ref: localRef, old: ours.get(localRef) ?? null, next: theirs.get(remoteRef) ?? null };
  });
  await store.updateRefs(
    moves.filter(({ old, next }) => old !== next),
    'fetch',
  );
}

/** Tells of a transfer, as the port has it: an empty line before and after, and how many objects went over in between. */
async function told({ onProgress }: FetchOptions, transfer: () => Promise<number>): Promise<void> {
  onProgress?.('');
  try {
    const count = await transfer();
    onProgress?.(`Transferring objects: 100% (${count}/${count}), done.`);
  } finally {
    onProgress?.('');
  }
}
