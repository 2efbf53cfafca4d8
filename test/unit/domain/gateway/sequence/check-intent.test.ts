import { expect } from 'chai';
import type { KvError } from '../../../../../ports/error.js';
import type { IntentWish } from '../../../../support/formats/intents.js';
import { largeValue } from '../../../../support/formats/large-value.js';
import { NOW } from '../../../../support/memory/memory.js';
import { SequencerRig } from '../../../../support/formats/sequencer-rig.js';

const DAY_MS = 24 * 60 * 60 * 1000;

describe('an intent is checked by itself', () => {
  let rig: SequencerRig;
  beforeEach(() => {
    rig = new SequencerRig();
  });
  const large = () => largeValue(rig.maker.namer, 'large', 'x');
  const fault = async (wish: IntentWish, words = ''): Promise<string> => {
    const error = await rig.check(await rig.make(wish)).then(
      () => expect.fail('it is taken for a sound one'),
      (thrown: KvError) => thrown,
    );
    expect(error.message).to.contain(words);
    return error.code;
  };

  it('for the time of its transaction, which a clock may show', async () => {
    await rig.check(await rig.make({ set: { a: '1' }, now: NOW + DAY_MS }));
    expect(await fault({ set: { a: '1' }, now: NOW + DAY_MS + 1 }, 'KV-Txn')).to.equal('ATTESTATION_MISMATCH');
    expect(await fault({ set: { a: '1' }, now: Date.UTC(2019, 11, 31) }, 'KV-Txn')).to.equal('ATTESTATION_MISMATCH');
  });

  it('for the repository that it is for', async () => {
    expect(await fault({ set: { a: '1' }, repository: 'b'.repeat(32) }, 'made for repository')).to.equal('POLICY_VIOLATION');
  });

  it('for the mode of the namespace', async () => {
    rig.policy = rig.withMode('other', 'linear');
    expect(await fault({ set: { a: '1' }, ns: 'other' })).to.equal('POLICY_VIOLATION');
    expect(await fault({ set: { a: '1' }, ns: 'none' }, 'not in the policy')).to.equal('POLICY_VIOLATION');
  });

  it('for whose it is: epochs are begun by admins, values are set by writers', async () => {
    const of = async (person: string, wish: IntentWish) => (await rig.check(await rig.make(wish, person))).signer;
    expect(await of('bob', { set: { a: '1' } })).to.equal('bob');
    expect(await of('ada', { beginEpoch: 'next' })).to.equal('ada');
    const refused = async (person: string, wish: IntentWish) =>
      of(person, wish).catch(({ code, message }: KvError) => `${code} ${/no \w+/.exec(message)?.[0]}`);
    expect(await refused('bob', { beginEpoch: 'next' })).to.equal('SIGNER_UNKNOWN no admin');
    expect(await refused('eve', { set: { a: '1' } })).to.equal('SIGNER_UNKNOWN no writer');
  });

  it('for the sizes of its values, in whichever form', async () => {
    const wrong = (by: number) => (ops: Parameters<NonNullable<IntentWish['operations']>>[0]) =>
      ops.map((one) => (one.op === 'set' ? { ...one, size: one.size + by } : one));
    expect(await fault({ set: { a: '1' }, operations: wrong(1) }, 'bytes')).to.equal('ATTESTATION_MISMATCH');
    expect(await fault({ ...large().wish, operations: wrong(-1) }, 'bytes')).to.equal('ATTESTATION_MISMATCH');
    await rig.check(await rig.make({ set: { a: '', b: 'x' } }));
  });

  it('for its chunks: each is what its digest says, and is named by a manifest', async () => {
    const { wish, blob } = large();
    const { manifests } = await rig.check(await rig.make(wish));
    expect(manifests.get('large')?.chunks[0]?.blob).to.equal(blob);
    const [[digest, body], ...rest] = Object.entries(wish.chunks ?? {}) as [[string, Uint8Array], ...[string, Uint8Array][]];
    const lying = { ...wish.chunks, ['0'.repeat(64)]: body };
    expect(await fault({ ...wish, chunks: lying }, 'has digest')).to.equal('ATTESTATION_MISMATCH');
    const stray = Buffer.from('stray');
    const strayDigest = rig.maker.namer.hasher.hex('sha256', stray);
    expect(await fault({ ...wish, chunks: { ...wish.chunks, [strayDigest]: stray } }, strayDigest)).to.equal(
      'ATTESTATION_MISMATCH',
    );
    expect(await fault({ set: { a: '1' }, chunks: { [strayDigest]: stray } }, strayDigest)).to.equal('ATTESTATION_MISMATCH');
    const lacking = { ...wish, chunks: Object.fromEntries(rest) };
    expect(await fault(lacking, 'chunk')).to.equal('ATTESTATION_MISMATCH');
    await rig.one(wish);
    await rig.check(await rig.make(lacking)); // the epoch has the one that is not brought
    await rig.check(await rig.make({ ...wish, chunks: {} }));
    const other = { ...wish, chunks: { [digest]: Buffer.alloc(body.length, 'y') } };
    expect(await fault(other, 'has digest')).to.equal('ATTESTATION_MISMATCH');
  });
});
