import { expect } from 'chai';
import { namespacesIn } from '../../../../domain/gateway/gateway.js';
import { overlay } from '../../../../domain/gateway/sequence/overlay.js';
import { KvError } from '../../../../ports/error.js';
import type { SpanFacts } from '../../../../ports/tracing.js';
import { refusal } from '../../../support/failure.js';

import { type GatewayContext, GatewayRig, waits } from './gateway-rig.js';

describe('the gateway', () => {
  it('takes one push after the other: who was accepted holds the lock until its commit, or until it is abandoned', async () => {
    const rig = await GatewayRig.open();
    const first = await rig.validate('a');
    const second = rig.validate('b');
    expect(await waits(second)).to.equal(true);
    await rig.gateway.commit(first);
    const accepted = await second;
    const third = rig.validate('c');
    expect(await waits(third)).to.equal(true);
    rig.gateway.abandon(accepted);
    rig.gateway.abandon(accepted);
    rig.gateway.abandon(first);
    await rig.gateway.commit(await third);
    expect(await rig.heads()).to.deep.equal(['refs/heads/a', 'refs/heads/c']);
    expect((await refusal(rig.gateway.commit(accepted))).code, 'it has no lock').to.equal('UNEXPECTED');
    expect(rig.told.map(({ updates }) => updates)).to.deep.equal([[rig.begin('a')], [rig.begin('c')]]);
  });

  it('holds a push against the refs as they are once it has the lock', async () => {
    const rig = await GatewayRig.open();
    await rig.push('a');
    const [first, second] = rig.commits;
    const move = rig.request([{ ref: 'refs/heads/a', old: first, next: second }]);
    const stale = rig.request([{ ref: 'refs/heads/a', old: first, next: second }]);
    const accepted = await rig.gateway.validate(move, rig.store);
    const late = rig.gateway.validate(stale, rig.store);
    await rig.gateway.commit(accepted);
    const error = await refusal(late);
    expect([error.code, error.details]).to.deep.equal(['CAS_CONFLICT', { ref: 'refs/heads/a' }]);
    expect(error.hint).to.be.a('string');
    await rig.push('b'); // the lock is free
  });

  it('asks whether a namespace may be written, with the turn, before the check and under the lock', async () => {
    const asked: unknown[] = [];
    let closed = false;
    const admit: GatewayContext['admit'] = async (namespaces, turn) => {
      asked.push([namespaces, turn]);
      if (closed) throw new KvError('BEHIND_MIRROR', 'closed');
    };
    const rig = await GatewayRig.open({ admit });
    await rig.push('a', { turn: 'T' });
    expect(asked).to.deep.equal([
      [[], 'T'],
      [[], 'T'],
    ]);
    const first = await rig.validate('b');
    const second = rig.validate('c');
    expect(await waits(second)).to.equal(true);
    closed = true;
    rig.gateway.abandon(first);
    expect((await refusal(second)).code).to.equal('BEHIND_MIRROR');
    closed = false;
    await rig.push('d');
  });

  it('asks whether who pushes still may, under the lock and right before refs move', async () => {
    const rig = await GatewayRig.open();
    let left = 1;
    const confirm = (): void => {
      if (left-- <= 0) throw new KvError('POLICY_VIOLATION', 'gone');
    };
    const accepted = await rig.validate('a', { confirm });
    expect((await refusal(rig.gateway.commit(accepted))).code).to.equal('POLICY_VIOLATION');
    expect((await refusal(rig.validate('b', { confirm }))).code).to.equal('POLICY_VIOLATION');
    expect([await rig.heads(), rig.place.lines]).to.deep.equal([[], []]);
    await rig.push('c');
  });

  it('judges a push by one policy: anew where it has changed meanwhile, and never by an old one', async () => {
    const rig = await GatewayRig.open();
    const first = await rig.validate('a');
    const second = rig.validate('b');
    expect(await waits(second)).to.equal(true);
    rig.policy = { ...rig.policy, limits: { ...rig.policy.limits, refs: 0 } };
    rig.gateway.abandon(first);
    expect((await refusal(second)).code, 'by the new one').to.not.equal('BUSY');
    rig.policy = { ...rig.policy, limits: { ...rig.policy.limits, refs: 1000 } };
    const third = await rig.validate('c');
    rig.policy = { ...rig.policy };
    expect((await refusal(rig.gateway.commit(third))).code).to.equal('BUSY');
    await rig.push('d');
    expect(await rig.heads()).to.deep.equal(['refs/heads/d']);
  });

  it('gives the memory of a check back when the check is over, taken or refused', async () => {
    const rig = await GatewayRig.open();
    const little = { checkedBytes: 400_000, pushes: 10_000 }; // 20 bytes each: every check waits for its turn
    rig.policy = { ...rig.policy, limits: { ...rig.policy.limits, ...little } };
    const request = await rig.intent('k');
    await rig.gateway.checkIntent(request);
    const damaged = { ...request, store: overlay(rig.store, new Map(request.objects.slice(0, 1).map((one) => [one.oid, one]))) };
    expect((await refusal(rig.gateway.checkIntent(damaged))).code).to.equal('ATTESTATION_MISMATCH');
    await rig.gateway.checkIntent(request); // or it waits for ever
  });

  it('takes nothing without the lease', async () => {
    const rig = await GatewayRig.open();
    const accepted = await rig.validate('a');
    rig.lock.depose();
    expect((await refusal(rig.gateway.commit(accepted))).code).to.equal('NOT_LEADER');
    expect((await refusal(rig.validate('b'))).code).to.equal('NOT_LEADER');
    expect((await refusal(rig.gateway.checkIntent(await rig.intent('k')))).code).to.equal('NOT_LEADER');
    expect(rig.refused).to.deep.equal(['NOT_LEADER']);
  });

  it('tells the trace what was checked and committed', async () => {
    const rig = await GatewayRig.open();
    const spans: [string, SpanFacts | undefined][] = [];
    const span = {
      context: null,
      child: (name: string, start?: { readonly facts?: SpanFacts }) => {
        spans.push([name, start?.facts]);
        return span;
      },
      note: (facts: SpanFacts) => spans.push(['', facts]),
      end: () => undefined,
    };
    await rig.push('a', { span: span as never });
    expect(spans.slice(0, 4)).to.deep.equal([
      ['stargate.validate', { ns: [] }],
      ['stargate.lock', undefined],
      ['', { txn: [] }],
      ['stargate.commit', { txn: [] }],
    ]);
    spans.length = 0;
    const request = { ...(await rig.intent('k')), span: span as never };
    const sound = await rig.gateway.checkIntent(request);
    expect(spans).to.deep.equal([
      ['stargate.validate', undefined],
      ['', { txn: [sound.intent.trailers.txn] }],
    ]);
  });
});

describe('the namespaces of a push', () => {
  it('are those whose refs it moves, each once', () => {
    const refs = ['refs/kv/main', 'refs/kv-index/main', 'refs/kv-chunks/other@2026', 'refs/heads/main', 'refs/kv-policy/current'];
    expect(namespacesIn(refs.map((ref) => ({ ref, old: null, next: null })))).to.deep.equal(['main', 'other']);
  });
});
