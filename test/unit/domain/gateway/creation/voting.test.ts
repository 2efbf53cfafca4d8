import { expect } from 'chai';
import { thrownBy } from '../../../../contracts/mirror-target.js';
import { creation, EARLY, LATE, OneServer } from './one-server.js';

describe('a server that is asked for its vote on a creation', () => {
  it('keeps the name for it, durably, and is in doubt until it hears what came of it', async () => {
    const one = new OneServer();
    expect(await one.vote(creation())).to.equal('yes');
    expect([one.kept, one.server.inDoubt]).to.deep.equal([{ 'ada/shop': 'prepared' }, ['ada/shop']]);
    expect(await one.vote(creation()), 'asked again').to.equal('yes');
    for (const id of [`${'0'.repeat(25)}1-1`, EARLY.replace('-1', '-2')])
      expect(await one.vote(creation({ id, repository: 'Ada/Shop' })), id).to.equal('reserved');
    expect(await one.outcome(creation())).to.equal('pending');
    expect(await one.server.answer({ kind: 'commit', creation: creation() })).to.deep.equal({ kind: 'done' });
    expect([one.kept, one.disk.made, one.server.inDoubt]).to.deep.equal([{}, [['ada/shop', false]], []]);
    expect(await one.outcome(creation())).to.equal('decided');
    expect(await one.vote(creation()), 'made here already').to.equal('yes');
    expect(await one.vote(creation({ id: LATE }))).to.equal('exists');
    await one.server.answer({ kind: 'commit', creation: creation() });
    expect([one.disk.made.length, one.disk.log.length]).to.deep.equal([1, 1]);
  });

  it('gives the name up when it is told so, and only for that creation', async () => {
    const one = new OneServer();
    await one.vote(creation());
    for (const other of [
      { id: LATE, repository: 'ada/shop' },
      { id: EARLY, repository: 'bob/shop' },
    ])
      expect(await one.server.answer({ kind: 'abort', ...other })).to.deep.equal({ kind: 'done' });
    expect(one.kept).to.deep.equal({ 'ada/shop': 'prepared' });
    expect(await one.outcome(creation({ id: LATE }))).to.equal('aborted');
    await one.server.answer({ kind: 'abort', id: EARLY, repository: 'ada/shop' });
    expect([one.kept, one.server.inDoubt, await one.outcome(creation())]).to.deep.equal([{}, [], 'aborted']);
    expect(await one.vote(creation({ id: LATE }))).to.equal('yes');
  });

  it('holds on to what is decided though it can not be made yet', async () => {
    const one = new OneServer();
    one.disk.full.add('make');
    await thrownBy(one.server.answer({ kind: 'commit', creation: creation() }));
    await one.server.answer({ kind: 'abort', id: EARLY, repository: 'ada/shop' });
    expect([one.kept, one.server.inDoubt]).to.deep.equal([{ 'ada/shop': 'decided' }, []]);
    expect([await one.vote(creation({ id: LATE })), await one.outcome(creation())]).to.deep.equal(['exists', 'decided']);
    expect(await one.outcome(creation({ id: LATE }))).to.equal('aborted');
    one.disk.full.clear();
    await one.server.tick();
    expect([one.kept, one.disk.made]).to.deep.equal([{}, [['ada/shop', false]]]);
  });

  it('takes none that it could not make, or that was begun with other servers in mind, and says so to itself', async () => {
    const one = new OneServer();
    expect(await one.vote(creation({ policy: 'bad' }))).to.equal('invalid');
    for (const servers of [2, 4]) expect(await one.vote(creation(), servers)).to.equal('invalid');
    expect(await one.vote(creation({ servers: ['two', 'three'] }))).to.equal('invalid');
    expect([one.kept, one.told]).to.deep.equal([{}, Array(4).fill('failed vote for ada/shop')]);
    expect(await one.vote(creation({ servers: ['one', 'two', 'three'] }))).to.equal('yes');
    const made = await thrownBy(one.server.answer({ kind: 'commit', creation: creation({ id: LATE, policy: 'bad' }) }));
    expect([made.code, one.kept]).to.deep.equal(['CONFIG_INVALID', { 'ada/shop': 'prepared' }]);
  });

  it('takes up what lay on its disk: makes what was decided, drops what was its own, asks about the rest', async () => {
    const one = new OneServer();
    const [mine, theirs] = [creation({ repository: 'a/mine', coordinator: 'one' }), creation({ repository: 'a/theirs' })];
    const [first, second] = [creation({ repository: 'a/first' }), creation({ id: LATE, repository: 'a/second' })];
    const made = creation({ id: EARLY.replace('-1', '-2'), repository: 'a/made' });
    for (const state of [
      { creation: mine, state: 'prepared' } as const,
      { creation: { ...theirs, id: EARLY.replace('-1', '-3') }, state: 'prepared' } as const,
      { creation: first, state: 'decided' } as const,
      { creation: second, state: 'decided', learned: true } as const,
      { creation: made, state: 'decided' } as const,
    ])
      await one.disk.reserve(state);
    one.disk.log.push(made, made);
    await one.restart();
    expect([one.kept, one.server.inDoubt]).to.deep.equal([{ 'a/theirs': 'prepared' }, ['a/theirs']]);
    expect(one.disk.made).to.deep.equal([
      ['a/first', false],
      ['a/second', true],
    ]);
    const page = await one.server.answer({ kind: 'since', after: 0 });
    const names = page.kind === 'created' ? page.creations.map(({ repository }) => repository) : [];
    expect(names).to.deep.equal(['a/made', 'a/first', 'a/second']);
  });

  it('tells of what was created a hundred at a time, and of no more policies than a page has room for', async () => {
    const one = new OneServer();
    const many = (count: number, policy: string) =>
      Array.from({ length: count }, (_, at) =>
        creation({ id: `${EARLY}${at}${policy.length % 2}`, repository: `a/${at}`, policy }),
      );
    const half = 'p'.repeat(2 * 1024 ** 2);
    one.disk.log.push(...many(3, half), ...many(101, 'p'));
    await one.restart();
    const page = async (after: number): Promise<unknown> => {
      const answer = await one.server.answer({ kind: 'since', after });
      return answer.kind === 'created' && [answer.creations.length, answer.last];
    };
    for (const [after, count] of [
      [0, 2],
      [2, 100],
      [3, 100],
      [4, 100],
      [5, 99],
      [104, 0],
    ] as const)
      expect(await page(after), String(after)).to.deep.equal([count, 104]);
  });
});
