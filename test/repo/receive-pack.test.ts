import { expect } from 'chai';
import { nodeHasher } from '../../adapters/hasher-node/open.js';
import { nodeZlib } from '../../apps/node-zlib.js';
import { concat, utf8 } from '../../domain/git/bytes.js';
import { editDelta } from '../../domain/git/pack/delta.js';
import { receivePack } from '../../domain/repo/serve/push/receive-pack.js';
import { uploadPack } from '../../domain/repo/serve/fetch/upload-pack.js';
import { KvError } from '../../ports/error.js';
import { encodePkt, FLUSH_PKT } from '../../ports/grammar/git-words/pkt-line.js';
import type { NewObject } from '../../ports/git/git-store.js';
import { commitOf, NAMER, packOf, pushOf, treeOf } from '../support/formats/packs.js';
import { ANNA, type TestRepository, testRepository } from './support.js';

const MAIN = 'refs/heads/main';
const blob = (text: string): NewObject => NAMER.object('blob', utf8(text));
const file = (name: string, { oid }: NewObject, mode = '100644') => ({ mode, name, oid });

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

function server(options: Parameters<typeof testRepository>[1] = {}) {
  const made = testRepository('sha1', options);
  const limits = { maxObjects: 1000, maxRefs: 10 };
  const parts = { store: made.store, hasher: nodeHasher(), zlib: nodeZlib, agent: 'test/1', repository: made.repo, limits };
  const push = async (bytes: Uint8Array): Promise<string> => Buffer.from(await receivePack(parts, inPieces(bytes))).toString();
  const ask = async (...lines: (string | null)[]): Promise<string> => {
    const request = concat(lines.map((line) => (line === null ? FLUSH_PKT : encodePkt(line))));
    const pieces: Uint8Array[] = [];
    for await (const piece of uploadPack(parts, 0, request)) pieces.push(piece);
    return Buffer.from(concat(pieces)).toString('latin1');
  };
  return { ...made, push, ask };
}

/** What a repository holds, to see that a refused push has left nothing. */
const heldBy = async ({ store }: TestRepository) => [store.allowance.used, [...(await store.refs(['refs/']))], store.counts()];

describe('receive-pack in memory', () => {
  const readme = blob('hello\n');
  const tree = treeOf([file('a', readme)]);
  const first = commitOf(tree.oid);
  const founding = [first, tree, readme];

  it('takes a push, a thin one on top of it, and gives no memory away', async () => {
    const s = server();
    const events: string[] = [];
    s.repo.watch(({ ref, reason }) => events.push(`${reason} ${ref}`));
    expect(await s.push(pushOf([[MAIN, null, first.oid]], packOf(founding))))
      .to.include('unpack ok')
      .and.include(`ok ${MAIN}`);
    const more = blob('hello\nworld\n'.repeat(20));
    await s.push(pushOf([['refs/tags/t', null, more.oid]], packOf([more])));
    const most = blob(`${'hello\nworld\n'.repeat(20)}!`);
    const next = treeOf([file('a', most)]);
    const second = commitOf(next.oid, [first.oid]);
    const delta = editDelta(more.body, most.body) ?? utf8('');
    const thin = packOf([second, next, { base: more.oid, delta }]);
    expect(await s.push(pushOf([[MAIN, first.oid, second.oid]], thin))).to.include(`ok ${MAIN}`);
    expect(Buffer.from((await s.repo.readFile('a')).content).toString()).to.have.length(241);
    expect(events).to.deep.equal([`push ${MAIN}`, 'push refs/tags/t', `push ${MAIN}`]);
    const { objects } = s.store.counts();
    expect(objects).to.equal(7);
    await s.store.close();
    expect(s.store.allowance.used).to.equal(0);
  });

  it('refuses what is damaged, missing or against the rules, and nothing of it is left', async () => {
    const s = server({ room: 1_000_000 });
    await s.push(pushOf([[MAIN, null, first.oid]], packOf(founding)));
    const before = await heldBy(s);
    const other = blob('other\n');
    const withOther = treeOf([file('a', other)]);
    const dotGit = treeOf([file('.git', readme)]);
    const wrong = treeOf([file('a', tree)]);
    const push = (next: NewObject, ...objects: NewObject[]) => pushOf([[MAIN, first.oid, next.oid]], packOf([next, ...objects]));
    const on = (oid: string) => commitOf(oid, [first.oid]);
    const lacking = treeOf([file('a', readme), file('b', other)]);
    const more = blob('more\n');
    const changed = treeOf([file('a', more), file('b', other)]);
    const founded = commitOf(lacking.oid);
    const change = commitOf(changed.oid, [founded.oid]);
    const revert = commitOf(lacking.oid, [change.oid]);
    const table: [string, Uint8Array, RegExp][] = [
      ['no pack', pushOf([[MAIN, first.oid, on(tree.oid).oid]]), /unpack .*the pack/],
      [
        'a broken pack',
        pushOf([[MAIN, first.oid, on(tree.oid).oid]], packOf([on(tree.oid)]).subarray(0, -3)),
        /unpack .*checksum/,
      ],
      ['a bomb', pushOf([[MAIN, first.oid, other.oid]], packOf([{ ...other, says: 2 ** 33 }])), /unpack no room in memory/],
      ['a missing tree', push(on(withOther.oid)), /ng .*missing necessary objects/],
      ['a missing file', push(on(withOther.oid), withOther), /ng .*missing necessary objects/],
      [
        'a file that a change and its revert lack',
        push(revert, change, founded, lacking, changed, more),
        /ng .*missing necessary/,
      ],
      ['a missing parent', push(commitOf(tree.oid, [other.oid])), /ng .*missing necessary objects/],
      ['a tree for a file', push(on(wrong.oid), wrong), /ng .*missing necessary objects: there is no blob/],
      ['a file for a parent', push(commitOf(tree.oid, [readme.oid])), /ng .*there is no commit/],
      ['a file for a tree', push(on(readme.oid)), /ng .*there is no tree/],
      ['a name that git keeps', push(on(dotGit.oid), dotGit), /unpack .*hasDotgit/],
      ['a tip that is not there', pushOf([[MAIN, first.oid, other.oid]], packOf([readme])), /ng .*missing necessary objects/],
      ['a file for a branch', push(other), /ng .*a branch leads to a commit/],
      ['a branch elsewhere', pushOf([[MAIN, null, on(tree.oid).oid]], packOf([on(tree.oid)])), /ng .*fetch first/],
      ['the end of the current branch', pushOf([[MAIN, first.oid, null]]), /ng .*deletion of the current branch/],
      ['a ref that is none', pushOf([['refs/heads/a..b', null, first.oid]], packOf([])), /ng .*funny refname/],
      ['a ref outside', pushOf([['refs/x', null, first.oid]], packOf([])), /ng .*funny refname/],
      ['a ref below another', pushOf([[`${MAIN}/x`, null, first.oid]], packOf([])), /ng .*exists/],
      ['a list that is none', utf8('0009helloPACK'), /ERR malformed push/],
      ['a list that is cut short', utf8('00ff'), /ERR malformed push/],
      ['too many objects', pushOf([[MAIN, first.oid, other.oid]], packOf([], { count: 1001 })), /unpack .*1001 objects/],
      [
        'too many refs',
        pushOf(Array.from({ length: 11 }, (_, i) => [`refs/heads/${i}`, null, first.oid])),
        /ERR .*more than 10 refs/,
      ],
    ];
    for (const [what, bytes, report] of table) {
      expect(await s.push(bytes), what)
        .to.match(report)
        .and.not.match(/^....ok /m);
      expect(await heldBy(s), what).to.deep.equal(before);
    }
  });

  it('has no room for what is larger than the repository may be, and reads it to its end', async () => {
    const s = server({ room: 150_000 });
    const large = blob(
      Array.from({ length: 120_000 }, (_, i) => String.fromCharCode(33 + (((i * 2_654_435_761) >>> 22) % 89))).join(''),
    );
    const report = await s.push(pushOf([['refs/tags/x', null, large.oid]], packOf([large])));
    expect(report)
      .to.match(/unpack no room in memory/)
      .and.match(/ng refs\/tags\/x unpacker error/);
    expect(s.store.allowance.used).to.equal(0);
  });

  it('moves all refs of an atomic push or none, and what it can of another', async () => {
    const s = server();
    await s.push(pushOf([[MAIN, null, first.oid]], packOf(founding)));
    const commands = [
      ['refs/heads/new', null, first.oid],
      ['refs/heads/gone', first.oid, null],
    ] as const;
    const atomic = await s.push(pushOf(commands, packOf([]), 'report-status atomic'));
    expect(atomic)
      .to.match(/ng refs\/heads\/new atomic transaction failed/)
      .and.match(/ng refs\/heads\/gone the ref does not exist/);
    const each = await s.push(pushOf(commands, packOf([])));
    expect(each)
      .to.match(/ok refs\/heads\/new/)
      .and.match(/ng refs\/heads\/gone/);
    const clash = [
      ['refs/heads/x', null, first.oid],
      ['refs/heads/x/y', null, first.oid],
    ] as const;
    const clashing = await s.push(pushOf(clash, packOf([])));
    expect(clashing)
      .to.match(/ok refs\/heads\/x\n/)
      .and.match(/ng refs\/heads\/x\/y/);
    expect([...(await s.store.refs(['refs/heads/'])).keys()]).to.deep.equal([MAIN, 'refs/heads/new', 'refs/heads/x']);
  });

  it('shows each new commit of a branch to the checks before a commit', async () => {
    const seen: string[] = [];
    const s = server({
      beforeCommit: [
        async ({ ref, changes, parents }) => {
          seen.push(`${ref} ${parents.length} ${changes.map(({ path }) => path).join()}`);
          if (changes.some(({ path }) => path === 'secret')) throw new KvError('POLICY_VIOLATION', 'no secrets');
        },
      ],
    });
    const second = treeOf([file('a', readme), file('secret', readme)]);
    const commit = commitOf(second.oid, [first.oid]);
    const report = await s.push(pushOf([[MAIN, null, commit.oid]], packOf([...founding, second, commit])));
    expect(report).to.match(/ng refs\/heads\/main no secrets/);
    expect(seen).to.deep.equal([`${MAIN} 0 a`, `${MAIN} 1 secret`]);
    expect(await s.push(pushOf([[MAIN, null, first.oid]], packOf(founding)))).to.include(`ok ${MAIN}`);
  });

  it('takes no part of a push where another commit came between', async () => {
    const s = server();
    await s.push(pushOf([[MAIN, null, first.oid]], packOf(founding)));
    await s.repo.commitChanges('main', { put: [{ path: 'b', content: utf8('b') }] }, { message: 'between', author: ANNA });
    const late = commitOf(tree.oid, [first.oid]);
    expect(await s.push(pushOf([[MAIN, first.oid, late.oid]], packOf([late])))).to.match(/ng .*fetch first/);
  });

  it('answers a fetch that asks for what is not here, or in words that are none', async () => {
    const s = server();
    await s.push(pushOf([[MAIN, null, first.oid]], packOf(founding)));
    expect(await s.ask(`want ${blob('x').oid} side-band-64k\n`, null, 'done\n')).to.match(/ERR upload-pack: not our ref/);
    expect(await s.ask('want x\n', null, 'done\n')).to.match(/ERR malformed request: an id that is none/);
    expect(await s.ask(`want ${first.oid}\n`, 'deepen x\n', null, 'done\n')).to.match(/ERR malformed request/);
    expect(await s.ask(`want ${first.oid} side-band-64k\n`, null, 'done\n')).to.match(/NAK\n[\s\S]*PACK/);
    expect(await s.ask(null)).to.equal('');
  });
});
