import type { SoundIntent } from '../../domain/gateway/sequence/check-intent.js';
import type { Ordered } from '../../domain/git/wire/intent-frames.js';
import type { IntentOperations } from '../../domain/ledger/intent/intent-operations.js';
import { KvError } from '../../ports/error.js';
import type { Oid } from '../../ports/vocabulary.js';
import type { Orderer } from '../support/memory/gateway.js';
import type { Rule } from './check.js';
import type { MemoryPlan } from './memory-run.js';

/** A mistake, and what it breaks. */
export interface Planted {
  readonly name: string;
  readonly breaks: Rule;
  readonly wrong: () => Pick<MemoryPlan, 'around' | 'mirror'>;
}

/** How often something goes wrong that does so now and then: each so manieth time. */
const OFTEN = 4;

const withOperations = (sound: SoundIntent, operations: Partial<IntentOperations>): SoundIntent => ({
  ...sound,
  intent: { ...sound.intent, operations: { ...sound.intent.operations, ...operations } },
});

const ordering = (order: (below: Orderer) => Orderer['order']) => () => ({
  around: (below: Orderer): Orderer => ({ ...below, order: order(below) }),
});

/** An answer as it would be, had the intent been ordered. */
const promised = ({ intent }: SoundIntent, n: number): Ordered => ({
  ...{ ns: intent.trailers.ns, txn: intent.trailers.txn, epoch: intent.trailers.epoch ?? 'e' },
  ...{ commit: n.toString(16).padStart(40, '0'), parent: null, tree: null },
  ...{ set: 1, del: 0, unchanged: [], lostTtl: [], retried: false },
});

/** Mistakes of a Stargate, each planted around a sound one. */
export const PLANTED: readonly Planted[] = [
  {
    name: 'acknowledged before it is committed, which then fails',
    breaks: 'acknowledged',
    wrong: ordering((below) => {
      let n = 0;
      return async (sound, request) => (++n % OFTEN === 0 ? promised(sound, n) : below.order(sound, request));
    }),
  },
  {
    name: 'answered with what came of another transaction',
    breaks: 'acknowledged',
    wrong: ordering((below) => {
      let [n, last]: [number, Ordered | undefined] = [0, undefined];
      return async (sound, request) => {
        const ordered = await below.order(sound, request);
        const told = ++n % OFTEN === 0 && last !== undefined ? { ...last, txn: ordered.txn } : ordered;
        last = ordered;
        return told;
      };
    }),
  },
  {
    name: 'refused, and ordered all the same',
    breaks: 'refused',
    wrong: ordering((below) => async (sound, request) => {
      const { expect } = sound.intent.operations;
      if (expect.length === 0) return below.order(sound, request);
      await below.order(withOperations(sound, { expect: [] }), request);
      throw new KvError('CAS_CONFLICT', 'refused too late');
    }),
  },
  {
    name: 'expectations are judged when an intent comes, and not when it is ordered',
    breaks: 'expectation',
    wrong: ordering((below) => (sound, request) => below.order(withOperations(sound, { expect: [] }), request)),
  },
  {
    name: 'of several keys in one intent the last is lost',
    breaks: 'replay',
    wrong: ordering((below) => (sound, request) => {
      const { ops } = sound.intent.operations;
      return below.order(withOperations(sound, { ops: ops.length > 1 ? ops.slice(0, -1) : ops }), request);
    }),
  },
  {
    name: 'a mirror shows an older state again',
    breaks: 'read',
    wrong: () => {
      const shown: ReadonlyMap<string, Oid>[] = [];
      return {
        mirror: (refs) => {
          shown.push(new Map(refs));
          return shown.length % OFTEN === 0 ? (shown[shown.length >> 1] as ReadonlyMap<string, Oid>) : refs;
        },
      };
    },
  },
];
