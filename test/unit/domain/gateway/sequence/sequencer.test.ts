import { expect } from 'chai';
import { intentsRef, ledgerRef } from '../../../../../domain/ledger/refs.js';
import { KvError } from '../../../../../ports/error.js';
import { NO_SPAN, type Span } from '../../../../../ports/tracing.js';
import { codes, SequencerRig } from '../../../../support/formats/sequencer-rig.js';

const value = (i: number) => ({ set: { [`k${i}`]: `${i}` } });
const many = (count: number) => Array.from({ length: count }, (_, i) => value(i));

describe('the sequencer: what goes together', () => {
  let rig: SequencerRig;
  beforeEach(() => {
    rig = new SequencerRig();
  });
  const sizes = (): number[] => rig.steps.map(({ txns }) => txns.length);

  it('is as many as may be ordered at once, and no more', async () => {
    rig.limits.intentsAtOnce = 3;
    expect(codes(await rig.order(...many(7)))).to.deep.equal(new Array(7).fill(null));
    expect(sizes()).to.deep.equal([3, 3, 1]);
    expect(rig.ordered.map(([count]) => count)).to.deep.equal([3, 3, 1]);
  });

  it('is as many bytes as may be, to the last one; a larger one goes alone', async () => {
    const made = await Promise.all(many(4).map((wish) => rig.make(wish)));
    const bytes = made.map(({ objects }) => objects.reduce((sum, { body }) => sum + body.length, 0));
    expect(new Set(bytes).size).to.equal(1);
    rig.limits.intentBytesAtOnce = 2 * (bytes[0] as number);
    await rig.order(...made);
    expect(sizes()).to.deep.equal([2, 2]);
    rig.limits.intentBytesAtOnce = 2 * (bytes[0] as number) - 1;
    await rig.order(...many(3).map((_, i) => value(i + 4)));
    expect(sizes().slice(2)).to.deep.equal([1, 1, 1]);
    rig.limits.intentBytesAtOnce = 1;
    expect(codes(await rig.order(value(7), value(8)))).to.deep.equal([null, null]);
    expect(sizes().slice(5)).to.deep.equal([1, 1]);
  });

  it('is written and moved at once: each ref from where it was to where the last left it', async () => {
    const [first, second] = await rig.order(...many(2));
    expect(rig.steps).to.have.length(1);
    const answers = [first, second].map((one) => (one?.status === 'fulfilled' ? one.value : null));
    expect(rig.steps[0]?.updates.map(({ old }) => old)).to.deep.equal([null, null, null, null, null]);
    expect(rig.steps[0]?.updates[0]).to.deep.equal({ ref: ledgerRef('main'), old: null, next: answers[1]?.commit });
    expect(answers[1]?.parent).to.equal(answers[0]?.commit);
    const intents = await rig.commit(await rig.tip(intentsRef('main', answers[0]?.epoch ?? '')));
    expect(intents.parents).to.have.length(2);
    await rig.order({ set: { k0: 'new' } });
    expect(rig.steps[1]?.updates[0]?.old).to.equal(answers[1]?.commit);
  });

  it('may be of several namespaces', async () => {
    expect(codes(await rig.order(value(0), { ...value(1), ns: 'other' }, value(2)))).to.deep.equal([null, null, null]);
    expect(sizes()).to.deep.equal([3]);
    for (const ns of ['main', 'other']) expect(await rig.tip(ledgerRef(ns))).to.be.a('string');
  });

  it('waits in a line that is no longer than it may be', async () => {
    rig.limits.intentsWaiting = 3;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    rig.locking = () => held;
    const waiting = await Promise.all(many(4).map(async (wish) => rig.sound(await rig.make(wish))));
    const settled = Promise.allSettled(waiting.map((one) => rig.sequencer.order(one)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(rig.sequencer.waiting).to.equal(3);
    expect(rig.waiting).to.deep.equal([1, 2, 3]);
    release();
    expect(codes(await settled)).to.deep.equal([null, null, null, 'BUSY']);
    expect(rig.waiting).to.deep.equal([1, 2, 3, 0]);
    expect(rig.sequencer.waiting).to.equal(0);
  });

  it('is told how long it took, and that none was answered', async () => {
    rig.committing = () => {
      rig.clock.at += 7;
    };
    await rig.order(...many(2));
    expect(rig.ordered).to.deep.equal([[2, 7]]);
    expect(await rig.refusal({ set: { k0: '1' }, expectTree: null })).to.include({ code: 'CAS_CONFLICT' });
    expect(rig.ordered[1]?.[0]).to.equal(0);
    expect(rig.steps).to.have.length(1);
  });

  it('needs nobody who listens', async () => {
    rig = new SequencerRig({ observer: undefined });
    expect(codes(await rig.order(value(0)))).to.deep.equal([null]);
  });

  it('is a span in the trace of each, which names its transaction; those that changed nothing have none', async () => {
    const begun: { readonly name: string; readonly facts: unknown; error?: unknown }[] = [];
    const spanOf = (): Span => ({
      ...NO_SPAN,
      child: (name, start) => {
        const piece = { name, facts: start?.facts } as (typeof begun)[number];
        begun.push(piece);
        return {
          ...NO_SPAN,
          end: (error) => {
            piece.error = error ?? 'well';
          },
        };
      },
    });
    const made = await Promise.all([rig.make(value(0)), rig.make({ del: ['none'] }), rig.make(value(1))]);
    const waiting = await Promise.all(made.map((one) => rig.sound(one, { span: spanOf() })));
    await Promise.all(waiting.map((one) => rig.sequencer.order(one)));
    expect(begun).to.deep.equal(
      [0, 2].map((i) => ({ name: 'stargate.commit', facts: { txn: [made[i]?.txn], batch: 2 }, error: 'well' })),
    );
  });
});

describe('the sequencer: what fails', () => {
  let rig: SequencerRig;
  beforeEach(() => {
    rig = new SequencerRig();
  });
  const broken = new KvError('IO_ERROR', 'the disk is gone');

  it('is refused alone; the others have their places', async () => {
    rig.limits.intentsAtOnce = 10;
    const settled = await rig.order(value(0), { set: { k0: '1' }, expectTree: null }, value(2));
    expect(codes(settled)).to.deep.equal([null, 'CAS_CONFLICT', null]);
    expect(rig.steps.map(({ txns }) => txns.length)).to.deep.equal([2]);
  });

  it('to be committed is refused whole, and is as if it had never been', async () => {
    await rig.one(value(0));
    const before = await rig.tip(ledgerRef('main'));
    rig.committing = () => {
      throw broken;
    };
    const made = await Promise.all([rig.make(value(1)), rig.make(value(2))]);
    expect(codes(await rig.order(...made))).to.deep.equal(['IO_ERROR', 'IO_ERROR']);
    expect(await rig.tip(ledgerRef('main'))).to.equal(before);
    rig.committing = () => undefined;
    const again = await rig.one(made[0] as (typeof made)[number]);
    expect(again).to.include({ parent: before, retried: false });
    expect(await rig.one(made[1] as (typeof made)[number])).to.include({ parent: again.commit });
  });

  it('is nothing of what was built for a commit that failed', async () => {
    await rig.one(value(0));
    rig.committing = () => {
      throw broken;
    };
    const made = await rig.make(value(1));
    await rig.refusal(made);
    rig.committing = () => undefined;
    await rig.one(made);
    // What it was made of is written with it: it had not been before.
    const written = new Set(rig.steps.at(-1)?.objects.map(({ oid }) => oid));
    for (const { oid } of made.objects) expect(written.has(oid), oid).to.equal(true);
    const tree = (await rig.commit(await rig.tip(ledgerRef('main')))).tree;
    expect((await rig.store.read([tree]))[0]?.type).to.equal('tree');
  });

  it('to get the lock is told to all who wait, and the next ones are ordered', async () => {
    let fails = true;
    rig.locking = () => {
      if (fails) throw broken;
    };
    expect(codes(await rig.order(...many(3)))).to.deep.equal(['IO_ERROR', 'IO_ERROR', 'IO_ERROR']);
    fails = false;
    expect(codes(await rig.order(...many(3)))).to.deep.equal([null, null, null]);
  });

  it('within the lock is told to those of the step alone', async () => {
    rig.limits.intentsAtOnce = 2;
    let times = 0;
    rig = new SequencerRig({
      locked: async (work) => {
        await work();
        if (times++ === 0) throw broken; // all of them are answered by then
      },
    });
    expect(codes(await rig.order(...many(3)))).to.deep.equal([null, null, null]);
  });

  it('is who may not write any more when their turn comes, and a namespace that takes nothing now', async () => {
    const revoked = new KvError('SIGNER_UNKNOWN', 'not any more');
    const [one, two] = [await rig.make(value(0)), await rig.make(value(1))];
    const waiting = [
      await rig.sound(one, {
        confirm: () => {
          throw revoked;
        },
      }),
      await rig.sound(two),
    ];
    expect(codes(await Promise.allSettled(waiting.map((each) => rig.sequencer.order(each))))).to.deep.equal([
      'SIGNER_UNKNOWN',
      null,
    ]);
    rig.admitting = (ns) => {
      if (ns === 'other') throw new KvError('CAS_CONFLICT', 'it is being compacted');
    };
    expect(codes(await rig.order(value(2), { ...value(3), ns: 'other' }))).to.deep.equal([null, 'CAS_CONFLICT']);
  });

  it('is what another policy forbids, which has come into force since', async () => {
    const made = await rig.make(value(0));
    const waiting = await rig.sound(made);
    let again = 0;
    const order = () =>
      rig.sequencer.order({
        ...waiting,
        again: () => {
          again += 1;
          return rig.check(made);
        },
      });
    const { policy } = rig;
    rig.policy = rig.withMode('main', 'linear');
    const error = await order().catch((thrown: KvError) => thrown);
    expect(error).to.include({ code: 'POLICY_VIOLATION' });
    rig.policy = policy;
    await order();
    expect(again).to.equal(1); // not under the policy that it was checked by
  });
});
