import { expect } from 'chai';
import { placeNamed } from '../../../../adapters/remote-memory/open.js';
import { momentAt } from '../../../../domain/client/past/at.js';
import { readKey } from '../../../../domain/client/read/read.js';
import { waitForMirror } from '../../../../domain/client/remote/wait.js';
import { write } from '../../../../domain/client/write/write.js';
import { utf8 } from '../../../../domain/git/bytes.js';
import { ledgerRef, trackingRef } from '../../../../domain/ledger/refs.js';
import { KvError } from '../../../../ports/error.js';
import { failure } from '../../../support/failure.js';
import { type MemoryClient, openMemoryClient } from '../../../support/memory/client.js';
import { MemoryGateway } from '../../../support/memory/gateway.js';

const NS = 'main';
const FRESH = { readFrom: 'stargate', offline: false } as const;

describe('what a clone says of the newest state', () => {
  let gateway: MemoryGateway;
  let ada: MemoryClient;
  let bob: MemoryClient;
  beforeEach(async () => {
    gateway = await MemoryGateway.start({ format: 'sha1', writers: ['ada', 'bob'] });
    [ada, bob] = [await openMemoryClient(gateway, 'ada'), await openMemoryClient(gateway, 'bob')];
    await set(ada, 'one', '1');
  });
  afterEach(async () => {
    await Promise.all([ada.close(), bob.close()]);
    await gateway.close();
  });

  const set = ({ clone }: MemoryClient, key: string, text: string, dryRun = false) =>
    write(clone, { ns: NS, dryRun, operations: [{ op: 'set', key, value: utf8(text), ctype: 'text/plain' }] });

  it('a dry run is by what the Stargate has now, and has no tree, which a write at another time would not have', async () => {
    await set(bob, 'two', '2');
    const { landed, tree, warnings } = await set(ada, 'two', '2', true);
    expect([landed, tree, warnings]).to.deep.equal(['nowhere', null, []]);
    const ref = trackingRef('stargate', ledgerRef(NS));
    expect((await ada.clone.store.refs([ref])).get(ref)).to.equal((await gateway.refs()).get(ledgerRef(NS)));
  });

  it('a dry run says when the Stargate could not be asked', async () => {
    placeNamed(gateway.name).write = {
      refs: async () => {
        throw new KvError('IO_ERROR', 'nobody there');
      },
      read: async (oids) => oids.map(() => null),
      receive: async () => [],
    };
    const { set: keys, warnings } = await set(ada, 'two', '2', true);
    expect([keys, warnings.length]).to.deep.equal([['two'], 1]);
    expect(warnings[0]).to.contain('nobody there');
  });

  it('a wait for a mirror that is gone says so, and why', async () => {
    const oid = (await gateway.refs()).get(ledgerRef(NS)) ?? '';
    placeNamed(gateway.name).read = {
      refs: async () => {
        throw new KvError('IO_ERROR', 'mirror moved away');
      },
      read: async (oids) => oids.map(() => null),
    };
    const error = await failure(waitForMirror(ada.clone, { ns: NS, oid, timeoutMs: 1 }), 'MIRROR_TIMEOUT');
    expect(error.message).to.contain('could not be read').and.to.contain('mirror moved away');
  });

  it('a namespace that the policy does not list is told from one that only lacks its first write', async () => {
    await failure(readKey(ada.clone, { ns: 'mian', key: 'one', allowExpired: false, ...FRESH }), 'NOT_FOUND');
    const error = await failure(readKey(ada.clone, { ns: 'mian', key: 'one', allowExpired: false, ...FRESH }), 'NOT_FOUND');
    expect(error.hint).to.equal('did you mean main? the policy lists main; an admin adds others');
    expect(error.advice).to.equal(undefined);
  });

  it('the oldest state is named with a time that finds it', async () => {
    const { hint = '' } = await failure(momentAt(ada.clone, NS, '2001-01-01', FRESH), 'NOT_FOUND');
    const time = /of (\S+Z)/.exec(hint)?.[1] ?? '';
    expect((await momentAt(ada.clone, NS, time, FRESH)).by).to.equal('received');
  });
});
