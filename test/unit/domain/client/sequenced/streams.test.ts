import { expect } from 'chai';
import { placeNamed } from '../../../../../adapters/remote-memory/open.js';
import { newEpoch } from '../../../../../domain/client/epochs/new-epoch.js';
import { keyHistory } from '../../../../../domain/client/history/history.js';
import type { Receipt } from '../../../../../domain/client/write/receipt.js';
import { write } from '../../../../../domain/client/write/write.js';
import { ledgerRef, trackingRef } from '../../../../../domain/ledger/refs.js';
import { KvError } from '../../../../../ports/error.js';
import type { Oid } from '../../../../../ports/vocabulary.js';
import { all } from '../../../../support/all.js';
import { failure } from '../../../../support/failure.js';
import { MemoryGateway } from '../../../../support/memory/gateway.js';
import { del, eachWay, get, MIRROR, NS, put, set, sequenced, STREAMS } from './clients.js';

eachWay(
  'streams to a sequenced ledger',
  (at, { format }) => {
    it('an intent larger than a frame is pushed', async () => {
      await put(at.ada, [set('a', '1')]);
      const limits = { ...at.gateway.policy.limits, intentBytes: 2000 };
      at.gateway.policyNow = () => ({ ...at.gateway.policy, limits });
      at.gateway.cutStreams();
      const receipt = await put(at.ada, [set('a', 'x'.repeat(3000)), del('none')]);
      expect([receipt.set, receipt.unchanged]).to.deep.equal([['a'], ['none']]);
      expect((await at.gateway.refs()).get(ledgerRef(NS))).to.equal(receipt.commit);
      expect(await get(at.ada, 'a')).to.have.length(3000);
    });

    const unheard: readonly (readonly [string, KvError])[] = [
      ['has no room for another stream', new KvError('BUSY', 'no room')],
      ['cuts streams off before it has said a word', new KvError('IO_ERROR', 'gone', { details: { sent: 'cut' } })],
    ];

    for (const [what, error] of unheard) {
      it(`a write waits for a Stargate that ${what}`, async () => {
        const place = placeNamed(at.gateway.name);
        const { intents } = place;
        let refusals = 2;
        place.intents = { serve: async (stream) => (refusals-- > 0 ? Promise.reject(error) : intents?.serve(stream)) };
        const clock = { now: () => Date.now(), sleep: async () => undefined };
        const { commit } = await write({ ...at.ada.clone, clock }, { ns: NS, operations: [set('a', '1')] });
        expect([commit, refusals]).to.deep.equal([(await at.gateway.refs()).get(ledgerRef(NS)), -1]);
      });
    }

    describe('when the connection breaks', () => {
      it('after the intent was ordered, it is sent again and has the same answer', async () => {
        let ordered: Oid | null = null;
        at.gateway.ordering = async (order) => {
          const answer = await order();
          at.gateway.ordering = (next) => next();
          ordered = (await at.gateway.refs()).get(ledgerRef(NS)) ?? null;
          at.gateway.cutStreams();
          await new Promise(() => undefined); // the answer never leaves
          return answer;
        };
        const { commit, set: keysSet } = await put(at.ada, [set('a', '1')]);
        expect([commit, keysSet]).to.deep.equal([ordered, ['a']]);
        expect(await all(keyHistory(at.ada.clone, { ns: NS, key: 'a', epochs: true, ...MIRROR }))).to.have.length(1);
      });

      it('before it was ordered, it is sent again and ordered once', async () => {
        at.gateway.ordering = async (order) => {
          at.gateway.ordering = (next) => next();
          at.gateway.cutStreams();
          return order();
        };
        const receipts = await Promise.all([put(at.ada, [set('a', '1')]), put(at.ada, [set('b', '1')])]);
        expect(new Set(receipts.map(({ commit }) => commit)).size).to.equal(2);
        for (const key of ['a', 'b']) {
          expect(await all(keyHistory(at.ada.clone, { ns: NS, key, epochs: true, ...MIRROR }))).to.have.length(1);
        }
      });

      it('and nobody answers any more, the error names the transaction', async () => {
        let now = 0;
        const began = Date.now();
        const clock = {
          now: () => began + now,
          sleep: async (ms: number) => {
            now += ms;
          },
        };
        await put(at.ada, [set('a', '1')]);
        at.gateway.ordering = async (order) => {
          placeNamed(at.gateway.name).away.add('write');
          at.gateway.cutStreams();
          return order();
        };
        const error = await failure(write({ ...at.ada.clone, clock }, { ns: NS, operations: [set('a', '2')] }), 'IO_ERROR');
        expect(error.details).to.include({ ns: NS, landed: 'unknown' });
        expect(error.message).to.contain(String(error.details?.['txn']));
        expect(error.advice?.id).to.equal('look-for-transaction');
      });
    });

    it('an epoch that begins does not disturb what is open on the same stream', async () => {
      await put(at.ada, [set('a', '1')]);
      let release = (): void => undefined;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      let slow: Promise<Receipt> = Promise.reject(new Error('not asked yet'));
      slow.catch(() => undefined);
      await new Promise<void>((arrived) => {
        at.gateway.ordering = async (order) => {
          at.gateway.ordering = (next) => next();
          arrived();
          await released;
          return order();
        };
        slow = put(at.ada, [set('slow', '1')]);
      });
      const began = await newEpoch(at.ada.clone, NS, 'second');
      release();
      expect([began.epoch, (await slow).epoch, (await slow).retries]).to.deep.equal(['second', 'second', 1]);
    });

    it('an interruption ends the wait for an answer', async () => {
      const stop = new AbortController();
      at.gateway.ordering = () => {
        setImmediate(() => stop.abort());
        return new Promise(() => undefined);
      };
      const error = await failure(put(at.ada, [set('a', '1')], { signal: stop.signal }), 'INTERRUPTED');
      expect(error.message).to.contain(String(error.details?.['txn']));
      at.gateway.ordering = (order) => order();
      expect((await put(at.ada, [set('b', '1')])).set).to.deep.equal(['b']); // the stream is none the worse
    });

    it('a Stargate that greets as another than the one whose ledger the clone knows gets nothing signed', async () => {
      await put(at.ada, [set('a', '1')]);
      await get(at.ada, 'a');
      const other = await MemoryGateway.start({ format, writers: ['ada', 'bob'], policy: sequenced, people: at.gateway.people });
      const place = placeNamed(at.gateway.name);
      place.intents = placeNamed(other.name).intents;
      at.gateway.cutStreams();
      const error = await failure(put(at.ada, [set('a', '2')]), 'ATTESTATION_MISMATCH');
      expect(error.advice?.id).to.equal('verify-clone');
      expect((await other.refs()).has(ledgerRef(NS))).to.equal(false);
      await other.close();
    });

    it('the tracking refs of a clone that fetched before stay where they are', async () => {
      await put(at.bob, [set('a', '0')]);
      await at.gateway.mirrored();
      await get(at.ada, 'a');
      const tracked = [trackingRef('mirror', ledgerRef(NS)), trackingRef('stargate', ledgerRef(NS)), ledgerRef(NS)];
      const before = await at.ada.clone.store.refs(tracked);
      await put(at.ada, [set('a', '1')]);
      expect(await at.ada.clone.store.refs(tracked)).to.deep.equal(before);
    });
  },
  STREAMS,
);
