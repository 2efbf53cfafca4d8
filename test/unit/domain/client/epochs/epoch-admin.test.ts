import { expect } from 'chai';
import { newEpoch } from '../../../../../domain/client/epochs/new-epoch.js';
import type { Clone } from '../../../../../domain/client/clone/clone.js';
import { write } from '../../../../../domain/client/write/write.js';
import { utf8 } from '../../../../../domain/git/bytes.js';
import { failure } from '../../../../support/failure.js';
import { type MemoryClient, openMemoryClient } from '../../../../support/memory/client.js';
import { MemoryGateway } from '../../../../support/memory/gateway.js';

const NS = 'main';

describe('an epoch that somebody wants to begin who is no admin', () => {
  let gateway: MemoryGateway;
  let ada: MemoryClient;
  let bob: MemoryClient;
  beforeEach(async () => {
    gateway = await MemoryGateway.start({ format: 'sha1', writers: ['ada', 'bob'] });
    [ada, bob] = [await openMemoryClient(gateway, 'ada'), await openMemoryClient(gateway, 'bob')];
    await write(bob.clone, { ns: NS, operations: [{ op: 'set', key: 'a', value: utf8('1'), ctype: 'text/plain' }] });
    gateway.offered = [];
  });
  afterEach(async () => {
    await ada.close();
    await bob.close();
    await gateway.close();
  });

  /** A clone that knows by which key it signs, unless that is null. */
  const signingWith = ({ clone }: MemoryClient, line: string | null): Clone => ({
    ...clone,
    forWriting: async () => {
      const ports = await clone.forWriting();
      return { ...ports, signer: { sign: (payload) => ports.signer.sign(payload), publicKey: async () => line } };
    },
  });
  const kept = (clone: Clone) => clone.store.refs(['refs/kv-archive/']);

  it('is refused before anything is signed, built or sent', async () => {
    const clone = signingWith(bob, gateway.people.line('bob'));
    const ports = await clone.forWriting();
    const signer = { ...ports.signer, sign: () => Promise.reject(new Error('signed all the same')) };
    const error = await failure(
      newEpoch({ ...clone, forWriting: async () => ({ ...ports, signer }) }, NS, 'bobs'),
      'SIGNER_UNKNOWN',
    );
    expect(error.message).to.match(/^this clone signs with SHA256:[A-Za-z0-9+/]{43}, a key that is no admin/);
    expect(gateway.offered).to.deep.equal([]);
    expect((await kept(clone)).size).to.equal(0);
  });

  it("begins by an admin's key, whatever its line's comment", async () => {
    const clone = signingWith(ada, `${gateway.people.line('ada')} somewhere else`);
    expect((await newEpoch(clone, NS, 'second')).epoch).to.equal('second');
  });

  it('is judged by the Stargate where the clone does not know its key', async () => {
    for (const line of [null, 'no key']) {
      const error = await failure(newEpoch(signingWith(bob, line), NS, 'bobs'), 'SIGNER_UNKNOWN');
      expect(error.message).to.match(/^commit /);
      expect(gateway.offered).to.not.deep.equal([]);
    }
  });
});
