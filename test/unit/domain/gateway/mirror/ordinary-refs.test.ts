import { expect } from 'chai';
import { OrdinaryRefs } from '../../../../../domain/gateway/mirror/branches/branches.js';
import { KvError } from '../../../../../ports/error.js';
import type { MirrorUpdate } from '../../../../../ports/stargate/mirror-target.js';
import { failure } from '../../../../support/failure.js';
import { FakeHost, FakeRefs, oid, retry } from './fake-host.js';

const signal = new AbortController().signal;
const namesOf = (updates: readonly MirrorUpdate[]): string => updates.map(({ ref }) => ref.replace('refs/heads/', '')).join(' ');

describe('domain: branches and tags on their way to the mirror, one round', () => {
  let host: FakeHost;
  let here: FakeRefs;
  let branches: OrdinaryRefs;
  beforeEach(() => {
    host = new FakeHost();
    here = new FakeRefs();
    branches = new OrdinaryRefs(here.store, host.target, retry());
  });

  const refuse = (name: string, error: KvError): void => {
    host.judge = (updates) => {
      if (updates.some(({ ref }) => ref.endsWith(name))) throw error;
    };
  };

  it('asks and pushes nothing where nothing waits', async () => {
    let looks = 0;
    here.look = () => void looks++;
    expect(await branches.push(signal)).to.deep.equal([]);
    expect([looks, host.pushes]).to.deep.equal([0, []]);
  });

  it('deletes first, and creates in a push of its own', async () => {
    here.refs.set('refs/heads/a/b', oid(1)).set('refs/heads/c', oid(2));
    branches.note(['refs/heads/a/b', 'refs/heads/a', 'refs/heads/c']);
    await branches.push(signal);
    expect(host.pushes).to.deep.equal([
      [{ ref: 'refs/heads/a', next: null }],
      [
        { ref: 'refs/heads/a/b', next: oid(1) },
        { ref: 'refs/heads/c', next: oid(2) },
      ],
    ]);
    expect(branches.waiting).to.equal(0);
  });

  it('sends so many in a push as a command line has room for', async () => {
    const names = Array.from({ length: 401 }, (_, n) => `refs/heads/b${n}`);
    for (const name of names) here.refs.set(name, oid(1));
    branches.note(names);
    await branches.push(signal);
    expect(host.pushes.map(({ length }) => length)).to.deep.equal([200, 200, 1]);
    expect(host.there.size).to.equal(401);
  });

  it('sends those of a refused push one by one, and names what is refused', async () => {
    for (const name of ['a', 'b', 'c']) here.refs.set(`refs/heads/${name}`, oid(1));
    branches.note([...here.refs.keys()]);
    refuse('b', new KvError('GIT_ERROR', 'protected'));
    const refused = await branches.push(signal);
    expect(host.pushes.map(namesOf)).to.deep.equal(['a b c', 'a', 'b', 'c']);
    expect(refused.map(({ error, times }) => [error.message, times])).to.deep.equal([['protected', 1]]);
    expect([...branches.refusals.keys()]).to.deep.equal(['refs/heads/b']);
  });

  it('takes a broken connection for a refusal where the host answers all the same', async () => {
    here.refs.set('refs/heads/a', oid(1)).set('refs/heads/b', oid(1));
    branches.note(['refs/heads/a', 'refs/heads/b']);
    refuse('b', new KvError('IO_ERROR', 'cut off'));
    expect((await branches.push(signal)).map(({ error }) => error.message)).to.deep.equal(['cut off']);
    expect(host.asked).to.deep.equal([['refs/heads/a'], ['refs/heads/b']]);
    expect([host.there.has('refs/heads/a'), branches.waiting]).to.deep.equal([true, 1]);
  });

  it('throws what says nothing of a ref, and keeps it waiting', async () => {
    here.refs.set('refs/heads/a', oid(1));
    branches.note(['refs/heads/a']);
    const away = new KvError('IO_ERROR', 'away');
    const cases: readonly [KvError, (() => void) | null][] = [
      [new KvError('INTERRUPTED', 'stopped'), null],
      [new KvError('IO_ERROR', 'later', { details: { retryAfterMs: 1000 } }), null],
      [
        away,
        () => {
          throw away;
        },
      ],
    ];
    for (const [error, list] of cases) {
      refuse('a', error);
      host.list = list ?? (() => undefined);
      expect(await failure(branches.push(signal), error.code)).to.equal(error);
      expect([branches.waiting, branches.refusals.size]).to.deep.equal([1, 0]);
    }
    const stopped = new AbortController();
    stopped.abort();
    host.list = () => undefined;
    refuse('a', away);
    expect(await failure(branches.push(stopped.signal), 'IO_ERROR')).to.equal(away);
    host.judge = () => {
      throw new TypeError('a mistake');
    };
    expect(await branches.push(signal).catch((error: unknown) => error)).to.be.instanceOf(TypeError);
  });

  it('waits between tries of a refused one, longer each time, and not where it has moved meanwhile', async () => {
    here.refs.set('refs/heads/a', oid(1));
    branches.note(['refs/heads/a']);
    refuse('a', new KvError('GIT_ERROR', 'protected'));
    await branches.push(signal);
    await branches.push(signal);
    expect(host.pushes.length, 'its time has not come').to.equal(1);
    branches.noteMissing(['refs/heads/a']);
    await branches.push(signal);
    expect(host.pushes.length, 'it waits already').to.equal(1);
    host.judge = () => {
      branches.note(['refs/heads/a']); // moves while it is on its way
      throw new KvError('GIT_ERROR', 'protected');
    };
    branches.note(['refs/heads/a']);
    expect((await branches.push(signal)).length).to.equal(1);
    expect(branches.refusals.size, 'that says nothing of where it is now').to.equal(0);
    host.judge = () => undefined;
    await branches.push(signal);
    expect(host.there.get('refs/heads/a')).to.equal(oid(1));
  });
});
