import { KvError } from '../../../../../ports/error.js';
import type { GitStore } from '../../../../../ports/git/git-store.js';
import type { MirrorTarget, MirrorUpdate } from '../../../../../ports/stargate/mirror-target.js';
import type { Oid, RefName } from '../../../../../ports/vocabulary.js';
import { SeededRandomness, TestClock } from '../../../../support/memory/memory.js';

/** An object id that tells which one it is. */
export const oid = (n: number): Oid => n.toString(16).padStart(40, '0');

/** A host that shows refs, and notes each push that is tried and each list of refs that is asked for. */
export class FakeHost {
  readonly there = new Map<RefName, Oid>();
  readonly pushes: (readonly MirrorUpdate[])[] = [];
  readonly asked: (readonly string[])[] = [];
  /** Throws what a push is refused with. */
  judge: (updates: readonly MirrorUpdate[]) => void = () => undefined;
  list: () => void = () => undefined;

  readonly target = {
    label: 'the mirror',
    push: async (updates: readonly MirrorUpdate[]) => {
      this.pushes.push(updates);
      this.judge(updates);
      for (const { ref, next } of updates) next === null ? this.there.delete(ref) : this.there.set(ref, next);
    },
    refs: async (patterns: readonly string[]) => {
      this.asked.push(patterns);
      this.list();
      return new Map(this.there);
    },
  } as Partial<MirrorTarget> as MirrorTarget;
}

/** Refs of a repository in which a commit with a higher number follows from each with a lower one. */
export class FakeRefs {
  readonly refs = new Map<RefName, Oid>();
  readonly moved: string[] = [];
  /** Called before each look at the refs. */
  look: () => void = () => undefined;

  readonly store = {
    objectFormat: 'sha1',
    refs: async (patterns: readonly string[]) => {
      this.look();
      const matches = (ref: RefName): boolean => patterns.some((one) => (one.endsWith('/') ? ref.startsWith(one) : ref === one));
      return new Map([...this.refs].filter(([ref]) => matches(ref)));
    },
    updateRefs: async (updates: Parameters<GitStore['updateRefs']>[0]) => {
      for (const { ref, old, next } of updates) {
        if ((this.refs.get(ref) ?? null) !== old) throw new KvError('CAS_CONFLICT', `${ref} is not at ${old}`);
        this.moved.push(ref);
        next === null ? this.refs.delete(ref) : this.refs.set(ref, next);
      }
    },
    isAncestor: async (ancestor: Oid, descendant: Oid) => ancestor <= descendant,
  } as Partial<GitStore> as GitStore;
}

/** A clock that stands still, and jitter from a seed. */
export const retry = () => ({ clock: new TestClock(), randomness: new SeededRandomness() });
