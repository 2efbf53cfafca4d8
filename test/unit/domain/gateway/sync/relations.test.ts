import { expect } from 'chai';
import {
  isPlainlyContained,
  namespacesOf,
  REFS_HERE,
  REFS_THERE,
  readSides,
  refsOf,
  withRelations,
} from '../../../../../domain/gateway/sync/relations.js';
import { isStaged } from '../../../../../domain/gateway/sync/stage.js';
import { KV_FAMILIES, POLICY_REF } from '../../../../../domain/ledger/refs.js';
import { KvError } from '../../../../../ports/error.js';
import { rejects } from '../../../../contracts/git-store-parts/bench.js';
import { FakeSides } from './fake-sides.js';

const KV = { 'refs/kv/main': 'm2', 'refs/kv-index/main': 'i2', 'refs/kv-chunks/main@e': 'c1' };

describe('both sides at one look', () => {
  it('are the refs that a Stargate writes, and the mirror is not listed again', async () => {
    const others = { 'refs/stargate-stage/kv/x': 'x1', 'refs/notes/n': 'n1', 'refs/kv-policy/other': 'p1' };
    const all = { ...KV, 'refs/heads/a': 'a1', 'refs/tags/v': 'v1', [POLICY_REF]: 'p1', 'refs/kv-mirror/main': 'm2' };
    const sides = new FakeSides({ ...all, ...others }, { ...all, ...others });
    const { here, there } = await readSides(sides.context);
    expect([Object.fromEntries(here), Object.fromEntries(there)]).to.deep.equal([all, all]);
    const listed = new Map([['refs/kv/main', 'm1']]);
    expect((await readSides(sides.context, undefined, listed)).there).to.equal(listed);
    expect(REFS_HERE)
      .to.have.length(KV_FAMILIES.length + 3)
      .and.include('refs/heads/');
    expect(REFS_THERE).to.include.members(['refs/heads/*', 'refs/kv/*', POLICY_REF]);
  });

  it('have the namespaces that either of them has a ledger of', () => {
    const sides = new FakeSides(
      { 'refs/kv/b': 'b1', 'refs/kv-index/c': 'c1', 'refs/heads/d': 'd1' },
      { 'refs/kv/b': 'b1', 'refs/kv/a': 'a1' },
    );
    expect(namespacesOf(sides)).to.deep.equal(['a', 'b']);
  });

  it('have of one namespace the refs of the format, but for the watermark', () => {
    const others = {
      'refs/kv/other': 'o1',
      'refs/kv-mirror/main': 'm2',
      'refs/kv-mirror/other': 'o1',
      'refs/heads/main': 'a1',
      'refs/kv-new/main': 'n1',
    };
    expect(Object.fromEntries(refsOf('main', new Map(Object.entries({ ...KV, ...others }))))).to.deep.equal(KV);
  });

  it('need no look into a namespace of which the mirror has nothing, or what the Stargate has behind it', async () => {
    for (const [here, there, isSo] of [
      ['m2', 'm2', true],
      ['m2', 'm1', true],
      ['m2', null, true],
      ['m2', 'm3', false],
      ['m2', 'n1', false],
      [null, 'm1', false],
      [null, null, true],
    ] as const) {
      const ledger = (oid: string | null) => (oid === null ? { 'refs/kv/other': 'x1' } : { 'refs/kv/main': oid });
      const sides = new FakeSides(ledger(here), ledger(there));
      expect(await isPlainlyContained(sides.context, 'main', sides), `${here} ${there}`).to.equal(isSo);
    }
  });
});

describe('what the mirror has, while it is looked at', () => {
  it("is held beside the Stargate's own refs, for the namespaces that are looked into and what is wanted besides", async () => {
    const there = { ...KV, 'refs/kv/other': 'o1', 'refs/heads/a': 'a1', 'refs/heads/b': 'b1', 'refs/kv-mirror/main': 'm2' };
    const sides = new FakeSides({ ...KV, 'refs/kv/main': 'm1', 'refs/stargate-stage/kv/left': 'l1' }, there);
    const wanted = { sides: await readSides(sides.context), namespaces: ['main'], more: ['refs/heads/a', 'refs/kv/main'] };
    const held = await withRelations(sides.context, wanted, async (relations, staged) => {
      expect([...relations.keys()]).to.deep.equal(['main']);
      expect([...sides.here.keys()].filter(isStaged).sort()).to.deep.equal([
        'refs/stargate-stage/heads/a',
        'refs/stargate-stage/kv-chunks/main@e',
        'refs/stargate-stage/kv-index/main',
        'refs/stargate-stage/kv/main',
      ]);
      return staged;
    });
    expect(Object.fromEntries(held)).to.deep.equal({ ...KV, 'refs/heads/a': 'a1' });
    expect([...sides.here.keys()].filter(isStaged)).to.deep.equal([]);
    expect(sides.fetched).to.deep.equal([[...Object.keys(KV), 'refs/heads/a']]);
    expect(sides.stage.nameOf('refs/heads/refs/a')).to.equal('refs/stargate-stage/heads/refs/a');
  });

  it('says of each namespace how it relates', async () => {
    const sides = new FakeSides(
      {
        'refs/kv/same': 's1',
        'refs/kv/behind': 'b2',
        'refs/kv/apart': 'a1',
        'refs/kv/fresh': 'f1',
        'refs/kv-archive/ended@e': 'e5',
        'refs/kv/ended': 'g1',
      },
      { 'refs/kv/same': 's1', 'refs/kv/behind': 'b1', 'refs/kv/apart': 'z1', 'refs/kv/ended': 'e3', 'refs/kv/unread': 'u1' },
    );
    const read = await readSides(sides.context);
    const kinds = await withRelations(sides.context, { sides: read, namespaces: namespacesOf(read) }, async (relations) =>
      [...relations].map(([ns, relation]) => [ns, relation.kind, relation.kind === 'apart' && relation.fault?.code]),
    );
    expect(kinds).to.deep.equal([
      ['apart', 'apart', undefined],
      ['behind', 'contained', false],
      ['ended', 'contained', false],
      ['fresh', 'contained', false],
      ['same', 'contained', false],
      ['unread', 'apart', undefined],
    ]);
  });

  it('is looked at by one after another, and cleared away whatever happens', async () => {
    const sides = new FakeSides({}, { 'refs/heads/a': 'a1', 'refs/heads/b': 'b1' });
    const order: string[] = [];
    const look = (ref: string, fails = false) =>
      sides.stage.with([ref], async (there) => {
        order.push(...there.keys(), ...[...sides.here.keys()].map((each) => `held ${each}`));
        await Promise.resolve();
        if (fails) throw new KvError('GIT_ERROR', 'no');
        order.push('done');
      });
    const [first] = await Promise.all([rejects(look('refs/heads/a', true), 'GIT_ERROR'), look('refs/heads/b')]);
    expect(first.message).to.equal('no');
    expect(order).to.deep.equal([
      ...['refs/heads/a', 'held refs/stargate-stage/heads/a'],
      ...['refs/heads/b', 'held refs/stargate-stage/heads/b', 'done'],
    ]);
    expect([sides.here.size, sides.marks.length]).to.deep.equal([0, 0]);
  });
});
