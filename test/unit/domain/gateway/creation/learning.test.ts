import { expect } from 'chai';
import type { Creation, CreationAnswer, CreationMessage } from '../../../../../domain/gateway/creation/records.js';
import { KvError } from '../../../../../ports/error.js';
import { thrownBy } from '../../../../contracts/mirror-target.js';
import { creation, EARLY, OneServer, willing } from './one-server.js';

/** Creations of the names a/0, a/1 and so on. */
const some = (count: number, change: Partial<Creation> = {}): Creation[] =>
  Array.from({ length: count }, (_, at) => creation({ id: EARLY.replace('-1', `-${at}`), repository: `a/${at}`, ...change }));

/** Answers `two` gives of its log, so many at a time; `three` has none. */
const telling =
  (log: () => readonly Creation[], page = 2) =>
  (message: CreationMessage, peer: string): CreationAnswer => {
    if (message.kind !== 'since' || peer !== 'two') return willing(message);
    return { kind: 'created', creations: log().slice(message.after, message.after + page), last: log().length };
  };
const sinces = ({ asked }: OneServer): number[] =>
  asked.flatMap(([peer, message]) => (message.kind === 'since' && peer === 'two' ? [message.after] : []));

describe('a server that was away', () => {
  it('asks for what it has not heard of, page by page, and remembers how far it came', async () => {
    const log = some(4);
    const one = new OneServer(telling(() => log));
    await one.server.tick();
    expect([sinces(one), one.disk.made.length]).to.deep.equal([[0, 2], 4]);
    expect(one.told).to.deep.equal([0, 1, 2, 3].map((at) => `learned a/${at} from two`));
    log.push(creation({ id: EARLY.replace('-1', '-5'), repository: 'a/5' }));
    await one.server.tick();
    await one.server.tick();
    expect([sinces(one), one.disk.made.length]).to.deep.equal([[0, 2, 4, 5], 5]);
  });

  it('asks from the beginning a server that has less than it had, and ends with a page of nothing', async () => {
    let log = some(3);
    const one = new OneServer(telling(() => log));
    await one.server.tick();
    log = some(1, { id: EARLY.replace('-1', '-7'), repository: 'b/new' });
    await one.server.tick();
    expect([sinces(one), one.disk.made.length]).to.deep.equal([[0, 2, 3, 0], 4]);
    log = [];
    await one.server.tick();
    await one.server.tick();
    expect(sinces(one)).to.deep.equal([0, 2, 3, 0, 1, 0]);
    one.answers = (message) => (message.kind === 'since' ? { kind: 'created', creations: [], last: 9 } : willing(message));
    await one.server.tick();
    one.answers = () => ({ kind: 'done' });
    await one.server.tick();
    expect(sinces(one)).to.deep.equal([0, 2, 3, 0, 1, 0, 0, 0]);
    expect(one.told.filter((line) => line.startsWith('failed'))).to.deep.equal([]);
  });

  it('learns from one server what another does not tell, and says whom it could not ask', async () => {
    const one = new OneServer((message, peer) => {
      if (peer === 'three') throw new KvError('IO_ERROR', 'away');
      return telling(() => some(1))(message, peer);
    });
    await one.server.tick();
    expect(one.told).to.deep.equal(['failed ask three what it has created', 'learned a/0 from two']);
  });

  it('is to fetch the history of what others have together, unless it knows with what that began', async () => {
    const servers = ['one', 'three', 'two'];
    const log = [...some(2, { servers }), creation({ id: EARLY.replace('-1', '-9'), repository: 'a/alone' })];
    const one = new OneServer(telling(() => log));
    await one.vote(log[0] as Creation);
    await one.server.tick();
    expect(one.disk.made).to.deep.equal([
      ['a/0', false],
      ['a/1', true],
      ['a/alone', false],
    ]);
    // What it could not make at once it still has to fetch later, over a start too.
    const later = new OneServer(telling(() => some(1, { servers })));
    later.disk.full.add('make');
    await later.server.tick();
    expect(later.told).to.deep.equal(['failed ask two what it has created', 'failed settle a/0']);
    await later.server.tick(); // told again
    later.answers = willing; // and whoever told of it is gone
    await later.restart().catch(() => undefined);
    await later.server.tick();
    later.disk.full.clear();
    await later.server.tick();
    expect(later.disk.made).to.deep.equal([['a/0', true]]);
  });

  it('makes nothing that was removed since, and leaves alone what stands there under the name', async () => {
    const one = new OneServer(telling(() => [creation({ repository: 'b/gone', repositoryId: 'cd'.repeat(16) }), ...some(2)], 9));
    one.removed.add('cd'.repeat(16));
    for (const name of ['a/1', 'a/0']) one.disk.repositories.set(name, 'of its own');
    await one.server.tick();
    expect([one.disk.made, one.server.parted]).to.deep.equal([[], ['a/0', 'a/1']]);
    // Two servers tell of the same ones, the last one first.
    const again = new OneServer((message) =>
      message.kind === 'since'
        ? { kind: 'created', creations: some(2).reverse().slice(message.after), last: 2 }
        : willing(message),
    );
    for (const name of ['a/1', 'a/0']) again.disk.repositories.set(name, 'of its own');
    await again.server.tick();
    expect(again.told.sort(), 'each is told once').to.deep.equal(['diverged a/0 from two', 'diverged a/1 from two']);
    expect(again.server.parted).to.deep.equal(['a/0', 'a/1']);
  });
});

describe('a server that keeps a name for a creation', () => {
  it('asks whoever decides it, and does what that one says', async () => {
    for (const [answer, kept, made] of [
      [{ kind: 'outcome', outcome: 'pending' }, 1, 0],
      [{ kind: 'done' }, 1, 0],
      [{ kind: 'outcome', outcome: 'decided' }, 0, 1],
      [{ kind: 'outcome', outcome: 'aborted' }, 0, 0],
    ] as const) {
      const one = new OneServer((message) => (message.kind === 'outcome' ? answer : willing(message)));
      await one.vote(creation());
      await one.server.tick();
      expect([one.disk.kept.size, one.disk.made.length], JSON.stringify(answer)).to.deep.equal([kept, made]);
      const asked = one.asked.filter(([, { kind }]) => kind === 'outcome');
      expect(asked).to.deep.equal([['two', { kind: 'outcome', id: EARLY, repository: 'ada/shop' }]]);
    }
  });

  it('keeps its own as long as it may still decide it, and gives it up where it has not', async () => {
    const one = new OneServer();
    const kept: unknown[] = [];
    one.answers = async (message, peer) => {
      if (message.kind === 'prepare' && peer === 'two') {
        await one.server.tick();
        kept.push(one.kept);
      }
      return willing(message);
    };
    expect((await one.server.create('ada/shop', 'p', 'sha1')).replicated).to.equal(true);
    expect(kept).to.deep.equal([{ 'ada/shop': 'prepared' }]);
    const full = new OneServer(() => ({ kind: 'done' }));
    full.disk.full.add('drop');
    expect((await thrownBy(full.server.create('ada/shop', 'p', 'sha1'))).code).to.equal('STORAGE_FULL');
    expect([full.kept, full.server.inDoubt]).to.deep.equal([{ 'ada/shop': 'prepared' }, []]);
    await full.server.tick();
    expect(full.told).to.deep.equal(['failed settle ada/shop']);
    full.disk.full.clear();
    await full.server.tick();
    expect(full.kept).to.deep.equal({});
  });
});
