import { expect } from 'chai';
import { KvError } from '../../../../ports/error.js';
import { refusal } from '../../../support/failure.js';

import { type GatewayContext, GatewayRig, waits } from './gateway-rig.js';

describe('a gateway that works for itself', () => {
  it('moves refs of its own through the journal, one after the other with pushes', async () => {
    const rig = await GatewayRig.open();
    const accepted = await rig.validate('a');
    const own = rig.gateway.moveOwn(async () => [rig.begin('own')]);
    expect(await waits(own)).to.equal(true);
    await rig.gateway.commit(accepted);
    await own;
    expect(await rig.heads()).to.deep.equal(['refs/heads/a', 'refs/heads/own']);
    const lines = rig.place.lines.length;
    await rig.gateway.moveOwn(async () => []);
    expect(rig.place.lines, 'nothing to move, nothing to note').to.have.length(lines);
    await refusal(rig.gateway.moveOwn(() => Promise.reject(new KvError('IO_ERROR', 'x'))));
    await rig.push('b');
  });

  it('does what must have no commit beside it', async () => {
    const rig = await GatewayRig.open();
    const accepted = await rig.validate('a');
    let done = false;
    const work = rig.gateway.exclusively(async () => {
      done = true;
    });
    expect([await waits(work), done]).to.deep.equal([true, false]);
    rig.gateway.abandon(accepted);
    await work;
    expect(done).to.equal(true);
    await refusal(rig.gateway.exclusively(() => Promise.reject(new KvError('IO_ERROR', 'x'))));
    await rig.push('b');
  });

  it('orders intents with a key, and says why it has none', async () => {
    const rig = await GatewayRig.open();
    const { commit: made } = await rig.order('k');
    expect((await rig.store.refs(['refs/kv/main'])).get('refs/kv/main')).to.equal(made);
    expect(rig.gateway.intentsWaiting).to.equal(0);
    const held = await rig.validate('a');
    const waiting = rig.order('l');
    expect(await waits(waiting)).to.equal(true);
    expect(rig.gateway.intentsWaiting).to.equal(1);
    rig.gateway.abandon(held);
    await waiting;
    const without = await GatewayRig.open({ sequencer: undefined as never });
    expect(without.gateway.intentsWaiting).to.equal(0);
    expect((await refusal(without.order('k'))).code).to.equal('NOT_SUPPORTED');
    await without.push('a');
  });

  it('asks of an intent what it asks of a push', async () => {
    let closed: KvError | null = null;
    const admit: GatewayContext['admit'] = async () => {
      if (closed !== null) throw closed;
    };
    const rig = await GatewayRig.open({ admit });
    const gone = (): void => {
      throw new KvError('POLICY_VIOLATION', 'gone');
    };
    expect((await refusal(rig.order('k', gone))).code).to.equal('POLICY_VIOLATION');
    closed = new KvError('BEHIND_MIRROR', 'closed');
    expect((await refusal(rig.order('k'))).code).to.equal('BEHIND_MIRROR');
    expect(rig.refused).to.deep.equal(['POLICY_VIOLATION', 'BEHIND_MIRROR']);
    closed = null;
    const request = await rig.intent('k');
    const sound = await rig.gateway.checkIntent(request);
    rig.lock.depose();
    expect((await refusal(rig.gateway.order(sound, request))).code).to.equal('NOT_LEADER');
  });

  it('reads the transaction ids of its ledgers in advance', async () => {
    const rig = await GatewayRig.open();
    await rig.order('k');
    const asked: string[] = [];
    const { refs } = rig.store;
    Object.assign(rig.store, {
      refs: async (prefixes: readonly string[]) => {
        asked.push(...prefixes);
        return refs.call(rig.store, prefixes);
      },
    });
    await rig.gateway.warmUp(new AbortController().signal);
    expect(asked.some((prefix) => prefix.startsWith('refs/kv'))).to.equal(true);
  });
});
