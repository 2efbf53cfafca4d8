import { expect } from 'chai';
import { placeNamed, type RemoteSide } from '../../../../adapters/remote-memory/open.js';
import { fetchNamespace } from '../../../../domain/client/remote/fetch-namespace.js';
import { newEpoch } from '../../../../domain/client/epochs/new-epoch.js';
import { listKeys } from '../../../../domain/client/read/list.js';
import { readKey } from '../../../../domain/client/read/read.js';
import { write } from '../../../../domain/client/write/write.js';
import { decodeUtf8, utf8 } from '../../../../domain/git/bytes.js';
import { indexRef, ledgerRef, trackingRef } from '../../../../domain/ledger/refs.js';
import type { Oid, RefName } from '../../../../ports/vocabulary.js';
import { all } from '../../../support/all.js';
import { failure } from '../../../support/failure.js';
import { type MemoryClient, openMemoryClient } from '../../../support/memory/client.js';
import { MemoryGateway } from '../../../support/memory/gateway.js';

const NS = 'main';
type Refs = ReadonlyMap<RefName, Oid>;

describe('a list of refs that is half of a transaction', () => {
  let gateway: MemoryGateway;
  let ada: MemoryClient;
  let bob: MemoryClient;
  /** What the two sides showed before the newest transaction. */
  let before: Refs;
  beforeEach(async () => {
    gateway = await MemoryGateway.start({ format: 'sha1', writers: ['ada', 'bob'] });
    [ada, bob] = [await openMemoryClient(gateway, 'ada'), await openMemoryClient(gateway, 'bob')];
    await set(ada, 'one', '1');
    await gateway.mirrored();
    before = await gateway.refs();
    await set(ada, 'two', '2');
    await gateway.mirrored();
  });
  afterEach(async () => {
    await Promise.all([ada.close(), bob.close()]);
    await gateway.close();
  });

  const set = ({ clone }: MemoryClient, key: string, text: string) =>
    write(clone, { ns: NS, operations: [{ op: 'set', key, value: utf8(text), ctype: 'text/plain' }] });
  const list = async ({ clone }: MemoryClient, offline = false): Promise<string[]> =>
    (await all(listKeys(clone, { ns: NS, prefix: '', long: false, allowExpired: false, readFrom: 'mirror', offline }))).map(
      ({ key }) => key,
    );

  /** The next `times` lists of a side's refs have these as they were before; gives how many lists were asked for. */
  const tear = (direction: 'read' | 'write', stale: readonly RefName[], times: number): (() => number) => {
    const side = placeNamed(gateway.name)[direction] as { refs: RemoteSide['refs'] };
    const whole = side.refs.bind(side);
    let asked = 0;
    side.refs = async () => {
      const refs = new Map(await whole());
      if (asked++ < times) for (const ref of stale) refs.set(ref, before.get(ref) ?? '');
      return refs;
    };
    return () => asked;
  };
  /** Fetches half of a transaction into a clone, as a command of an earlier version has left it. */
  const wedge = async (one: MemoryClient, stale: RefName): Promise<void> => {
    const asked = tear('write', [stale], 1);
    await fetchNamespace(one.clone, NS, 'stargate');
    expect(asked()).to.equal(1);
  };

  it('is fetched again by a read that needs the index, and a get needs none', async () => {
    const asked = tear('read', [indexRef(NS)], 2);
    const reading = await readKey(bob.clone, { ns: NS, key: 'two', allowExpired: false, readFrom: 'mirror', offline: false });
    expect([decodeUtf8(reading.value as Uint8Array), asked()]).to.deep.equal(['2', 1]);
    expect([await list(bob), asked()]).to.deep.equal([['one', 'two'], 3]);
  });

  it('is fetched again by a write, and so is the pair that an earlier command has left', async () => {
    await wedge(bob, indexRef(NS));
    const { landed, retries } = await set(bob, 'three', '3');
    expect([landed, retries]).to.deep.equal(['stargate', 0]);
    await gateway.mirrored();
    expect(await list(ada)).to.deep.equal(['one', 'three', 'two']);
  });

  it('is fetched again after a lost race, and before a new epoch', async () => {
    await set(bob, 'three', '3');
    await set(ada, 'four', '4');
    before = new Map([...before, [indexRef(NS), (await gateway.refs()).get(indexRef(NS)) ?? '']]);
    await set(ada, 'five', '5');
    Object.assign(placeNamed(gateway.name).write ?? {}, { ask: undefined }); // a Stargate whose turns bring nothing
    const asked = tear('write', [indexRef(NS)], 2); // of the push that loses, and of the fetch after it
    expect((await set(bob, 'six', '6')).retries).to.equal(1);
    expect(asked()).to.be.at.least(4);
    tear('write', [indexRef(NS)], 1);
    expect((await newEpoch(ada.clone, NS, 'next')).landed).to.equal('stargate');
  });

  it('is of use where the index has run ahead: the one before it belongs to the ledger', async () => {
    await wedge(bob, ledgerRef(NS));
    const ledger = await bob.clone.store.refs([trackingRef('stargate', ledgerRef(NS))]);
    expect([...ledger.values()]).to.deep.equal([before.get(ledgerRef(NS))]);
    expect(await list(bob, true)).to.deep.equal(['one']);
    expect((await set(bob, 'three', '3')).landed).to.equal('stargate');
  });

  it('that stays so is given up after a few times, by its name', async () => {
    await wedge(bob, indexRef(NS));
    const asked = tear('write', [indexRef(NS)], Number.POSITIVE_INFINITY);
    const error = await failure(set(bob, 'three', '3'), 'GIT_ERROR');
    expect(error.advice?.id).to.equal('fetch-index');
    expect(asked()).to.equal(5);
  });
});
