import type { SyncArguments, SyncReport } from '../../../../../domain/admin/sync.js';
import type { SidesContext } from '../../../../../domain/gateway/sync/relations.js';
import { MirrorStage } from '../../../../../domain/gateway/sync/stage.js';
import { type SyncContext, syncSides } from '../../../../../domain/gateway/sync/sync.js';
import { KvError } from '../../../../../ports/error.js';
import type { GitStore } from '../../../../../ports/git/git-store.js';
import type { Limits } from '../../../../../ports/stargate/limits.js';
import { USUAL_LIMITS } from '../../../../../ports/stargate/limits.js';
import type { MirrorTarget, MirrorUpdate } from '../../../../../ports/stargate/mirror-target.js';
import type { Policy } from '../../../../../ports/stargate/policy-reader.js';
import type { Oid, RefName, RefUpdate } from '../../../../../ports/vocabulary.js';
import { NOW, SeededRandomness, TestClock } from '../../../../support/memory/memory.js';

/** Refs by name; commits are called `x1`, `x2` and so on, and of one letter a smaller number is an ancestor. */
export type Refs = Readonly<Record<RefName, Oid>>;

/** Whether a commit of such a name is another one or comes before it. */
export const leads = (from: Oid, to: Oid): boolean => from[0] === to[0] && Number(from.slice(1)) <= Number(to.slice(1));

const policy = { namespaces: new Map([['main', {}]]), limits: USUAL_LIMITS as Limits } as unknown as Policy; // all that is looked at

/** A Stargate and a mirror that are nothing but their refs: what leads to what is in the commits' names, and nothing can be read. */
export class FakeSides {
  readonly here: Map<RefName, Oid>;
  readonly there: Map<RefName, Oid>;
  readonly pushed: (readonly MirrorUpdate[])[] = [];
  /** Moves that the gateway has journalled, and those of the Stargate's own watermarks. */
  readonly moved: (readonly RefUpdate[])[] = [];
  readonly marks: RefUpdate[] = [];
  /** What was brought onto the stage, one list a time. */
  readonly fetched: RefName[][] = [];
  /** Bundles by name. */
  readonly bundles = new Map<string, ReadonlyMap<RefName, Oid>>();
  /** What happened beside, in its order. */
  readonly events: string[] = [];
  /** Called before a push lands. */
  pushing: (updates: readonly MirrorUpdate[]) => void = () => undefined;
  readonly clock = new TestClock(NOW);
  readonly stage: MirrorStage;
  readonly context: SidesContext;
  readonly store: GitStore;
  readonly target: MirrorTarget;

  constructor(here: Refs, there: Refs) {
    this.here = new Map(Object.entries(here));
    this.there = new Map(Object.entries(there));
    const store: Partial<GitStore> = {
      objectFormat: 'sha1',
      refs: async (patterns) => new Map([...this.here].filter(([ref]) => patterns.some((each) => isOf(ref, each)))),
      isAncestor: async (from, to) => leads(from, to),
      updateRefs: async (updates, reason) => {
        for (const { ref, next } of updates) {
          if (next === null) this.here.delete(ref);
          else this.here.set(ref, next);
        }
        this.marks.push(...updates.filter(({ ref }) => !ref.includes('stage')));
        if (updates.length === 0) throw new Error(`nothing to do: ${reason}`);
      },
      read: async (oids) => oids.map(() => null),
      headers: async (oids) => oids.map(() => null),
    };
    const target: Partial<MirrorTarget> = {
      label: 'a mirror',
      refs: async (patterns) =>
        new Map([...this.there].filter(([ref]) => patterns.some((each) => isOf(ref, each.replace('*', ''))))),
      fetch: async (pairs) => {
        this.fetched.push(pairs.map(({ remoteRef }) => remoteRef));
        for (const { remoteRef, localRef } of pairs) this.here.set(localRef, this.there.get(remoteRef) as Oid);
      },
      push: async (updates) => {
        this.pushing(updates);
        this.pushed.push(updates);
      },
    };
    this.store = store as GitStore; // what syncing asks of it
    this.target = target as MirrorTarget;
    this.stage = new MirrorStage(this.store, this.target);
    const { clock, stage } = this;
    const more = {
      clock,
      stage,
      store: this.store,
      target: this.target,
      policy: () => policy,
      randomness: new SeededRandomness(),
    };
    this.context = more as unknown as SidesContext; // what verifies is not reached
  }

  sync(args: Partial<SyncArguments>, more: Partial<SyncContext> = {}): Promise<SyncReport> {
    const context: SyncContext = {
      ...this.context,
      gateway: {
        moveOwn: async (plan) => {
          this.moved.push((await plan(undefined as never)) as RefUpdate[]);
        },
      } as SyncContext['gateway'],
      bundles: {
        place: (name) => `/archives/${name}`,
        write: async (name, format, refs) => {
          if (format !== 'sha1') throw new KvError('INPUT_INVALID', format);
          this.bundles.set(name, refs);
          return 1;
        },
      } as SyncContext['bundles'],
      republish: async () => void this.events.push('republish'),
      recheck: async () => void this.events.push('recheck'),
      ...more,
    };
    return syncSides(context, { ns: undefined, mode: 'audit', dryRun: false, ...args });
  }
}

const isOf = (ref: RefName, pattern: string): boolean => (pattern.endsWith('/') ? ref.startsWith(pattern) : ref === pattern);
