import { expect } from 'chai';
import { newEpoch } from '../../../../../domain/client/epochs/new-epoch.js';
import { ledgerRef } from '../../../../../domain/ledger/refs.js';
import type { Policy } from '../../../../../ports/stargate/policy-reader.js';
import { failure } from '../../../../support/failure.js';
import { eachWay, get, NS, put, read, set } from './clients.js';

eachWay('the policy and the epochs of a sequenced ledger', (at) => {
  it('an epoch begins by intent; a clone that knows the one before writes into the new one', async () => {
    const first = await put(at.bob, [set('a', '1'), set('big', 'x'.repeat(5000))], { maxInline: 1024 });
    const began = await newEpoch(at.ada.clone, NS, 'second');
    expect(began).to.include({ epoch: 'second', parentEpoch: first.epoch, parentLedger: first.commit, landed: 'stargate' });
    expect(began.commit).to.equal((await at.gateway.refs()).get(ledgerRef(NS)));
    const second = await put(at.bob, [set('big', 'x'.repeat(5001))], { maxInline: 1024 });
    expect([second.epoch, await get(at.bob, 'big')]).to.deep.equal(['second', 'x'.repeat(5001)]);
    expect((await failure(newEpoch(at.bob.clone, NS, 'bobs'), 'SIGNER_UNKNOWN')).message).to.contain('admin');
    expect((await failure(newEpoch(at.ada.clone, NS, 'second'), 'CAS_CONFLICT')).message).to.contain('second');
    await failure(newEpoch(at.ada.clone, 'none', 'x'), 'NOT_FOUND');
  });

  describe('when the policy changes', () => {
    const withMode = (mode: 'linear' | 'sequenced', policy = at.gateway.policy): Policy => ({
      ...policy,
      namespaces: new Map([...policy.namespaces].map(([ns, own]) => [ns, { ...own, ledgerMode: mode }])),
    });

    it('to linear, and back, the clone that knows the old one writes in the new way', async () => {
      await put(at.ada, [set('a', '1')]);
      await at.gateway.publishMode('linear');
      const linear = await put(at.ada, [set('a', '2')]);
      expect(await get(at.bob, 'a')).to.match(/^[12]$/);
      expect((await at.ada.clone.store.refs([ledgerRef(NS)])).get(ledgerRef(NS))).to.equal(linear.commit);
      await at.gateway.publishMode('sequenced');
      const back = await put(at.ada, [set('a', '3')]);
      expect((await at.gateway.refs()).get(ledgerRef(NS))).to.equal(back.commit);
      expect((await at.ada.clone.store.refs([ledgerRef(NS)])).get(ledgerRef(NS))).to.equal(linear.commit); // no tip that is not here
      expect(await get(at.ada, 'a')).to.equal('3');
      await at.gateway.publishMode('linear');
      await newEpoch(at.ada.clone, NS, 'linears');
      await at.gateway.publishMode('sequenced');
      expect((await newEpoch(at.ada.clone, NS, 'ordered')).parentEpoch).to.equal('linears');
    });

    it('and nobody has published it yet, the write fails with what the Stargate says', async () => {
      await put(at.ada, [set('a', '1')]);
      at.gateway.policyNow = () => withMode('linear');
      const error = await failure(put(at.ada, [set('a', '2')]), 'POLICY_VIOLATION');
      expect(error.details).to.include({ ns: NS });
    });

    it('to smaller values, a value that was cut by the old one is refused, and nothing is sent twice', async () => {
      await put(at.ada, [set('a', '1')]);
      await at.gateway.publishText((text) => text.replace(/max_value_(total|inline): .*/g, 'max_value_$1: 10'));
      await failure(put(at.ada, [set('a', 'more than ten bytes')]), 'POLICY_VIOLATION');
    });

    it('to a default TTL, the value gets one', async () => {
      await put(at.ada, [set('a', '1')]);
      await at.gateway.publishText((text) => text.replace('enforce_readside: true', 'enforce_readside: true, ttl_default: 1h'));
      await put(at.ada, [set('a', '2')]);
      expect((await read(at.ada, 'a')).meta.ttl).to.match(/^\d{4}-/);
    });
  });
});
