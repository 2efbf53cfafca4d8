import type { Direction, FetchRequest, GitRemote } from '../../../ports/git/git-remote.js';
import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import { OID_HEX_LENGTH } from '../../../ports/vocabulary.js';
import type { ObjectFormat, Oid, RefName, RefUpdate } from '../../../ports/vocabulary.js';
import { commit, files } from '../git-objects.js';

/** A clone whose remote `origin` reads from one bare repository and writes to another. All three are empty. */
export interface GitRemoteBench {
  /** Bound to the clone. */
  readonly remote: GitRemote;
  readonly clone: GitStore;
  /** What `read` leads to. */
  readonly mirror: GitStore;
  /** What `write` leads to. */
  readonly writeSide: GitStore;
  /** The clone no longer knows where `origin` leads in a direction. */
  forget(direction: Direction): Promise<void>;
  /** Makes a side impossible to reach. */
  vanish(direction: Direction): Promise<void>;
  /** Has the write side refuse every push, with these lines for whoever pushes. */
  refuse(lines: readonly string[]): Promise<void>;
  /** Removes what the factory made. The suite closes the stores itself. */
  dispose(): Promise<void>;
}

/** What each part of the suite works on; `bench` is another in every test. */
export interface Suite {
  readonly format: ObjectFormat;
  /** Three commits, each on top of the one before. */
  readonly states: readonly [State, State, State];
  /** All objects of the states. */
  readonly everything: readonly NewObject[];
  /** An id that no object has. */
  readonly unknown: Oid;
  /** The id of a state's commit. */
  readonly at: (i: 0 | 1 | 2) => Oid;
  readonly bench: () => GitRemoteBench;
  readonly remote: () => GitRemote;
}

/** The suite's objects in one format. */
export function suiteOf(format: ObjectFormat, bench: () => GitRemoteBench): Suite {
  const states = history(format, 3) as [State, State, State]; // as many as were asked for
  return {
    ...{ format, states, bench },
    everything: states.flatMap(({ objects }) => objects),
    unknown: 'f'.repeat(OID_HEX_LENGTH[format]),
    at: (i) => states[i].commit,
    remote: () => bench().remote,
  };
}

/** The refs that the suite moves. */
export const MAIN = 'refs/kv/main';
/** The index of the namespace whose ledger `MAIN` is. */
export const INDEX = 'refs/kv-index/main';
/** How nearly every push is made. */
export const ATOMIC = { atomic: true };

/** A ref to fetch, under the local name that follows it. */
export const request = (remoteRef: RefName): FetchRequest => ({ remoteRef, localRef: remoteRef.replace('refs/', 'refs/t/') });

/** The update that makes a ref. */
export const create = (ref: RefName, next: Oid): RefUpdate => ({ ref, old: null, next });

/** All refs of a repository. */
export const refsOf = async (store: GitStore): Promise<Record<RefName, Oid>> => Object.fromEntries(await store.refs(['refs/']));

/** Puts objects and refs into a repository. */
export async function fill(store: GitStore, objects: readonly NewObject[], refs: Readonly<Record<RefName, Oid>>): Promise<void> {
  await store.write(objects);
  await store.updateRefs(
    Object.entries(refs).map(([ref, next]) => create(ref, next)),
    'test',
  );
}

/** A commit with one file. */
export interface State {
  readonly commit: Oid;
  readonly tree: Oid;
  readonly blob: Oid;
  readonly objects: readonly NewObject[];
}

/** Commits, oldest first, each on top of the one before. */
export function history(format: ObjectFormat, length: number, word = 'value'): State[] {
  const states: State[] = [];
  for (let i = 0; i < length; i++) {
    const { root, objects } = files(format, { a: `${word} ${i}` });
    const made = commit(format, { tree: root, parents: states.slice(-1).map((state) => state.commit), time: 1_700_000_000 + i });
    const blob = objects.find(({ type }) => type === 'blob') as NewObject;
    states.push({ commit: made.oid, tree: root, blob: blob.oid, objects: [...objects, made] });
  }
  return states;
}
