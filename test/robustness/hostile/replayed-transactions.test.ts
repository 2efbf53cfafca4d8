import { expect } from 'chai';
import { World } from '../../support/worlds/world.js';
import { replayedTransactions } from './attacks/replayed-transactions.js';

describe('hostile: transactions that were used before, or are for another Stargate', () => {
  let world: World;
  before(async () => {
    world = await World.create({ writers: ['ada'] });
    await world.clone('ada');
    const ran = await world.kv('ada', ['set', 'cfg:a', '1'], { person: 'ada' });
    expect(ran.code, ran.stderr).to.equal(0);
  });
  after(() => world?.close());

  it('are each refused over SSH by what is wrong with them', async () => {
    const { hostname, port, pathname } = new URL(world.pushUrl);
    const to = { host: hostname, port: Number(port), keyFile: world.key('ada'), path: pathname.replace(/^\//, '') };
    expect(await replayedTransactions(to, 0)).to.deep.equal([
      'TRANSACTION_REUSED',
      'ATTESTATION_MISMATCH',
      'ATTESTATION_MISMATCH',
      'POLICY_VIOLATION',
      'POLICY_VIOLATION',
    ]);
    expect((await world.kv('ada', ['set', 'cfg:a', '2'], { person: 'ada' })).code).to.equal(0);
  });
});
