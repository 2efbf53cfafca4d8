import { expect } from 'chai';
import { KvError } from '../../../ports/error.js';
import type { GitStore, GitStoreCapabilities } from '../../../ports/git/git-store.js';
import type { ObjectFormat, Oid } from '../../../ports/vocabulary.js';
import { commit, files } from '../git-objects.js';

/** What each part of the suite works on; `store` is another in every test. */
export interface Bench {
  readonly format: ObjectFormat;
  readonly capabilities: GitStoreCapabilities;
  /** An id that no object has. */
  readonly unknown: Oid;
  store(): GitStore;
}

/** Writes commits, oldest first, each on top of the one before, one second apart; gives their ids. */
export async function chain({ format, store }: Bench, contents: readonly Readonly<Record<string, string>>[]): Promise<Oid[]> {
  const oids: Oid[] = [];
  for (const [i, content] of contents.entries()) {
    const { root, objects } = files(format, content);
    const made = commit(format, { tree: root, parents: oids.slice(-1), time: 1_700_000_000 + i });
    await store().write([...objects, made]);
    oids.push(made.oid);
  }
  return oids;
}

/** The `KvError` of this code that a promise ends with. Throws when it ends otherwise. */
export async function rejects(promise: Promise<unknown>, code: string): Promise<KvError> {
  try {
    await promise;
  } catch (error) {
    if (!KvError.is(error)) throw error;
    expect(error.code, error.message).to.equal(code);
    return error;
  }
  throw new Error(`expected ${code}, but it resolved`);
}

/** All that comes, in its order. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
