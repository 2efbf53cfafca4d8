import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openNodegitStore } from '../../adapters/nodegit/open.js';
import { KvError } from '../../ports/error.js';
import type { GitStore, NewObject } from '../../ports/git/git-store.js';
import { blob, commit, files, tag, tree } from '../contracts/git-objects.js';
import { Sandbox } from '../support/worlds/sandbox.js';
import { needsNodegit } from '../support/needs/with-nodegit.js';

/** What a promise is rejected with, when it is a KvError. */
async function refusal(promise: Promise<unknown>): Promise<KvError> {
  const error = await promise.then(() => null).catch((thrown: unknown) => thrown);
  if (!KvError.is(error)) throw new Error(`expected a KvError, got ${String(error)}`);
  return error;
}

describe('nodegit and git agree', () => {
  let sandbox: Sandbox;
  let directory: string;
  let store: GitStore;
  before(function () {
    needsNodegit(this);
  });
  beforeEach(async () => {
    sandbox = new Sandbox();
    directory = sandbox.bare('r.git');
    store = await openNodegitStore({ directory, env: sandbox.env });
  });
  afterEach(async () => {
    await store.close();
    sandbox.remove();
  });

  const everything = (): NewObject[] => {
    const { root, objects } = files('sha1', { a: 'one', 'b/c': 'two '.repeat(5000) });
    const made = commit('sha1', { tree: root, time: 1_700_000_000 });
    return [...objects, made, tag('sha1', made.oid, 'v1')];
  };
  /** A commit that a ref may point to. */
  const written = async (text: string): Promise<string> => {
    const { root, objects } = files('sha1', { a: text });
    const made = commit('sha1', { tree: root, time: 1_700_000_000 });
    await store.write([...objects, made]);
    return made.oid;
  };

  it('on files of single objects', async () => {
    const objects = everything();
    await store.write(objects.slice(0, 4));
    await store.write(objects.slice(4));
    expect(existsSync(join(directory, 'objects/pack')) ? readdirSync(join(directory, 'objects/pack')) : []).to.deep.equal([]);
    sandbox.git(directory, 'fsck', '--strict');
    for (const { oid, type, body } of objects) {
      expect(sandbox.run('git', ['-C', directory, 'cat-file', type, oid]).equals(Buffer.from(body))).to.equal(true);
    }
  });

  it('on packs, however a body is coded, and on the sizes of deltas that git makes of them', async () => {
    const text = Array.from({ length: 2000 }, (_, i) => `line ${i}`).join('\n');
    const bodies = [
      ...[0, 1, 15, 16, 255, 256, 2047, 2048, 65_535, 65_536, 300_000].flatMap((size) => [
        randomBytes(size),
        Buffer.alloc(size, 'ab'),
      ]),
      ...Array.from({ length: 20 }, (_, i) => Buffer.from(text.replace(`line ${i * 90}\n`, `another ${i}\n`))),
    ];
    const objects = [...bodies.map((body) => blob('sha1', body)), ...everything()];
    await store.write(objects);
    sandbox.git(directory, 'fsck', '--strict', '--full');
    const oids = objects.map(({ oid }) => oid);
    const sizes = objects.map(({ body }) => body.length);
    const same = async (): Promise<void> => {
      expect((await store.headers(oids)).map((head) => head?.size)).to.deep.equal(sizes);
      const read = await store.read(oids);
      expect(
        read.every((each, i) => Buffer.compare(each?.body ?? Buffer.alloc(0), objects[i]?.body ?? Buffer.alloc(1)) === 0),
      ).to.equal(true);
    };
    await same();
    const made = tree(
      'sha1',
      objects.flatMap(({ oid, type }, i) => (type === 'blob' ? [{ name: `n${i}`, oid }] : [])),
    );
    const top = commit('sha1', { tree: made.oid, time: 1_700_000_000 });
    await store.write([made, top]);
    await store.updateRefs([{ ref: 'refs/heads/main', old: null, next: top.oid }], 'keep');
    for (const base of ['true', 'false']) {
      sandbox.git(directory, '-c', `repack.useDeltaBaseOffset=${base}`, 'repack', '-adfqk', '--depth=30', '--window=30');
      expect(sandbox.git(directory, 'verify-pack', '-sv', packIn(directory))).to.match(/chain length = 2/);
      await same();
    }
  });

  it('on objects and refs that another process wrote, before and after it packs them', async () => {
    expect(await store.read([blob('sha1', 'later').oid])).to.deep.equal([null]);
    const oid = sandbox.run('git', ['-C', directory, 'hash-object', '-w', '--stdin'], 'later').toString().trim();
    expect((await store.read([oid]))[0]?.oid).to.equal(oid);
    const untouched = await written('never read before the repack');
    sandbox.git(directory, 'update-ref', 'refs/tags/l', oid);
    sandbox.git(directory, 'update-ref', 'refs/heads/u', untouched);
    sandbox.git(directory, 'symbolic-ref', 'refs/heads/s', 'refs/heads/u');
    for (let twice = 0; twice < 2; twice++) {
      sandbox.git(directory, 'repack', '-adq');
      sandbox.git(directory, 'pack-refs', '--all', '--prune');
      expect((await store.read([oid, untouched])).map((each) => each?.oid)).to.deep.equal([oid, untouched]);
      const refs = await store.refs(['refs/']);
      expect([...refs]).to.deep.equal([
        ['refs/heads/s', untouched],
        ['refs/heads/u', untouched],
        ['refs/tags/l', oid],
      ]);
      await store.write(Array.from({ length: 20 }, (_, i) => blob('sha1', `another pack ${twice} ${i}`)));
    }
  });

  it('on what lies in the repository that it borrows objects from, and so does a quarantine', async () => {
    const oid = await written('lent');
    const borrower = sandbox.bare('borrower.git');
    mkdirSync(join(borrower, 'objects/info'), { recursive: true });
    writeFileSync(join(borrower, 'objects/info/alternates'), '../../r.git/objects\n');
    const borrowing = await openNodegitStore({ directory: borrower, env: sandbox.env });
    const quarantine = await borrowing.openQuarantine(null);
    for (const side of [borrowing, quarantine]) {
      expect((await side.read([oid]))[0]?.oid).to.equal(oid);
      expect(await side.isAncestor(oid, oid)).to.equal(true);
    }
    await quarantine.close();
    await borrowing.close();
  });

  it('on a damaged object, and reads on', async () => {
    const [good, loose] = [blob('sha1', 'good'), blob('sha1', Buffer.alloc(150, 'bad'))] as const;
    const packed = Array.from({ length: 9 }, (_, i) => blob('sha1', `${i}`.repeat(300)));
    await store.write([good, loose]);
    await store.write(packed);
    damage(join(directory, 'objects', loose.oid.slice(0, 2), loose.oid.slice(2)), 60);
    damage(packIn(directory).replace('.idx', '.pack'), 40);
    expect((await refusal(store.read([good.oid, loose.oid]))).code).to.equal('GIT_ERROR');
    expect((await refusal(store.read(packed.map(({ oid }) => oid)))).code).to.equal('GIT_ERROR');
    expect((await store.read([good.oid]))[0]?.oid).to.equal(good.oid);
  });

  it('on a ref with a lock on it: nothing moves, and the lock is named', async () => {
    const tip = await written('tip');
    mkdirSync(join(directory, 'refs/kv'));
    writeFileSync(join(directory, 'refs/kv/b.lock'), '');
    const error = await refusal(
      store.updateRefs(
        ['a', 'b'].map((name) => ({ ref: `refs/kv/${name}`, old: null, next: tip })),
        'locked',
      ),
    );
    expect([error.code, error.details?.['ref']]).to.deep.equal(['CAS_CONFLICT', 'refs/kv/b']);
    expect(error.hint).to.include('refs/kv/b.lock');
    expect(readdirSync(join(directory, 'refs/kv'))).to.deep.equal(['b.lock']);
    rmSync(join(directory, 'refs/kv/b.lock'));
    await store.updateRefs([{ ref: 'refs/kv/b', old: null, next: tip }], 'free');
  });

  it('on refs of which one would not move: the others are where they were', async () => {
    const [one, two] = [await written('one'), await written('two')];
    const refs = ['a', 'b', 'c', 'd'].map((name) => `refs/kv/${name}`) as [string, string, string, string];
    await store.updateRefs(
      refs.slice(1).map((ref) => ({ ref, old: null, next: one })),
      'create',
    );
    sandbox.git(directory, 'tag', '-am', 'peeled in packed-refs', 't', one);
    sandbox.git(directory, 'pack-refs', '--all', '--prune');
    await store.updateRefs([{ ref: refs[3], old: one, next: two }], 'a file beside the packed one');
    const before = sandbox.git(directory, 'for-each-ref');
    const updates = [
      { ref: refs[0], old: null, next: two },
      { ref: refs[1], old: one, next: two },
      { ref: refs[2], old: one, next: null },
      { ref: refs[3], old: two, next: null },
    ];
    // Whoever deletes a ref needs that lock.
    writeFileSync(join(directory, 'packed-refs.lock'), '');
    const error = await refusal(store.updateRefs(updates, 'half'));
    expect(error.code).to.equal('CAS_CONFLICT');
    expect(error.hint).to.include('packed-refs.lock');
    expect(sandbox.git(directory, 'for-each-ref')).to.equal(before);
    rmSync(join(directory, 'packed-refs.lock'));
    // And this is met when others have moved: a folder with a file in it where the ref's log would be.
    sandbox.git(directory, 'config', 'core.logAllRefUpdates', 'always');
    mkdirSync(join(directory, 'logs/refs/kv/e/below'), { recursive: true });
    writeFileSync(join(directory, 'logs/refs/kv/e/below/file'), '');
    await store.close();
    store = await openNodegitStore({ directory, env: sandbox.env });
    const inTheWay = [...updates, { ref: 'refs/kv/e', old: null, next: two }];
    expect((await refusal(store.updateRefs(inTheWay, 'half'))).code).to.equal('GIT_ERROR');
    expect(sandbox.git(directory, 'for-each-ref')).to.equal(before);
    expect(existsSync(join(directory, 'packed-refs.lock'))).to.equal(false);
    await store.updateRefs(updates, 'whole');
    expect([...(await store.refs(['refs/kv/']))]).to.deep.equal(refs.slice(0, 2).map((ref) => [ref, two]));
    const names = sandbox.git(directory, 'for-each-ref', '--format=%(refname) %(*objecttype)').split('\n');
    expect(names.map((name) => name.trim())).to.deep.equal([...refs.slice(0, 2), 'refs/tags/t commit']);
  });

  it('on no ref below another, packed or not', async () => {
    const tip = await written('tip');
    await store.updateRefs([{ ref: 'refs/kv/x/y', old: null, next: tip }], 'create');
    const create = (...refs: readonly string[]) =>
      store.updateRefs(
        refs.map((ref) => ({ ref, old: null, next: tip })),
        'create',
      );
    for (let packed = 0; packed < 2; packed++) {
      for (const refs of [['refs/kv/x'], ['refs/kv/x/y/z'], ['refs/n', 'refs/n/m']]) {
        expect((await refusal(create(...refs))).code, refs.join(' ')).to.equal('GIT_ERROR');
      }
      sandbox.git(directory, 'pack-refs', '--all', '--prune');
    }
    const move = [
      { ref: 'refs/kv/x/y', old: tip, next: null },
      { ref: 'refs/kv/z', old: null, next: tip },
    ];
    await store.updateRefs(move, 'another name');
    expect([...(await store.refs(['refs/'])).keys()]).to.deep.equal(['refs/kv/z']);
  });

  it('and a log of refs that a work tree keeps says why', async () => {
    sandbox.run('git', ['init', '-q', sandbox.path('w')]);
    const clone = await openNodegitStore({ directory: sandbox.path('w'), env: sandbox.env });
    const { root, objects } = files('sha1', { a: '1' });
    const made = commit('sha1', { tree: root, time: 1_700_000_000 });
    await clone.write([...objects, made]);
    await clone.updateRefs([{ ref: 'refs/heads/x', old: null, next: made.oid }], 'because of\nthis');
    await clone.close();
    expect(sandbox.git(sandbox.path('w'), 'log', '-g', '--format=%gs', 'refs/heads/x')).to.equal('because of this');
  });
});

/** The index of the one pack that a repository has. */
function packIn(directory: string): string {
  const names = readdirSync(join(directory, 'objects/pack')).filter((name) => name.endsWith('.idx'));
  expect(names).to.have.length(1);
  return join(directory, 'objects/pack', names[0] as string);
}

function damage(file: string, at: number): void {
  const content = readFileSync(file);
  for (let i = 0; i < 20; i++) content[at + i] = 0xff;
  chmodSync(file, 0o644);
  writeFileSync(file, content);
}
