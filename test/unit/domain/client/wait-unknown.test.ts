import { expect } from 'chai';
import { placeNamed } from '../../../../adapters/remote-memory/open.js';
import { knowsVerb } from '../../../../apps/stargate/admin/knows.js';
import { principal } from '../../../../domain/access/principal.js';
import type { Clone } from '../../../../domain/client/clone/clone.js';
import { waitForMirror } from '../../../../domain/client/remote/wait.js';
import { write } from '../../../../domain/client/write/write.js';
import { utf8 } from '../../../../domain/git/bytes.js';
import { KvError } from '../../../../ports/error.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { failure } from '../../../support/failure.js';
import { type MemoryClient, openMemoryClient } from '../../../support/memory/client.js';
import { MemoryGateway } from '../../../support/memory/gateway.js';

const NS = 'main';
const NOWHERE = 'f'.repeat(40);

describe('waiting for a commit that nobody knows', () => {
  let gateway: MemoryGateway;
  let ada: MemoryClient;
  let bob: MemoryClient;
  let landed: Oid;
  beforeEach(async () => {
    gateway = await MemoryGateway.start({ format: 'sha1', writers: ['ada', 'bob'] });
    [ada, bob] = [await openMemoryClient(gateway, 'ada'), await openMemoryClient(gateway, 'bob')];
    const operations = [{ op: 'set', key: 'a', value: utf8('1'), ctype: 'text/plain' }] as const;
    landed = (await write(ada.clone, { ns: NS, operations })).commit ?? '';
  });
  afterEach(async () => {
    await ada.close();
    await bob.close();
    await gateway.close();
  });

  /** A clone whose Stargate answers as the daemon does. */
  const asking = (one: MemoryClient): Clone => {
    const verb = knowsVerb({ store: gateway.store });
    const call = {
      pusher: principal('bob', 'writer'),
      fingerprint: '',
      left: new AbortController().signal,
      tell: () => undefined,
      enterPush: () => expect.fail('it is no push'),
      handOver: () => expect.fail('it is no push'),
    };
    const run = (_remote: string, _name: string, words: readonly string[]) => verb.run(words, call);
    return { ...one.clone, stargate: { ...one.clone.stargate, run } };
  };
  const wait = (clone: Clone, oid: Oid, timeoutMs = 60_000) => waitForMirror(clone, { ns: NS, oid, timeoutMs });

  it('ends soon with NOT_FOUND, also for an ordinary commit', async () => {
    const started = Date.now();
    const error = await failure(wait(asking(bob), NOWHERE), 'NOT_FOUND');
    expect(error.message).to.contain(`ledger commit ${NOWHERE} of namespace ${NS}`);
    const index = (await gateway.refs()).get('refs/kv-index/main') ?? '';
    await failure(wait(asking(bob), index), 'NOT_FOUND');
    expect(Date.now() - started).to.be.below(5000);
  });

  it('goes on waiting for what the Stargate or this clone has', async () => {
    placeNamed(gateway.name).read = { refs: async () => new Map(), read: async (oids) => oids.map(() => null) };
    for (const one of [ada, bob]) await failure(wait(asking(one), landed, 300), 'MIRROR_TIMEOUT');
  });

  it('goes on waiting where the Stargate does not answer, or does not know the question', async () => {
    await failure(wait(bob.clone, NOWHERE, 300), 'MIRROR_TIMEOUT');
    const run = async (): Promise<never> => {
      throw new KvError('USAGE', "the Stargate has no verb 'knows'");
    };
    await failure(wait({ ...bob.clone, stargate: { ...bob.clone.stargate, run } }, NOWHERE, 300), 'MIRROR_TIMEOUT');
  });
});
