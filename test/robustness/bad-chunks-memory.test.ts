import { expect } from 'chai';
import { readKey } from '../../domain/client/read/read.js';
import { readChunks } from '../../domain/client/read/value.js';
import { write } from '../../domain/client/write/write.js';
import { type MemoryClient, openMemoryClient } from '../support/memory/client.js';
import { MemoryForge } from '../support/memory/forge.js';
import { MemoryGateway } from '../support/memory/gateway.js';
import { attackedMemory, runAttacks } from './attack.js';
import { CHUNK_ATTACKS, honestChunks, LIVE, narrowed } from './bad-chunks.js';

for (const format of ['sha1', 'sha256'] as const) {
  describe(`chunks that a gateway in this process must refuse (${format})`, () => {
    let gateway: MemoryGateway;
    let ada: MemoryClient;
    let forge: MemoryForge;
    before(async () => {
      gateway = await MemoryGateway.start({ format, policy: narrowed });
      ada = await openMemoryClient(gateway, 'ada');
      await write(ada.clone, { ns: 'main', operations: [{ op: 'set', key: 'cfg:first', value: Buffer.from('1') }] });
      forge = new MemoryForge(gateway, 'ada');
    });
    after(async () => {
      await forge.close();
      await ada.close();
      await gateway.close();
    });

    it('takes chunks that have no fault, so that the rest means something', async () => {
      await honestChunks(forge);
      const asked = { ns: 'main', key: 'cfg:live', readFrom: 'stargate', offline: false, allowExpired: false } as const;
      const { value } = await readKey(ada.clone, asked);
      if (value instanceof Uint8Array) throw new Error('it was expected to lie in chunks');
      const chunks: Uint8Array[] = [];
      for await (const chunk of readChunks(ada.clone, value)) chunks.push(chunk);
      expect(chunks.map((chunk) => Buffer.from(chunk))).to.deep.equal(LIVE);
    });

    runAttacks(CHUNK_ATTACKS, () => attackedMemory(forge));
  });
}
