import { expect } from 'chai';
import { placeNamed } from '../../../../../adapters/remote-memory/open.js';
import { readKey } from '../../../../../domain/client/read/read.js';
import { write } from '../../../../../domain/client/write/write.js';
import { utf8 } from '../../../../../domain/git/bytes.js';
import { ledgerRef, trackingRef } from '../../../../../domain/ledger/refs.js';
import { TURN, type TurnReport } from '../../../../../domain/admin/turn.js';
import { KvError } from '../../../../../ports/error.js';
import type { AskedToPush } from '../../../../../ports/git/git-remote.js';
import { type MemoryClient, openMemoryClient } from '../../../../support/memory/client.js';
import { MemoryGateway } from '../../../../support/memory/gateway.js';

const NS = 'main';
const set = (client: MemoryClient, key: string, value = key) =>
  write(client.clone, { ns: NS, operations: [{ op: 'set', key, value: utf8(value) }] });

describe('turns of writers of one gateway', () => {
  let gateway: MemoryGateway;
  let ada: MemoryClient;
  let bob: MemoryClient;
  /** What was asked for and what was answered, and how often anything was fetched from the gateway. */
  let asked: { readonly args: readonly string[]; readonly answer: TurnReport }[];
  let fetches: number;
  /** Changes an answer on its way. */
  let spoil: (answer: TurnReport) => TurnReport;

  beforeEach(async () => {
    gateway = await MemoryGateway.start({ format: 'sha1', writers: ['ada', 'bob'] });
    [ada, bob] = [await openMemoryClient(gateway, 'ada'), await openMemoryClient(gateway, 'bob')];
    await set(ada, 'first');
    await set(bob, 'second');
    [asked, fetches, spoil] = [[], 0, (answer) => answer];
    const { write: side } = placeNamed(gateway.name);
    if (side === null) throw new Error('a gateway takes pushes');
    const { ask, read } = side;
    side.ask = async (question) => {
      const held = (await ask?.(question)) as AskedToPush;
      const answer = spoil(held.answer as TurnReport);
      asked.push({ args: question.args, answer });
      return { ...held, answer };
    };
    side.read = async (oids) => {
      fetches++;
      return read(oids);
    };
  });
  afterEach(async () => {
    await ada.close();
    await bob.close();
    await gateway.close();
  });

  const tips = async ({ clone: { store } }: MemoryClient) => (await store.refs([trackingRef('stargate', ledgerRef(NS))])).size;
  const value = async (client: MemoryClient, key: string): Promise<string> => {
    const found = await readKey(client.clone, { ns: NS, key, readFrom: 'stargate', offline: false, allowExpired: false });
    return new TextDecoder().decode(found.value as Uint8Array);
  };

  it('bring what is new, so that whoever has lost a race fetches nothing', async () => {
    for (let i = 0; i < 5; i++) await set(ada, `more-${i}`);
    const before = fetches;
    const { retries } = await set(bob, 'third');
    expect(retries).to.equal(1);
    const [{ args, answer } = expect.fail('no turn')] = asked;
    expect(TURN.decode(args).push?.ledger).to.match(/^[0-9a-f]{40}$/);
    expect(answer.pack).to.be.a('string').that.is.not.empty;
    expect([answer.waiting, answer.waited_ms]).to.deep.equal([0, 0]);
    expect(await tips(bob)).to.equal(1);
    // What a push lacks is looked for at the other side too, once for each level.
    const pushing = fetches - before;
    fetches = 0;
    spoil = (one) => ({ ...one, pack: null });
    for (let i = 0; i < 5; i++) await set(ada, `again-${i}`);
    fetches = 0;
    await set(bob, 'fourth');
    expect(fetches, 'a fetch reads more').to.be.above(pushing);
    expect(await value(bob, 'again-4')).to.equal('again-4');
  });

  for (const [what, change] of [
    ['damaged', (pack: string) => `${pack.slice(0, 60)}${pack[60] === 'A' ? 'B' : 'A'}${pack.slice(61)}`],
    ['cut off', (pack: string) => pack.slice(0, 400)],
    ['no base64', () => '*'],
    ['without anything', () => ''],
  ] as const) {
    it(`are nothing to build on by a pack that is ${what}: it is fetched`, async () => {
      await set(ada, 'more');
      spoil = (answer) => ({ ...answer, pack: change(answer.pack ?? '') });
      expect(await set(bob, 'third')).to.include({ retries: 1 });
      expect(await value(bob, 'more')).to.equal('more');
    });
  }

  it('are taken over by no pack that lacks what its commits name', async () => {
    await set(ada, 'more');
    await set(ada, 'and more');
    let whole = '';
    spoil = (answer) => {
      whole = answer.pack ?? '';
      // The pack of another moment: the tips are not in it.
      return { ...answer, pack: null };
    };
    await set(bob, 'third');
    await set(ada, 'newer');
    spoil = (answer) => ({ ...answer, pack: whole });
    expect(await set(bob, 'fourth')).to.include({ retries: 1 });
    expect(await value(bob, 'newer')).to.equal('newer');
  });

  it('fetch when the policy is another: a turn brings none', async () => {
    await gateway.publishText((text) => `${text}\n# changed\n`);
    await set(ada, 'more');
    const before = fetches;
    await set(bob, 'third');
    expect(fetches).to.be.above(before);
    const [policy] = (await bob.clone.store.refs([trackingRef('stargate', 'refs/kv-policy/current')])).values();
    expect(policy).to.equal((await gateway.refs()).get('refs/kv-policy/current'));
  });

  it('are asked for first by who has met others, until nobody else is there', async () => {
    spoil = (answer) => ({ ...answer, waited_ms: 300 });
    await set(ada, 'more');
    asked = [];
    expect(await set(bob, 'third')).to.include({ retries: 1 });
    expect(await set(bob, 'fourth')).to.include({ retries: 0 });
    expect(asked).to.have.length(2);
    spoil = (answer) => answer;
    await set(bob, 'fifth');
    await set(bob, 'sixth');
    expect(asked, 'nobody was there').to.have.length(3);
  });

  it('work with a Stargate that does not know how to bring anything', async () => {
    const { write: side } = placeNamed(gateway.name);
    if (side === null) throw new Error('a gateway takes pushes');
    side.ask = async () => {
      throw new KvError('USAGE', "'turn' does not know '--push'");
    };
    await set(ada, 'more');
    expect(await set(bob, 'third')).to.include({ retries: 1 });
  });

  it('are stood in line for where there is no room for a push', async () => {
    const { write: side } = placeNamed(gateway.name);
    if (side === null) throw new Error('a gateway takes pushes');
    const { receive } = side;
    side.receive = async (push) => {
      if (push.turn === undefined) throw new KvError('BUSY', 'this key has 12 pushes at work');
      return receive(push);
    };
    expect(await set(ada, 'more')).to.include({ retries: 1 });
    expect(asked).to.have.length(1);
  });

  it('all land, of many at once', async () => {
    const crowd = await Promise.all(Array.from({ length: 6 }, (_, i) => openMemoryClient(gateway, i % 2 === 0 ? 'ada' : 'bob')));
    await Promise.all(crowd.map(async (client, i) => [await set(client, `a${i}`), await set(client, `b${i}`)]));
    for (let i = 0; i < crowd.length; i++) expect(await value(bob, `b${i}`)).to.equal(`b${i}`);
    for (const client of crowd) await client.close();
  });
});
