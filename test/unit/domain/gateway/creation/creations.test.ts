import { expect } from 'chai';
import type { Creation } from '../../../../../domain/gateway/creation/records.js';
import { decodeCreation, encodeCreation } from '../../../../../domain/gateway/creation/wire.js';
import { checkMembers } from '../../../../../domain/gateway/replicate/quorum.js';
import { KvError } from '../../../../../ports/error.js';
import { thrownBy } from '../../../../contracts/mirror-target.js';
import { MemoryCreationServers, MemoryCreationStore, seeded } from '../../../../support/memory/creations.js';

/** What every server has, by name. */
const everywhere = ({ names, stores }: MemoryCreationServers) =>
  names.map((name) => [...(stores.get(name)?.repositories.keys() ?? [])]);

const started = async (count: number): Promise<MemoryCreationServers> => {
  const servers = new MemoryCreationServers(Array.from({ length: count }, (_, at) => `s${at + 1}`));
  await servers.startAll();
  return servers;
};

describe('creating a repository on several servers', () => {
  it('makes it on all of them, the same one, and says how many have it', async () => {
    for (const [count, peersConfirmed] of [
      [1, 0],
      [2, 1],
      [3, 2],
    ] as const) {
      const servers = await started(count);
      const created = await servers.at('s1').create('ada/shop', 'p', 'sha1');
      expect(created).to.deep.equal({ repository: 'ada/shop', peersConfirmed, replicated: true });
      expect(new Set([...servers.stores.values()].map(({ repositories }) => repositories.get('ada/shop'))).size).to.equal(1);
      expect([...servers.stores.values()].map(({ kept }) => kept.size)).to.deep.equal(Array(count).fill(0));
    }
  });

  it('takes servers by any name that a cluster takes', async () => {
    const names = ['server_1', 'Server.2', 'x'.repeat(63)];
    expect(() => checkMembers(names)).not.to.throw();
    const [coordinator = ''] = names;
    const creation: Creation = {
      ...{ id: `${'0'.repeat(26)}-1`, repository: 'ada/shop', repositoryId: 'ab'.repeat(16), objectFormat: 'sha1', policy: 'p' },
      ...{ coordinator, servers: names },
    };
    expect(decodeCreation(encodeCreation(creation))).to.deep.equal(creation);
    for (const odd of ['', '-a', 'a b', 'a/b', 'x'.repeat(64)])
      expect(() => decodeCreation(encodeCreation({ ...creation, coordinator: odd })), odd).to.throw(KvError);
  });

  it('needs a majority: with less, nothing is left of it, and it says how many there were', async () => {
    const servers = await started(3);
    for (const name of ['s2', 's3']) servers.crash(name);
    const error = await thrownBy(servers.at('s1').create('ada/shop', 'p', 'sha1'));
    expect([error.code, error.details]).to.deep.equal(['IO_ERROR', { quorum: 2, votes: 1, servers: 3 }]);
    expect([everywhere(servers), servers.store('s1').kept.size]).to.deep.equal([[[], [], []], 0]);
    await servers.start('s2');
    expect((await servers.at('s1').create('ada/shop', 'p', 'sha1')).peersConfirmed).to.equal(1);
  });

  it('refuses a name that is taken anywhere, also in other letters, and what a server can not make', async () => {
    const servers = await started(2);
    await servers.at('s1').create('ada/shop', 'p', 'sha1');
    for (const [server, name] of [
      ['s2', 'ada/shop'],
      ['s1', 'Ada/Shop'],
    ] as const)
      expect((await thrownBy(servers.at(server).create(name, 'p', 'sha1'))).code).to.equal('CAS_CONFLICT');
    servers.store('s2').repositories.set('bob/old', 'of its own');
    expect((await thrownBy(servers.at('s1').create('bob/old', 'p', 'sha1'))).code).to.equal('CAS_CONFLICT');
    expect((await thrownBy(servers.at('s1').create('bob/new', 'bad', 'sha1'))).code).to.equal('CONFIG_INVALID');
    expect([...servers.stores.values()].map(({ kept }) => kept.size)).to.deep.equal([0, 0]);
  });

  it('that begins on two servers at the same moment succeeds on one of them', async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const random = seeded(seed * 7919);
      const servers = new MemoryCreationServers(['s1', 's2', 's3'].slice(0, 2 + (seed % 2)), random);
      await servers.startAll();
      servers.weather = () => ({ arrives: true, answered: true, turns: Math.floor(random() * 4) });
      const outcomes = await Promise.allSettled(['s1', 's2'].map((name) => servers.at(name).create('ada/shop', 'p', 'sha1')));
      const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as KvError] : []));
      expect(
        refused.map(({ code }) => code),
        `seed ${seed}`,
      ).to.deep.equal(['CAS_CONFLICT']);
      await servers.settle();
      expect(everywhere(servers), `seed ${seed}`).to.deep.equal(servers.names.map(() => ['ada/shop']));
    }
  });

  it('that begins on two servers at the same moment succeeds on the one that began first, where both have time to hear of it', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const servers = new MemoryCreationServers(['s1', 's2'], seeded(seed * 7919));
      await servers.startAll();
      servers.weather = () => ({ arrives: true, answered: true, turns: 2 });
      const [first, second] = await Promise.allSettled(
        ['s1', 's2'].map((name) => servers.at(name).create('ada/shop', 'p', 'sha1')),
      );
      expect([first?.status, second?.status], `seed ${seed}`).to.deep.equal(['fulfilled', 'rejected']);
    }
  });

  it('is told again from the beginning by a server that has begun anew', async () => {
    const servers = await started(3);
    for (const name of ['ada/one', 'ada/two']) await servers.at('s1').create(name, 'p', 'sha1');
    await servers.settle();
    servers.crash('s1');
    servers.stores.set('s1', new MemoryCreationStore());
    await servers.start('s1');
    servers.weather = (from, to) => ({ arrives: [from, to].every((name) => name !== 's3'), answered: true, turns: 0 });
    await servers.at('s1').create('ada/three', 'p', 'sha1');
    servers.weather = (from, to) => ({ arrives: [from, to].every((name) => name !== 's2'), answered: true, turns: 0 });
    await servers.at('s3').tick();
    expect([...servers.store('s3').repositories.keys()]).to.deep.equal(['ada/one', 'ada/two', 'ada/three']);
  });

  it('is told in pages, however much there is', async () => {
    const servers = await started(2);
    servers.crash('s2');
    servers.stores.set('s2', new MemoryCreationStore());
    const policy = 'p'.repeat(3 * 1024 ** 2);
    const names = Array.from({ length: 5 }, (_, at) => `ada/${at}`);
    const large = (repository: string, at: number) => ({
      ...{ id: `${'0'.repeat(26)}-${at}`, repository, policy, repositoryId: 'ab'.repeat(16), objectFormat: 'sha1' as const },
      coordinator: 's1',
    });
    servers.store('s1').log.push(...names.map(large));
    servers.crash('s1');
    await Promise.all([servers.start('s1'), servers.start('s2')]);
    const first = await servers.at('s1').answer({ kind: 'since', after: 0 });
    expect(first.kind === 'created' && [first.creations.length, first.last]).to.deep.equal([1, 5]);
    await servers.at('s2').tick();
    expect([...servers.store('s2').repositories.keys()]).to.deep.equal(names);
  });

  it('is finished by a server that dies after it has decided, and given up by one that dies before; whoever is in doubt asks', async () => {
    for (const [dies, made] of [
      ['prepare', false],
      ['commit', true],
    ] as const) {
      const servers = await started(3);
      servers.weather = (_from, to, { kind }) => {
        if (kind === dies && to === 's3') queueMicrotask(() => servers.crash('s1'));
        return {
          arrives: kind !== dies || (dies === 'prepare' && to === 's2'),
          answered: kind !== dies,
          turns: to === 's3' ? 1 : 0,
        };
      };
      await thrownBy(servers.at('s1').create('ada/shop', 'p', 'sha1'));
      expect(servers.at('s2').inDoubt, dies).to.deep.equal(['ada/shop']);
      servers.weather = () => ({ arrives: true, answered: true, turns: 0 });
      await servers.settle();
      expect(servers.at('s2').inDoubt, dies).to.deep.equal(['ada/shop']);
      await servers.start('s1');
      await servers.settle();
      expect([servers.at('s2').inDoubt, everywhere(servers)], dies).to.deep.equal([[], Array(3).fill(made ? ['ada/shop'] : [])]);
    }
  });

  it('is learned of by a server that was away, or whose disk was lost; a repository of its own is left alone, and named', async () => {
    const servers = await started(3);
    servers.crash('s3');
    await servers.at('s1').create('ada/shop', 'p', 'sha1');
    await servers.at('s2').create('bob/shop', 'p', 'sha1');
    servers.store('s3').repositories.set('bob/shop', 'of its own');
    await servers.start('s3');
    await servers.settle();
    expect([...servers.store('s3').repositories.keys()]).to.have.members(['ada/shop', 'bob/shop']);
    expect([servers.at('s3').parted, servers.store('s3').repositories.get('bob/shop')]).to.deep.equal([
      ['bob/shop'],
      'of its own',
    ]);
    servers.crash('s1');
    servers.stores.set('s1', new MemoryCreationStore());
    await servers.start('s1');
    await servers.settle();
    expect([...servers.store('s1').repositories.keys()]).to.have.members(['ada/shop', 'bob/shop']);
  });

  it('keeps its promises in bad weather: one creation a name, what was answered stays, and all come level', async () => {
    for (let seed = 1; seed <= 150; seed += 1) {
      const random = seeded(seed * 104_729);
      const servers = new MemoryCreationServers(['s1', 's2', 's3'], random);
      await servers.startAll();
      servers.weather = () => ({ arrives: random() > 0.15, answered: random() > 0.15, turns: Math.floor(random() * 5) });
      const accepted = new Set<string>();
      const work = Array.from({ length: 6 }, async (_, at) => {
        const name = `ada/${at % 3}`;
        const server = servers.servers.get(servers.names[Math.floor(random() * 3)] as string);
        for (let wait = Math.floor(random() * 10); wait > 0; wait -= 1) await new Promise((resolve) => setImmediate(resolve));
        await server?.create(name, 'p', 'sha1').then(
          () => accepted.add(name),
          (error: unknown) => expect(KvError.is(error), String(error)).to.equal(true),
        );
      });
      const victim = servers.names[Math.floor(random() * 3)] as string;
      const chaos = (async () => {
        for (let wait = Math.floor(random() * 30); wait > 0; wait -= 1) await new Promise((resolve) => setImmediate(resolve));
        servers.crash(victim);
        await servers.at(servers.names.find((name) => name !== victim) as string).tick();
        await servers.start(victim);
      })();
      await Promise.all([...work, chaos]);
      servers.weather = () => ({ arrives: true, answered: true, turns: 0 });
      await servers.settle();
      const disks = [...servers.stores.values()];
      const clue = `seed ${seed}`;
      for (const { kept, repositories } of disks) {
        expect(kept.size, clue).to.equal(0);
        expect([...repositories].sort(), clue).to.deep.equal([...(disks[0]?.repositories ?? [])].sort());
        for (const name of accepted) expect(repositories.has(name), `${clue}: ${name}`).to.equal(true);
      }
      expect(
        servers.names.flatMap((name) => servers.at(name).parted),
        clue,
      ).to.deep.equal([]);
    }
  });
});
