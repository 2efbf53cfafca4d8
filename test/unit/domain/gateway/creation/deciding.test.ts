import { expect } from 'chai';
import type { CreationAnswer, CreationMessage, Vote } from '../../../../../domain/gateway/creation/records.js';
import { KvError } from '../../../../../ports/error.js';
import { thrownBy } from '../../../../contracts/mirror-target.js';
import { creation, LATE, OneServer, willing } from './one-server.js';

/** Others that answer a prepare with these votes, and all else willingly. */
const voting =
  (votes: Readonly<Record<string, Vote>>) =>
  (message: CreationMessage, peer: string): CreationAnswer =>
    message.kind === 'prepare' ? { kind: 'vote', vote: votes[peer] ?? 'yes' } : willing(message);

const create = (one: OneServer) => one.server.create('ada/shop', 'p', 'sha256');
const kinds = ({ asked }: OneServer): string[] => asked.map(([peer, { kind }]) => `${kind} ${peer}`);

describe('a server that is to create a repository', () => {
  it('asks the others, decides, and has it made by all', async () => {
    const one = new OneServer();
    const kept: unknown[] = [];
    one.answers = (message) => {
      kept.push(one.kept);
      return willing(message);
    };
    expect(await create(one)).to.deep.equal({ repository: 'ada/shop', peersConfirmed: 2, replicated: true });
    expect(kinds(one)).to.deep.equal(['prepare two', 'prepare three', 'commit two', 'commit three']);
    expect(kept[0]).to.deep.equal({ 'ada/shop': 'prepared' });
    expect(kept[2]).to.deep.equal({ 'ada/shop': 'decided' });
    expect([one.kept, one.disk.made, one.server.inDoubt]).to.deep.equal([{}, [['ada/shop', false]], []]);
    const [, message] = one.asked[0] ?? [];
    expect(message).to.deep.include({ kind: 'prepare', servers: 3 });
    const [asked] = one.disk.log;
    expect(asked).to.include({ repository: 'ada/shop', policy: 'p', objectFormat: 'sha256', coordinator: 'one' });
    expect(asked?.id).to.match(/^[0-9A-Z]{26}-1$/);
    expect(asked).to.not.have.property('servers');
  });

  it('counts whoever has made it, and does without one that does not answer as it should', async () => {
    const away =
      (kind: string, peers: readonly string[]) =>
      (message: CreationMessage, peer: string): CreationAnswer => {
        if (message.kind !== kind || !peers.includes(peer)) return willing(message);
        if (peer === 'three') return { kind: 'outcome', outcome: 'pending' };
        throw new KvError('IO_ERROR', 'away');
      };
    const both = ['two', 'three'];
    const one = new OneServer(away('commit', both));
    expect(await create(one)).to.deep.equal({ repository: 'ada/shop', peersConfirmed: 0, replicated: false });
    expect(one.told).to.deep.equal(['failed commit at two']);
    expect(await create(new OneServer(away('commit', ['two'])))).to.include({ peersConfirmed: 1, replicated: true });
    for (const peer of both) expect((await create(new OneServer(away('prepare', [peer])))).peersConfirmed).to.equal(2);
    const alone = new OneServer(away('prepare', both));
    const error = await thrownBy(create(alone));
    expect([error.code, error.details]).to.deep.equal(['IO_ERROR', { quorum: 2, votes: 1, servers: 3 }]);
    expect([alone.kept, kinds(alone).slice(2)]).to.deep.equal([{}, ['abort two', 'abort three']]);
    expect(alone.asked[2]?.[1]).to.deep.include({ repository: 'ada/shop' }).and.to.have.property('id').which.matches(/-1$/);
  });

  it('says why it was not to be: the name is taken, another server can not make it, or has it for another one', async () => {
    for (const [votes, code, tries] of [
      [{ two: 'exists', three: 'reserved' }, 'CAS_CONFLICT', 1],
      [{ two: 'invalid', three: 'reserved' }, 'INPUT_INVALID', 1],
      [{ two: 'reserved', three: 'reserved' }, 'CAS_CONFLICT', 5],
    ] as const) {
      const one = new OneServer(voting(votes));
      expect((await thrownBy(create(one))).code).to.equal(code);
      expect(kinds(one).filter((kind) => kind === 'prepare two')).to.have.length(tries);
      expect([one.kept, one.disk.made, one.server.inDoubt]).to.deep.equal([{}, [], []]);
    }
    expect((await create(new OneServer(voting({ two: 'exists' })))).replicated, 'a majority will do').to.equal(true);
  });

  it('tries again when another one is in its way, each time after longer, under another id', async () => {
    let left = 3;
    const one = new OneServer();
    one.answers = (message, peer) => {
      if (message.kind === 'abort' && peer === 'three') left -= 1;
      return voting(left > 0 ? { two: 'reserved', three: 'reserved' } : {})(message, peer);
    };
    await create(one);
    expect(one.naps).to.deep.equal([60, 120, 180]);
    expect(one.disk.log.map(({ id }) => id.slice(-2))).to.deep.equal(['-4']);
    const busy = new OneServer();
    await busy.vote(creation());
    expect((await thrownBy(create(busy))).code).to.equal('CAS_CONFLICT');
    expect([busy.naps, busy.asked, busy.kept]).to.deep.equal([[60, 120, 180, 240], [], { 'ada/shop': 'prepared' }]);
  });

  it('names the repository that is in its way, and what tells the two names apart', async () => {
    const one = new OneServer();
    one.disk.repositories.set('ada/shop', 'of its own');
    const same = await thrownBy(create(one));
    expect([same.code, same.message]).to.deep.equal(['CAS_CONFLICT', "there is a repository 'ada/shop'"]);
    const other = await thrownBy(one.server.create('ADA/shop', 'p', 'sha1'));
    expect(other.message).to.contain("'ada/shop'").and.contain("'ADA/shop' in case alone");
    expect(one.asked).to.deep.equal([]);
  });

  it('gives way to one that began earlier, or by a server whose name goes before, as long as it has not decided', async () => {
    for (const [rival, yields] of [
      [creation(), true],
      [creation({ id: LATE }), false],
    ] as const) {
      const one = new OneServer();
      const votes: string[] = [];
      one.answers = async (message, peer) => {
        if (message.kind === 'prepare' && peer === 'two') votes.push(await one.vote(rival));
        if (message.kind === 'commit' && peer === 'two') votes.push(await one.vote(creation()));
        return willing(message);
      };
      const outcome = await create(one).catch((error: KvError) => error.code);
      expect(outcome, rival.id).to.deep.equal(
        yields ? 'CAS_CONFLICT' : { repository: 'ada/shop', peersConfirmed: 2, replicated: true },
      );
      expect(votes, rival.id).to.deep.equal(yields ? ['yes'] : ['reserved', 'exists']);
      expect(one.naps, 'it is not tried again').to.deep.equal([]);
      expect(one.kept).to.deep.equal(yields ? { 'ada/shop': 'prepared' } : {});
    }
    for (const [coordinator, vote] of [
      ['alpha', 'yes'],
      ['one', 'reserved'],
      ['zeta', 'reserved'],
    ] as const) {
      const one = new OneServer();
      const votes: string[] = [];
      one.answers = async (message, peer) => {
        if (message.kind === 'prepare' && peer === 'two') {
          const id = message.creation.id.replace('-1', '-9');
          votes.push(await one.vote(creation({ id, coordinator })));
        }
        return willing(message);
      };
      await create(one).catch(() => undefined);
      expect(votes, coordinator).to.deep.equal([vote]);
    }
  });

  it('gives way to one of its name that is decided by others', async () => {
    const one = new OneServer();
    one.answers = async (message, peer) => {
      if (message.kind === 'prepare' && peer === 'two')
        await one.server.answer({ kind: 'commit', creation: creation({ id: LATE }) });
      return willing(message);
    };
    expect((await thrownBy(create(one))).code).to.equal('CAS_CONFLICT');
    expect([one.disk.log.map(({ id }) => id), one.kept]).to.deep.equal([[LATE], {}]);
  });

  it('takes it back everywhere when its decision can not be written', async () => {
    const one = new OneServer();
    one.disk.full.add('decide');
    expect((await thrownBy(create(one))).code).to.equal('STORAGE_FULL');
    expect([kinds(one).slice(2), one.kept]).to.deep.equal([['abort two', 'abort three'], {}]);
    expect(one.asked[2]?.[1]).to.deep.include({ kind: 'abort', repository: 'ada/shop' });
  });

  it('names all servers in it, sorted, where they have histories together, and waits until each is known', async () => {
    const one = new OneServer(willing, { servers: () => ['two', 'one', 'three'] });
    await create(one);
    expect(one.disk.log[0]?.servers).to.deep.equal(['one', 'three', 'two']);
    const early = new OneServer(willing, { servers: () => null });
    const error = await thrownBy(create(early));
    expect([error.code, error.details, early.asked]).to.deep.equal(['IO_ERROR', { quorum: 2, servers: 3 }, []]);
  });

  it('does not do without the server that has the decision log', async () => {
    for (const [needed, isRefused] of [
      ['two', true],
      ['three', false],
      ['one', false],
    ] as const) {
      const one = new OneServer(voting({ two: 'reserved' }), { needed: () => needed });
      const outcome = await create(one).catch((error: KvError) => error.code);
      expect(outcome === 'CAS_CONFLICT', needed).to.equal(isRefused);
    }
    const away = new OneServer((message, peer) => (peer === 'two' ? { kind: 'done' } : willing(message)), {
      needed: () => 'two',
    });
    const error = await thrownBy(create(away));
    expect([error.code, error.details]).to.deep.equal(['IO_ERROR', { quorum: 2, votes: 2, servers: 3 }]);
    expect(error.message).to.contain('server two does not answer');
  });
});
