import type { AdminClient } from '../../../../ports/clone/admin-client.js';
import type { GitRemote } from '../../../../ports/git/git-remote.js';
import type { GitStore, NewObject } from '../../../../ports/git/git-store.js';
import type { Cancellation } from './cancellation.js';
import type { Clone, WritingPorts } from '../clone.js';

/** The same clone, for one call that may be cancelled: whatever it asks for is refused with `INTERRUPTED` then, or ended. */
export function cancellable(clone: Clone, cancellation: Cancellation): Clone {
  const { clock } = clone;
  return {
    ...clone,
    ended: cancellation.signal,
    store: cancellableStore(clone.store, cancellation),
    remotes: cancellableRemotes(clone, cancellation),
    stargate: cancellableStargate(clone.stargate, cancellation),
    clock: { now: () => clock.now(), sleep: (ms, signal) => clock.sleep(ms, signal ?? cancellation.active) },
    forWriting: async () => cancellablePorts(await clone.forWriting(), cancellation),
  };
}

function cancellableStore(store: GitStore, cancellation: Cancellation): GitStore {
  const { prefetch, prepareHistory, takePack } = store;
  /** What is under way is waited for: it takes no time, and would go on all the same. */
  const unlessEnded = async <T>(work: () => Promise<T>): Promise<T> => {
    cancellation.check();
    const result = await work();
    cancellation.check();
    return result;
  };
  return {
    capabilities: store.capabilities,
    objectFormat: store.objectFormat,
    read: (...args) => unlessEnded(() => store.read(...args)),
    headers: (...args) => unlessEnded(() => store.headers(...args)),
    readPaths: (...args) => unlessEnded(() => store.readPaths(...args)),
    write: (objects) => unlessEnded(() => store.write(counted(objects, cancellation))),
    refs: (...args) => unlessEnded(() => store.refs(...args)),
    async updateRefs(...args) {
      cancellation.check();
      await store.updateRefs(...args); // they have moved, whatever the signal says by now
    },
    isAncestor: (...args) => unlessEnded(() => store.isAncestor(...args)),
    async *history(query) {
      cancellation.check();
      const signal = query.signal ?? cancellation.active;
      for await (const oid of store.history({ ...query, ...(signal === undefined ? {} : { signal }) })) {
        yield oid;
        cancellation.check();
      }
    },
    openQuarantine: (path) => store.openQuarantine(path),
    close: () => store.close(),
    ...(takePack === undefined ? {} : { takePack: (pack) => unlessEnded(() => takePack.call(store, pack)) }),
    ...(prefetch === undefined ? {} : { prefetch: (oids) => unlessEnded(() => prefetch.call(store, oids)) }),
    ...(prepareHistory === undefined ? {} : { prepareHistory: (tip) => unlessEnded(() => prepareHistory.call(store, tip)) }),
  };
}

/** The same objects, of which no more come once the call is to end: the store then takes away what it has written of them. */
function counted(
  objects: Iterable<NewObject> | AsyncIterable<NewObject>,
  cancellation: Cancellation,
): Iterable<NewObject> | AsyncIterable<NewObject> {
  // What is no promise stays none: an await for each object would cost more than writing it.
  return Symbol.iterator in objects ? each(objects, cancellation) : eachAwaited(objects, cancellation);
}

function* each(objects: Iterable<NewObject>, cancellation: Cancellation): Generator<NewObject> {
  for (const object of objects) {
    cancellation.check();
    yield object;
  }
}

async function* eachAwaited(objects: AsyncIterable<NewObject>, cancellation: Cancellation): AsyncGenerator<NewObject> {
  for await (const object of objects) {
    cancellation.check();
    yield object;
  }
}

function cancellableRemotes({ remotes, clock }: Clone, cancellation: Cancellation): GitRemote {
  const ended = (): { readonly signal: AbortSignal | undefined } => {
    cancellation.check();
    return { signal: cancellation.active };
  };
  return {
    url: (...args) => remotes.url(...args),
    listRefs: async (remote, direction, patterns) => remotes.listRefs(remote, direction, patterns, ended()),
    fetch: async (remote, direction, requests, options) => remotes.fetch(remote, direction, requests, { ...options, ...ended() }),
    fetchObjects: async (remote, direction, oids, options) =>
      remotes.fetchObjects(remote, direction, oids, { ...options, ...ended() }),
    expectPush: (...args) => remotes.expectPush?.(...args),
    askToPush: async (remote, verb, args) => (await remotes.askToPush?.(remote, verb, args, ended())) ?? null,
    shown: (...args) => remotes.shown?.(...args) ?? null,
    push: (remote, updates, options) =>
      cancellation.landing(clock, updates, (signal) => remotes.push(remote, updates, { ...options, signal })),
  };
}

function cancellableStargate(stargate: AdminClient, cancellation: Cancellation): AdminClient {
  const ended = (): { readonly signal: AbortSignal | undefined } => {
    cancellation.check();
    return { signal: cancellation.active };
  };
  return {
    run: async (remote, verb, args) => stargate.run(remote, verb, args, ended()),
    hold: async (remote, verb, args) => stargate.hold(remote, verb, args, ended()),
    pinHostKey: (...args) => stargate.pinHostKey(...args),
  };
}

function cancellablePorts(ports: WritingPorts, cancellation: Cancellation): WritingPorts {
  const { signer } = ports;
  return {
    ...ports,
    signer: {
      ...(signer.publicKey === undefined ? {} : { publicKey: () => signer.publicKey?.() ?? Promise.resolve(null) }),
      async sign(payload) {
        cancellation.check();
        return signer.sign(payload, { signal: cancellation.active });
      },
    },
  };
}
