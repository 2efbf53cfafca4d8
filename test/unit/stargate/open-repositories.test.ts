import { expect } from 'chai';
import { OpenRepositories } from '../../../apps/stargate/root/open-repositories.js';
import { KvError } from '../../../ports/error.js';
import { thrownBy } from '../../contracts/mirror-target.js';
import { SILENT } from '../../support/silent-log.js';

/** A pool of pretended repositories, on a clock that stands still. */
function pool(most = 2) {
  const log: string[] = [];
  const owing = new Set<string>();
  let now = 0;
  let failing = '';
  const repositories = new OpenRepositories({
    ...{ most, idle: 100, now: () => now, log: SILENT },
    async open(name: string) {
      if (name === failing) throw new KvError('CONFIG_INVALID', 'no');
      log.push(`+${name}`);
      return {
        name,
        owes: () => owing.has(name),
        async close() {
          await Promise.resolve();
          log.push(`-${name}`);
        },
      };
    },
  });
  const use = async (name: string): Promise<void> => (await repositories.visit(name)).leave();
  return { repositories, log, owing, use, fail: (name: string) => (failing = name), pass: (ms: number) => (now += ms) };
}

describe('repositories that are open', () => {
  it('are opened by the first visit, once for all that come together', async () => {
    const { repositories, log } = pool();
    const visits = await Promise.all(['a', 'a', 'a'].map((name) => repositories.visit(name)));
    expect([log, new Set(visits.map(({ repository }) => repository)).size]).to.deep.equal([['+a'], 1]);
  });

  it('give their place to others, the one that was used least lately first', async () => {
    const { log, use } = pool();
    for (const name of ['a', 'b', 'a', 'c', 'b']) await use(name);
    expect(log).to.deep.equal(['+a', '+b', '-b', '+c', '-a', '+b']);
  });

  it('are never closed under a visit: where all are in use, others are told so', async () => {
    const { repositories, log, use, pass } = pool();
    const [a] = [await repositories.visit('a'), await repositories.visit('b')];
    pass(1000);
    await repositories.tidy();
    expect((await thrownBy(repositories.visit('c'))).code).to.equal('BUSY');
    a.leave();
    a.leave();
    await use('c');
    expect(log).to.deep.equal(['+a', '+b', '-a', '+c']);
    expect(await repositories.release('b')).to.equal(false);
    expect(await repositories.release('c')).to.equal(true);
  });

  it('are closed when nobody has used them for a while, unless they owe work', async () => {
    const { repositories, log, owing, use, pass } = pool();
    await use('a');
    await use('b');
    owing.add('a');
    pass(99);
    await repositories.tidy();
    expect(log).to.deep.equal(['+a', '+b']);
    pass(1);
    await repositories.tidy();
    expect(log).to.deep.equal(['+a', '+b', '-b']);
    owing.clear();
    await repositories.tidy();
    expect(log.at(-1)).to.equal('-a');
  });

  it('go last when they owe work, and are opened again in the place of one that owes none', async () => {
    const { repositories, log, owing, use } = pool();
    for (const name of ['a', 'b']) {
      owing.add(name);
      await use(name);
    }
    await use('c');
    await repositories.tidy();
    expect([log, repositories.owed]).to.deep.equal([['+a', '+b', '-a', '+c', '-c', '+a'], 0]);
    await repositories.tidy();
    expect(log).to.have.length(6);
  });

  it('that have work left at the start are opened one after the other', async () => {
    const { repositories, log, owing } = pool(1);
    for (const name of ['a', 'b']) repositories.owe(name);
    owing.add('a');
    await repositories.tidy();
    await repositories.tidy();
    expect([log, repositories.owed]).to.deep.equal([['+a'], 1]);
    owing.clear();
    await repositories.tidy();
    expect(log).to.deep.equal(['+a', '-a', '+b']);
  });

  it('that can not be opened leave no place taken, and can be tried again', async () => {
    const { repositories, log, use, fail } = pool(1);
    fail('a');
    for (const _ of [1, 2]) expect((await thrownBy(use('a'))).code).to.equal('CONFIG_INVALID');
    fail('');
    await use('a');
    expect([log, repositories.open.size]).to.deep.equal([['+a'], 1]);
  });

  it('are waited for when they are being closed, and all closed at the end', async () => {
    const { repositories, log, use } = pool(1);
    await use('a');
    await Promise.all([use('b'), use('a').catch(() => undefined)]);
    await repositories.close();
    expect(log.filter((line) => line.startsWith('+')).length).to.equal(log.filter((line) => line.startsWith('-')).length);
    expect((await thrownBy(repositories.visit('a'))).code).to.equal('BUSY');
  });
});
