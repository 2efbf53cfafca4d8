import { principal } from '../../../../../domain/access/principal.js';
import { expect } from 'chai';
import type { GitMemoryStore } from '../../../../../adapters/git-memory/open.js';
import { checkNewRefs, folded, misleading } from '../../../../../domain/gateway/accept/new-refs.js';
import { sortRefs } from '../../../../../domain/gateway/accept/ref-rules.js';
import { utf8 } from '../../../../../domain/git/bytes.js';
import { encodeCommit, stamp } from '../../../../../domain/git/commit.js';
import { appendEvents } from '../../../../../domain/ledger/transaction/watchlog.js';
import { KvError } from '../../../../../ports/error.js';
import type { Oid, RefUpdate } from '../../../../../ports/vocabulary.js';
import { failure, refusal as refused } from '../../../../support/failure.js';
import { memory } from '../../../../support/memory/memory.js';

const event = (set: number) => ({
  ...{ v: 1 as const, ns: 'main', epoch: '2026Q1', oid: 'ab'.repeat(20), txn: '0'.repeat(26) },
  ...{ received: '2026-01-02T03:04:05.678Z', signer: 'ada', set, del: 0, parentEpoch: null },
});
const [OLD, NEW] = ['a'.repeat(40), 'b'.repeat(40)];
const move = (ref: string, old: Oid | null = OLD, next: Oid | null = NEW): RefUpdate => ({ ref, old, next });
const PAIR = [move('refs/kv/main'), move('refs/kv-index/main')];
const BEGUN = [move('refs/kv/main', null), move('refs/kv-index/main', null)];

describe('which refs a push may move', () => {
  let store: GitMemoryStore;
  let [first, second, aside, blob]: Oid[] = [];

  before(async () => {
    const made = memory();
    store = made.store;
    const chain = appendEvents(made.namer, null, [event(1), event(2)]);
    const other = appendEvents(made.namer, null, [event(3)]);
    const text = made.namer.object('blob', utf8('no commit'));
    await store.write([...chain, ...other, text]);
    [first, second, aside, blob] = [...chain, ...other, text].map(({ oid }) => oid);
  });

  const judge = async (commands: readonly RefUpdate[], role: 'admin' | 'writer' | 'reader' = 'writer', atomic = true) => {
    const pusher = principal('ada', role, 'reader');
    try {
      return (await sortRefs({ pusher, atomic, commands }, store)).map(({ ns }) => ns);
    } catch (error) {
      if (KvError.is(error)) return error.code;
      throw error;
    }
  };

  it('lets branches go forward to commits, and new ones begin', async () => {
    const branch = (old: Oid | null | undefined, next: Oid | null | undefined) =>
      judge([move('refs/heads/x', old ?? null, next ?? null)]);
    expect(await branch(null, first)).to.deep.equal([]);
    expect(await branch(first, second)).to.deep.equal([]);
    expect(await branch(second, first), 'back').to.equal('REF_FORBIDDEN');
    expect(await branch(first, aside), 'aside').to.equal('REF_FORBIDDEN');
    expect(await branch(null, blob), 'no commit').to.equal('REF_FORBIDDEN');
    expect(await branch(null, NEW), 'what is not there').to.equal('REF_FORBIDDEN');
  });

  it('lets a tag point to anything, once', async () => {
    expect(await judge([move('refs/tags/v1', null, blob)])).to.deep.equal([]);
    expect(await judge([move('refs/tags/v1', first, second)])).to.equal('REF_FORBIDDEN');
  });

  it('lets none begin by a name that git would take for something else, and go on or away by any', async () => {
    const names = ['HEAD', 'head', 'FETCH_HEAD', '@', '-x', '--help', 'a'.repeat(40), 'A1'.repeat(20), '0'.repeat(64)];
    for (const ref of names.flatMap((name) => [`refs/heads/${name}`, `refs/tags/${name}`])) {
      expect(await judge([move(ref, null, first)], 'admin'), ref).to.equal('REF_FORBIDDEN');
      expect(await judge([move(ref, OLD, null)], 'admin'), ref).to.deep.equal([]);
    }
    expect(await judge([move('refs/heads/HEAD', first, second)])).to.deep.equal([]);
    for (const name of ['HEADS', 'x/HEAD', 'x-y', 'x/-y', 'a'.repeat(39), 'v@', `x/${'a'.repeat(40)}`, `${'a'.repeat(39)}g`])
      expect(await judge([move(`refs/heads/${name}`, null, first)]), name).to.deep.equal([]);
  });

  it('lets none begin beside a twin in case or in the form of its letters, and no more than there may be', async () => {
    const updates = (names: readonly string[], next = first): RefUpdate[] =>
      names.map((name) => move(`refs/${name}`, null, next ?? null));
    await store.updateRefs(updates(['heads/Main', 'heads/caf\u00e9', 'heads/dir/x', 'tags/v1', 'heads/Straße']), 'test');
    const judgeNew = (most: number, ...commands: RefUpdate[]) =>
      checkNewRefs(store, commands, most).then(
        () => 'taken',
        (error: unknown) => (KvError.is(error) ? error.code : String(error)),
      );
    for (const name of [
      'heads/main',
      'heads/cafe\u0301',
      'heads/CAF\u00c9',
      'heads/DIR',
      'heads/MAIN/x',
      'tags/V1',
      'heads/STRASSE',
    ])
      expect(await judgeNew(99, ...updates([name])), name).to.equal('REF_FORBIDDEN');
    for (const name of ['tags/main', 'heads/v1', 'heads/dir/X/y', 'heads/DIR/y', 'heads/maint', 'heads/dir', 'heads/Main'])
      expect(await judgeNew(99, ...updates([name])), name).to.equal(name === 'heads/dir/X/y' ? 'REF_FORBIDDEN' : 'taken');
    expect(await judgeNew(99, ...updates(['heads/new', 'heads/NEW'])), 'twins in one push').to.equal('REF_FORBIDDEN');
    const gone = move('refs/heads/Main', first, null);
    expect(await judgeNew(99, gone, ...updates(['heads/main'])), 'in place of another').to.equal('taken');
    expect(await judgeNew(6, ...updates(['heads/new']))).to.equal('taken');
    expect(await judgeNew(6, ...updates(['heads/new', 'heads/newer']))).to.equal('POLICY_VIOLATION');
    expect(await judgeNew(5, gone, ...updates(['heads/new']))).to.equal('taken');
    expect(await judgeNew(1, move('refs/heads/Main', first, second), ...PAIR), 'nothing begins').to.equal('taken');
  });

  it('lets an admin alone delete a branch or a tag, and a reader push none', async () => {
    for (const ref of ['refs/heads/x', 'refs/tags/v1']) {
      expect(await judge([move(ref, OLD, null)], 'admin'), ref).to.deep.equal([]);
      expect(await judge([move(ref, OLD, null)], 'writer'), ref).to.equal('REF_FORBIDDEN');
      expect(await judge([move(ref, null, first)], 'admin'), ref).to.deep.equal([]);
      expect(await judge([move(ref, null, first)], 'reader'), ref).to.equal('POLICY_VIOLATION');
    }
  });

  it('asks for an atomic push where kv refs move, and only there', async () => {
    expect(await judge(PAIR)).to.deep.equal(['main']);
    expect(await judge(PAIR, 'writer', false)).to.equal('REF_FORBIDDEN');
    expect(await judge([move('refs/heads/x', null, first)], 'writer', false)).to.deep.equal([]);
  });

  it('wants ledger and index together', async () => {
    expect(await judge([move('refs/kv/main')])).to.equal('ATTESTATION_MISMATCH');
    expect(await judge([move('refs/kv-index/main')])).to.equal('ATTESTATION_MISMATCH');
    expect(await judge([move('refs/kv/main'), move('refs/kv-index/other')])).to.equal('ATTESTATION_MISMATCH');
  });

  it('wants the epoch ref moved where the namespace or an epoch begins, and nowhere else', async () => {
    const epoch = move('refs/kv-epoch/main', null);
    const archive = move('refs/kv-archive/main@2026Q1', null);
    expect(await judge([...BEGUN, epoch])).to.deep.equal(['main']);
    expect(await judge([...PAIR, epoch, archive])).to.deep.equal(['main']);
    for (const commands of [BEGUN, [...PAIR, epoch], [...PAIR, archive]]) expect(await judge(commands)).to.equal('REF_FORBIDDEN');
  });

  it('takes no ref twice, no deletion, no move of an archive, and nothing that the Stargate alone writes', async () => {
    const more = [
      [move('refs/kv/main')],
      [move('refs/kv-chunks/main@2026Q1'), move('refs/kv-chunks/main@2026Q2')],
      [move('refs/kv-chunks/main@2026Q1', OLD, null)],
      [move('refs/kv-epoch/main'), move('refs/kv-archive/main@2026Q1')],
      [move('refs/notes/commits', null, first)],
      [move('HEAD')],
      ...['kv-watchlog/main@2026Q1', 'kv-compacted/main@2026Q1', 'kv-mirror/main', 'kv-policy/current'].map((ref) => [
        move(`refs/${ref}`),
      ]),
    ];
    for (const commands of more) {
      expect(await judge([...PAIR, ...commands], 'admin'), commands[0]?.ref).to.equal('REF_FORBIDDEN');
    }
    const twice = [move('refs/heads/x', null, first), move('refs/heads/x', null, second)];
    expect(await judge(twice)).to.equal('REF_FORBIDDEN');
  });

  it('says which ref it is about, and what helps', async () => {
    const refusal = async (commands: readonly RefUpdate[], atomic = true) => {
      const request = { pusher: principal('ada', 'writer'), atomic, commands };
      const { code, advice, details } = await refused(sortRefs(request, store));
      return { code, advice: advice ?? null, details: details ?? null };
    };
    const about = (ref: string) => ({ code: 'REF_FORBIDDEN', advice: null, details: { ref } });
    expect(await refusal(PAIR, false)).to.deep.equal({ code: 'REF_FORBIDDEN', advice: { id: 'push-atomically' }, details: null });
    expect(await refusal([move('refs/kv/main')])).to.deep.equal({
      ...{ code: 'ATTESTATION_MISMATCH', advice: { id: 'push-pair', ns: 'main' }, details: null },
    });
    expect(await refusal(BEGUN)).to.deep.equal(about('refs/kv-epoch/main'));
    for (const ref of ['refs/kv-intents/main@2026Q1', 'refs/kv-watchlog/main@2026Q1', 'refs/notes/x', 'refs/heads/-x'])
      expect(await refusal([...PAIR, move(ref, null, first)])).to.deep.equal(about(ref));
    const long = `refs/heads/${'x'.repeat(300)}`;
    expect((await refusal([move(long, null, blob)])).details?.['ref']).to.equal(`${long.slice(0, 200)}…`);
    const named = await sortRefs(
      { pusher: principal('ada', 'writer'), atomic: true, commands: [...BEGUN, move('refs/kv-epoch/main', null)] },
      store,
    );
    expect(named).to.deep.equal([
      {
        ns: 'main',
        ledger: { ...BEGUN[0], epoch: '' },
        index: { ...BEGUN[1], epoch: '' },
        epoch: { ...move('refs/kv-epoch/main', null), epoch: '' },
        ...{ chunks: null, archive: null },
      },
    ]);
  });

  it('says which branches are twins, and how many there may be', async () => {
    const [own] = [memory().store];
    await own.write([emptyCommit()]);
    const { oid } = emptyCommit();
    await own.updateRefs([{ ref: 'refs/heads/Main', old: null, next: oid }], 'test');
    const twins = await failure(checkNewRefs(own, [move('refs/heads/main', null, oid)], 9), 'REF_FORBIDDEN');
    expect(twins.details).to.deep.equal({ ref: 'refs/heads/main', other: 'refs/heads/Main' });
    expect(twins.hint).to.be.a('string');
    const many = await failure(checkNewRefs(own, [move('refs/heads/x', null, oid)], 1), 'POLICY_VIOLATION');
    expect([many.details, typeof many.hint]).to.deep.equal([{ refs: 1, limit: 1 }, 'string']);
    // Other refs have rules of their own, and what is deleted is no name any more.
    await checkNewRefs(own, [move('refs/kv/Main', null, oid), move('refs/kv/main', null, oid)], 1);
    await checkNewRefs(own, [move('refs/heads/Main', oid, null), move('refs/heads/x', null, oid)], 1);
    expect(misleading('refs/kv/-x')).to.equal(null);
    for (const name of ['a'.repeat(40), 'A'.repeat(64)]) expect(misleading(`refs/heads/${name}`), name).to.be.a('string');
    for (const name of ['a'.repeat(41), `x${'a'.repeat(40)}`, `${'a'.repeat(64)}b`])
      expect(misleading(`refs/heads/${name}`), name).to.equal(null);
    expect(folded('ſ')).to.equal(folded('s'));
  });

  const emptyCommit = () => {
    const { namer } = memory();
    const ident = stamp('Ada <ada@example.org>', 0);
    const fields = { tree: namer.emptyTree(), parents: [], author: ident, committer: ident, signature: null, message: 'm\n' };
    return namer.object('commit', encodeCommit(fields, 'sha1'));
  };
});
