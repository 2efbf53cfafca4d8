import { expect } from 'chai';
import { COMPACT } from '../../../../domain/admin/compact.js';
import type { Clone } from '../../../../domain/client/clone/clone.js';
import { compactEpochs } from '../../../../domain/client/epochs/compact-epochs.js';
import { newEpoch } from '../../../../domain/client/epochs/new-epoch.js';
import { readKey } from '../../../../domain/client/read/read.js';
import { verifyClone } from '../../../../domain/client/verify/verify.js';
import { KvError } from '../../../../ports/error.js';
import { failure } from '../../../support/failure.js';
import { type MemoryClient, openMemoryClient } from '../../../support/memory/client.js';
import { MemoryGateway } from '../../../support/memory/gateway.js';

const FRESH = { readFrom: 'mirror', offline: false } as const;

describe('a namespace that the policy does not list', () => {
  let gateway: MemoryGateway;
  let ada: MemoryClient;
  beforeEach(async () => {
    gateway = await MemoryGateway.start({ format: 'sha1' });
    ada = await openMemoryClient(gateway, 'ada');
    await gateway.mirrored();
    // Whatever was asked first has brought the policy.
    await failure(readKey(ada.clone, { ns: 'main', key: 'a', allowExpired: false, ...FRESH }), 'NOT_FOUND');
  });
  afterEach(async () => {
    await ada.close();
    await gateway.close();
  });

  /** A Stargate that has no ledger of the namespace. */
  const asking = (): Clone => ({
    ...ada.clone,
    stargate: {
      ...ada.clone.stargate,
      run: async (_remote, verb, [ns]) => {
        expect(verb).to.equal(COMPACT.name);
        throw new KvError('NOT_FOUND', `namespace ${ns} has no ledger`);
      },
    },
  });
  const ways: Readonly<Record<string, (ns: string) => Promise<unknown>>> = {
    get: (ns) => readKey(ada.clone, { ns, key: 'a', allowExpired: false, ...FRESH }),
    'epoch new': (ns) => newEpoch(ada.clone, ns, 'second'),
    verify: (ns) => verifyClone(ada.clone, ada.verifier, { ns, full: false }),
    compact: (ns) => compactEpochs(asking(), { ns, label: undefined, dryRun: false }),
  };

  it('says nothing of the mirror where it was not asked', async () => {
    const offline = { ns: 'main', key: 'a', allowExpired: false, readFrom: 'mirror', offline: true } as const;
    for (const reading of [readKey(ada.clone, offline), verifyClone(ada.clone, ada.verifier, { ns: 'main', full: false })]) {
      const error = await failure(reading, 'NOT_FOUND');
      expect(error.message).to.equal('namespace main has no ledger here, and nothing was fetched');
      expect(error.hint).to.equal('a read that fetches brings it, where there is one');
    }
  });

  for (const [name, way] of Object.entries(ways)) {
    it(`is called that by ${name}, with the namespaces that there are`, async () => {
      const error = await failure(way('mian'), 'NOT_FOUND');
      expect(error.message).to.equal('namespace mian has no ledger here, and the policy as last fetched has no such namespace');
      expect(error.hint).to.equal('did you mean main? the policy lists main; an admin adds others');
      expect((await failure(way('main'), 'NOT_FOUND')).message).to.match(/^namespace main has no ledger/);
    });
  }
});
