import { signatureVerifier } from '../../../../../adapters/signature-verifier/open.js';
import { newPrivateKey, ownKey } from '../../../../../apps/ssh-signature.js';
import { publishPolicy } from '../../../../../domain/gateway/commit/policy-ref.js';
import { type ContinuationContext, relate, type Relation } from '../../../../../domain/gateway/sync/continuation.js';
import { refsOf } from '../../../../../domain/gateway/sync/relations.js';
import { sequencerKey } from '../../../../../domain/ledger/intent/sequencer-keys.js';
import { chunksRef, epochRef, indexRef, ledgerRef, POLICY_REF } from '../../../../../domain/ledger/refs.js';
import type { NamespacePolicy } from '../../../../../ports/stargate/policy-reader.js';
import type { Oid, RefName } from '../../../../../ports/vocabulary.js';
import { largeValue } from '../../../../support/formats/large-value.js';
import { SequencerRig } from '../../../../support/formats/sequencer-rig.js';
import { SeededRandomness } from '../../../../support/memory/memory.js';

export type Moment = ReadonlyMap<RefName, Oid>;

/** Where a namespace has its own tips. */
export const [LEDGER, INDEX, EPOCH] = [ledgerRef('main'), indexRef('main'), epochRef('main')];

const MANY = Array.from({ length: 12 }, (_, at) => `value ${at}`);
const LFS = `version https://git-lfs.github.com/spec/v1\noid sha256:${'ab'.repeat(32)}\nsize 12\n`;

/** A namespace's history that a sequencer has made, and its refs at each moment: what a Stargate has at one, the mirror may have at another. */
export class Histories {
  private constructor(
    readonly rig: SequencerRig,
    /** How much there is of it, the oldest first; the first one has nothing. */
    readonly moments: readonly Moment[],
    /** The labels of its epochs. */
    readonly epochs: readonly string[],
    /** The ref of the policy, in which the sequencers' keys are published. */
    readonly published: Moment,
  ) {}

  /**
   * Moments: 0 nothing; 1 one transaction; 2 two; 3 a large value; 4 a second epoch; 5 another transaction in it; 6 a third epoch; 7 one
   * more transaction; 8 many values, and a pointer of LFS, which the
   * policy did not forbid then.
   */
  static async make(): Promise<Histories> {
    const signer = ownKey(newPrivateKey());
    const rig = new SequencerRig({ signer });
    const published = { policy: 'any', hostKeys: [], repositoryId: 'a'.repeat(32), sequencers: [sequencerKey(signer.material)] };
    await rig.store.updateRefs(await publishPolicy(rig.store, rig.maker.namer, rig.clock, published), 'published');
    const moments: Moment[] = [];
    const keep = async (): Promise<void> => {
      moments.push(refsOf('main', await rig.store.refs(['refs/'])));
    };
    await keep();
    const first = (await rig.one({ set: { a: '1' } })).epoch;
    await keep();
    await rig.one({ set: { b: '2' }, epoch: first });
    await keep();
    await rig.one({ ...largeValue(rig.maker.namer, 'large', 'x').wish, epoch: first });
    await keep();
    await rig.one({ beginEpoch: 'second', epoch: first });
    await keep();
    await rig.one({ set: { c: '3' }, epoch: 'second' });
    await keep();
    await rig.one({ beginEpoch: 'third', epoch: 'second' });
    await keep();
    await rig.one({ del: ['a'], epoch: 'third' });
    await keep();
    const { policy } = rig;
    const lenient = { ...(policy.namespaces.get('main') as NamespacePolicy), forbidLfs: false };
    rig.policy = { ...policy, namespaces: new Map([...policy.namespaces, ['main', lenient]]) };
    await rig.one({ set: { ...Object.fromEntries(MANY.map((value) => [value, value])), lfs: LFS }, epoch: 'third' });
    rig.policy = policy;
    await keep();
    return new Histories(rig, moments, [first, 'second', 'third'], await rig.store.refs([POLICY_REF]));
  }

  /** The values that the last transaction has set. */
  readonly many = MANY;

  /** The refs at a moment, some of them elsewhere, or gone where null. */
  at(moment: number, changes: Readonly<Record<RefName, Oid | null>> = {}): Moment {
    const refs = new Map(this.moments[moment]);
    for (const [ref, oid] of Object.entries(changes)) {
      if (oid === null) refs.delete(ref);
      else refs.set(ref, oid);
    }
    return refs;
  }

  /** Where a ref stands at a moment. */
  tip(moment: number, ref: RefName): Oid {
    return this.moments[moment]?.get(ref) ?? `no ${ref}`;
  }

  /** How what a Stargate has at one moment relates to what the mirror has. */
  relate(here: Moment, there: Moment, more: Partial<ContinuationContext> = {}): Promise<Relation> {
    return relate({ ...this.context, ...more }, 'main', here, there);
  }

  get context(): ContinuationContext {
    const { store, maker, clock, policy } = this.rig;
    const randomness = new SeededRandomness();
    const repository = { id: 'a'.repeat(32), required: true };
    return {
      ...{ store, clock, policy, randomness, repository },
      namer: maker.namer,
      verifier: signatureVerifier({ env: {} }),
      sampleSize: 64,
    };
  }

  /** A commit that follows another one, or nothing, and is in no chain. */
  async stray(parent: Oid | null): Promise<Oid> {
    const { store, maker } = this.rig;
    const tree = maker.namer.object('tree', new Uint8Array());
    const who = 'x <x> 1 +0000';
    const text = `tree ${tree.oid}\n${parent === null ? '' : `parent ${parent}\n`}author ${who}\ncommitter ${who}\n\nstray\n`;
    const commit = maker.namer.object('commit', Buffer.from(text));
    await store.write([tree, commit]);
    return commit.oid;
  }
}

/** The updates of what goes on, as where each ref ends; null where nothing goes on or it was not verified. */
export const ends = (relation: Relation): Record<RefName, readonly [Oid | null, Oid | null]> | null =>
  relation.kind === 'ahead' && relation.continuation !== null
    ? Object.fromEntries(relation.continuation.updates.map(({ ref, old, next }) => [ref, [old, next]]))
    : null;

/** The ref of an epoch's chunks. */
export const chunksOf = (epoch: string): RefName => chunksRef('main', epoch);
