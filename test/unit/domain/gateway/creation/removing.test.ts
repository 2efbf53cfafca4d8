import { expect } from 'chai';
import type { Removal, RemovalAnswer, RemovalMessage } from '../../../../../domain/gateway/creation/removal-wire.js';
import { Removals } from '../../../../../domain/gateway/creation/removals.js';
import { KvError } from '../../../../../ports/error.js';
import { thrownBy } from '../../../../contracts/mirror-target.js';

const removal = (at: number): Removal => ({ repository: `a/${at}`, repositoryId: String(at).padStart(32, '0') });
const many = (count: number): Removal[] => Array.from({ length: count }, (_, at) => removal(at));

/** One server of three, whose others answer what a test says. */
class OneServer {
  /** What its disk notes as removed. */
  readonly log: Removal[] = [];
  readonly repositories = new Map<string, string>();
  /** What was moved aside, and how often that was tried. */
  readonly aside: string[] = [];
  readonly asked: RemovalMessage[] = [];
  readonly failed: string[] = [];
  answers: (message: RemovalMessage, peer: string) => RemovalAnswer = () => ({ removals: [], last: 0 });
  readonly server = new Removals({
    store: {
      removed: async () => [...this.log],
      append: async (one) => void this.log.push(one),
      idOf: async (repository) => this.repositories.get(repository) ?? null,
      takeAway: async ({ repository }) => void this.aside.push(repository),
    },
    peers: {
      ...{ count: 2, known: () => ['two', 'three'] },
      ask: async (peer, message) => {
        if (peer === 'two') this.asked.push(message);
        return this.answers(message, peer);
      },
    },
    failed: (what) => this.failed.push(what),
  });

  /** From where the other one's log was asked for. */
  get sinces(): number[] {
    return this.asked.flatMap((message) => (message.kind === 'since' ? [message.after] : []));
  }
}

describe('a server that removes repositories', () => {
  let one: OneServer;
  beforeEach(() => {
    one = new OneServer();
  });

  it('says how many others know of it, and who was not to be reached', async () => {
    for (const at of [0, 1]) one.repositories.set(`a/${at}`, removal(at).repositoryId);
    one.answers = ({ kind }, peer) => {
      if (peer === 'two' || kind === 'remove') throw new KvError('IO_ERROR', 'away');
      return { removals: [], last: 0 };
    };
    expect(await one.server.remove('a/0')).to.deep.equal({ peersConfirmed: 0, replicated: false });
    expect([one.log, one.aside]).to.deep.equal([[removal(0)], ['a/0']]);
    expect(one.failed).to.deep.equal(['since at two', 'remove at two', 'remove at three']);
    expect(one.asked[1]).to.deep.equal({ kind: 'remove', removal: removal(0) });
    one.answers = () => {
      throw new KvError('IO_ERROR', 'away');
    };
    const error = await thrownBy(one.server.remove('a/1'));
    expect([error.code, error.details]).to.deep.equal(['IO_ERROR', { quorum: 2, servers: 3 }]);
    expect([one.log, one.aside]).to.deep.equal([[removal(0)], ['a/0']]);
  });

  it('notes what another has removed once, moves what stands there aside, and tells no more than it is asked', async () => {
    one.repositories.set('a/0', removal(0).repositoryId);
    one.repositories.set('a/1', removal(7).repositoryId);
    for (const _ of [1, 2])
      expect(await one.server.answer({ kind: 'remove', removal: removal(0) })).to.deep.equal({ removals: [], last: 1 });
    await one.server.answer({ kind: 'remove', removal: removal(1) });
    await one.server.tick();
    expect([one.log, one.aside]).to.deep.equal([[removal(0), removal(1)], ['a/0']]);
    expect([0, 1, 7].map((at) => one.server.has(removal(at).repositoryId))).to.deep.equal([true, true, false]);
  });

  it('knows after a start what it had noted, tells it in pages, and goes on with what still stands there', async () => {
    one.log.push(...many(501));
    one.repositories.set('a/3', removal(3).repositoryId);
    await one.server.start();
    const page = async (after: number) => {
      const { removals, last } = await one.server.answer({ kind: 'since', after });
      return [removals.length, removals[0]?.repository, last];
    };
    expect(await page(0)).to.deep.equal([500, 'a/0', 501]);
    expect(await page(500)).to.deep.equal([1, 'a/500', 501]);
    expect(await page(Number.MAX_SAFE_INTEGER)).to.deep.equal([0, undefined, 501]);
    expect(one.server.has(removal(500).repositoryId)).to.equal(true);
    await one.server.tick();
    await one.server.tick();
    expect(one.aside).to.deep.equal(['a/3']);
  });

  it('asks the others for what it has not heard of, page by page, and from the beginning where one has less than it had', async () => {
    let log = many(4);
    one.answers = (message) =>
      message.kind === 'since'
        ? { removals: log.slice(message.after, message.after + 2), last: log.length }
        : { removals: [], last: 0 };
    await one.server.tick();
    await one.server.tick();
    expect([one.sinces, one.log]).to.deep.equal([[0, 2, 4], many(4)]);
    log = [removal(9)];
    await one.server.tick();
    expect([one.sinces.slice(3), one.log.length]).to.deep.equal([[4, 0], 5]);
    log = [];
    await one.server.tick();
    await one.server.tick();
    expect(one.sinces.slice(5)).to.deep.equal([1, 0]);
    one.answers = () => ({ removals: [], last: 9 });
    await one.server.tick();
    expect([one.sinces.slice(7), one.failed]).to.deep.equal([[0], []]);
  });

  it('says whom it could not ask, but for one of an earlier version, which removes nothing', async () => {
    one.answers = (_message, peer) => {
      throw new KvError(peer === 'two' ? 'NOT_SUPPORTED' : 'IO_ERROR', 'no');
    };
    await one.server.tick();
    expect(one.failed).to.deep.equal(['ask three what it has removed']);
  });
});
