import { expect } from 'chai';
import { newEpoch } from '../../domain/client/epochs/new-epoch.js';
import { listKeys } from '../../domain/client/read/list.js';
import type { RequestedOperation } from '../../domain/client/write/operations.js';
import { write } from '../../domain/client/write/write.js';
import { KvError } from '../../ports/error.js';
import { type MemoryClient, openMemoryClient } from '../support/memory/client.js';
import { MemoryForge } from '../support/memory/forge.js';
import { MemoryGateway } from '../support/memory/gateway.js';
import { attackedMemory, runAttacks } from './attack.js';
import { honestRollover, ROLLOVER_ATTACKS, twoThatRace, twoValues } from './bad-rollovers.js';

for (const format of ['sha1', 'sha256'] as const) {
  describe(`new epochs that a gateway in this process must refuse (${format})`, () => {
    let gateway: MemoryGateway;
    let forge: MemoryForge;
    const clients: MemoryClient[] = [];
    const client = async (): Promise<MemoryClient> => {
      const opened = await openMemoryClient(gateway, 'ada');
      clients.push(opened);
      return opened;
    };
    const succeeds = ({ clone }: MemoryClient, ...operations: RequestedOperation[]) => write(clone, { ns: 'main', operations });
    const set = (key: string, text: string): RequestedOperation => ({ op: 'set', key, value: Buffer.from(text) });

    before(async () => {
      gateway = await MemoryGateway.start({ format, writers: ['ada', 'bob'] });
      forge = new MemoryForge(gateway, 'ada');
      const ada = await client();
      await succeeds(ada, set('cfg:first', '1'));
      for (const label of ['first', 'second']) await newEpoch(ada.clone, 'main', label);
      await twoValues(forge);
      await succeeds(ada, { op: 'del', key: 'cfg:dead' });
      await succeeds(ada, set('cfg:first', '2'));
    });
    after(async () => {
      await forge.close();
      for (const each of clients) await each.close();
      await gateway.close();
    });

    runAttacks(ROLLOVER_ATTACKS, () => attackedMemory(forge));

    it('takes one that has no fault, so that the rest means something', async () => {
      await honestRollover(forge);
      const { clone } = await client();
      const asked = { ns: 'main', prefix: '', long: false, allowExpired: false, readFrom: 'stargate', offline: false } as const;
      const keys: string[] = [];
      for await (const { key } of listKeys(clone, asked)) keys.push(key);
      expect(keys).to.deep.equal(['cfg:first', 'cfg:live']);
    });

    it('of two that race, one wins and the other leaves nothing', async () => {
      // Of the same data in the same second, an index's first commit would be the very one of the rollover before.
      await succeeds(await client(), set('cfg:between', '1'));
      await gateway.mirrored();
      await twoThatRace(forge, () => gateway.refs());
    });

    it('of two clients that begin an epoch at once, one wins and the other says that the namespace moved', async () => {
      const [one, two] = [await client(), await client()];
      const ended = await Promise.allSettled([newEpoch(one.clone, 'main', 'one'), newEpoch(two.clone, 'main', 'two')]);
      const lost = ended.flatMap((each): unknown[] => (each.status === 'rejected' ? [each.reason] : []));
      expect(lost).to.have.length(1);
      expect(KvError.is(lost[0]) && lost[0].code).to.equal('CAS_CONFLICT');
    });
  });
}
