import { expect } from 'chai';
import type { Clone } from '../../../apps/sdk/index.js';
import { all } from '../../support/all.js';
import { failure } from '../../support/failure.js';
import { MemoryGateway } from '../../support/memory/gateway.js';
import { countingFetches, openMemoryClone } from '../../support/memory/sdk.js';

const FROM = { readFrom: 'stargate' } as const;

describe('the SDK: many calls at a time', () => {
  let gateway: MemoryGateway;
  let ada: Clone;
  let fetches = 0;
  beforeEach(async () => {
    fetches = 0;
    gateway = await MemoryGateway.start({ format: 'sha1', writers: ['ada', 'bob'] });
    ada = await openMemoryClone(gateway, 'ada', FROM, (clone) => countingFetches(clone, () => fetches++));
  });
  afterEach(async () => {
    await ada.close();
    await gateway.close();
  });

  it('shares fetches among reads that come together', async () => {
    await ada.transact(Array.from({ length: 50 }, (_, i) => ({ op: 'set', key: `k:${i}`, value: `${i}` })));
    fetches = 0;
    const entries = await Promise.all(Array.from({ length: 200 }, (_, i) => ada.get(`k:${i % 50}`)));
    expect(entries.map((entry) => entry.text())).to.deep.equal(Array.from({ length: 200 }, (_, i) => `${i % 50}`));
    expect(fetches).to.be.within(1, 3);
  });

  it('lands writes in the order in which they were asked for, without racing itself, while a watch goes on', async () => {
    await ada.set('first', '0');
    const controller = new AbortController();
    const watch = ada.watch({ signal: controller.signal, interval: 1 });
    let started = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      started = resolve;
    });
    const seen: (string | undefined)[] = [];
    const watching = (async () => {
      for await (const { keys } of ada.watch({ signal: controller.signal, interval: 1, onNotice: started })) {
        seen.push(keys?.set[0]);
        if (seen.length === 20) controller.abort();
      }
    })();
    await begun;
    const receipts = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        i % 2 === 0 ? ada.set(`k:${i}`, '1') : ada.transact([{ op: 'set', key: `k:${i}`, value: '1' }]),
      ),
    );
    await watching;
    expect(receipts.map(({ retries }) => retries)).to.deep.equal(receipts.map(() => 0));
    expect(seen).to.deep.equal(Array.from({ length: 20 }, (_, i) => `k:${i}`));
    expect(await all(watch)).to.deep.equal([]); // its signal has fired
  });

  it('shares one signal among many calls, and takes no listener of it with it', async () => {
    await ada.set('k', '1');
    const controller = new AbortController();
    const warned: string[] = [];
    const onWarning = ({ name }: Error): void => void warned.push(name);
    process.on('warning', onWarning);
    await Promise.all(Array.from({ length: 40 }, () => ada.get('k', { signal: controller.signal })));
    const calls = Array.from({ length: 40 }, () => failure(ada.get('k', { signal: controller.signal }), 'INTERRUPTED'));
    controller.abort();
    await Promise.all(calls);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', onWarning);
    expect(warned).to.deep.equal([]);
  });

  it('ends what is under way when it is closed, and takes no call afterwards', async () => {
    await ada.set('k', '1');
    const bob = await openMemoryClone(gateway, 'bob', FROM);
    const never = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined) });
    const watched = all(bob.watch());
    const writing = failure(bob.setStream('slow', never), 'INTERRUPTED');
    const queued = failure(bob.set('k', '2'), 'INTERRUPTED');
    const abandoned = bob.list()[Symbol.asyncIterator]();
    expect((await abandoned.next()).value).to.deep.equal({ key: 'k' });
    await bob.close();
    expect(await watched).to.deep.equal([]);
    await Promise.all([writing, queued, failure(Promise.resolve(abandoned.next()), 'INTERRUPTED')]);
    await failure(bob.get('k'), 'USAGE');
    await failure(all(bob.list()), 'USAGE');
    await bob[Symbol.asyncDispose]();
    expect((await ada.get('k')).text()).to.equal('1');
  });
});
