import { expect } from 'chai';
import { KvError, type MirrorTarget, type Oid } from '../../ports/index.js';

/** A Stargate's repository with a mirror. Commits a ← b ← c, and a ← x beside b. */
export interface MirrorBench {
  readonly target: MirrorTarget;
  readonly commits: Readonly<Record<'a' | 'b' | 'c' | 'x', Oid>>;
  /** A ref of the Stargate's own repository; null when there is none. */
  localRef(ref: string): Promise<Oid | null>;
  /** Moves a ref at the mirror behind the Stargate's back. */
  meddle(ref: string, oid: Oid | null): Promise<void>;
  /** Makes the mirror impossible to reach. */
  vanish(): Promise<void>;
  dispose(): Promise<void>;
}

/** The `KvError` that an attempt ends with. Throws when it ends otherwise. */
export async function thrownBy(attempt: Promise<unknown>): Promise<KvError> {
  const error = await attempt.then(
    () => new Error('nothing was thrown'),
    (thrown: unknown) => thrown,
  );
  if (KvError.is(error)) return error;
  throw error;
}

/** What every mirror target does. */
export function mirrorTargetContract(name: string, factory: () => Promise<MirrorBench>): void {
  describe(`mirror-target contract: ${name}`, function () {
    this.timeout(20_000);
    let bench: MirrorBench;
    let target: MirrorTarget;
    let { a, b, c, x } = { a: '', b: '', c: '', x: '' };

    beforeEach(async () => {
      bench = await factory();
      target = bench.target;
      ({ a, b, c, x } = bench.commits);
    });
    afterEach(async () => {
      await target.close();
      await bench.dispose();
    });

    /** Of a mirror that has refs of its own. */
    const apart = (title: string, test: () => Promise<void>): void => {
      it(title, async () => {
        if (target.capabilities.sameRepository !== true) await test();
      });
    };

    const all = async (): Promise<Record<string, Oid>> => Object.fromEntries(await target.refs(['refs/*']));

    it('has a label without credentials', () => {
      expect(target.label).to.be.a('string').and.not.equal('');
      expect(target.label).not.to.match(/:\/\/[^/]*:[^/]*@/);
    });

    apart('creates, fast-forwards, and takes what is there already', async () => {
      await target.push([]);
      await target.push([{ ref: 'refs/kv/main', next: a }]);
      await target.push([{ ref: 'refs/kv/main', next: c }]);
      await target.push([{ ref: 'refs/kv/main', next: c }]);
      expect(await all()).to.deep.equal({ 'refs/kv/main': c });
    });

    apart('refuses a move that is no fast-forward, naming the ref', async () => {
      await target.push([{ ref: 'refs/kv/main', next: b }]);
      for (const next of [a, x]) {
        const error = await thrownBy(target.push([{ ref: 'refs/kv/main', next }]));
        expect(error.code).to.equal('SYNC_REFUSED');
        expect(error.message).to.contain('refs/kv/main');
        expect(error.hint).to.be.a('string');
      }
      expect(await all()).to.deep.equal({ 'refs/kv/main': b });
    });

    apart('refuses when the mirror has moved to what the Stargate does not know', async () => {
      await target.push([{ ref: 'refs/heads/main', next: b }]);
      await bench.meddle('refs/heads/main', x);
      expect((await thrownBy(target.push([{ ref: 'refs/heads/main', next: c }]))).code).to.equal('SYNC_REFUSED');
      expect(await all()).to.deep.equal({ 'refs/heads/main': x });
    });

    apart('moves a ref anywhere when it is exactly where it is expected', async () => {
      await target.push([{ ref: 'refs/kv/main', next: b, expected: null }]);
      await target.push([{ ref: 'refs/kv/main', next: x, expected: b }]);
      expect(await all()).to.deep.equal({ 'refs/kv/main': x });
      await target.push([{ ref: 'refs/kv/main', next: null, expected: x }]);
      expect(await all()).to.deep.equal({});
    });

    apart('refuses when a ref is not where it is expected, even for a fast-forward', async () => {
      await target.push([{ ref: 'refs/kv/main', next: b }]);
      for (const [next, expected] of [
        [c, a],
        [x, a],
        [c, null],
        [null, a],
      ] as const) {
        const error = await thrownBy(target.push([{ ref: 'refs/kv/main', next, expected }]));
        expect(error.code, `${next} expecting ${expected}`).to.equal('SYNC_REFUSED');
        expect(error.message).to.contain('refs/kv/main');
      }
      expect((await thrownBy(target.push([{ ref: 'refs/kv/new', next: b, expected: a }]))).code).to.equal('SYNC_REFUSED');
      expect(await all()).to.deep.equal({ 'refs/kv/main': b });
    });

    apart('succeeds again with a push whose answer was lost', async () => {
      await target.push([
        { ref: 'refs/kv/main', next: a },
        { ref: 'refs/kv/old', next: a },
      ]);
      const updates = [
        { ref: 'refs/kv/main', next: x, expected: a },
        { ref: 'refs/kv/old', next: null, expected: a },
        { ref: 'refs/kv/new', next: b, expected: null },
        { ref: 'refs/kv/gone', next: null },
      ];
      await target.push(updates);
      await target.push(updates);
      expect(await all()).to.deep.equal({ 'refs/kv/main': x, 'refs/kv/new': b });
    });

    apart('mixes plain and expected updates in one push; all or none where it is atomic', async () => {
      await target.push([
        { ref: 'refs/kv/main', next: b },
        { ref: 'refs/kv-mirror/main', next: b },
      ]);
      await target.push([
        { ref: 'refs/kv/main', next: c },
        { ref: 'refs/kv-mirror/main', next: x, expected: b },
      ]);
      expect(await all()).to.deep.equal({ 'refs/kv/main': c, 'refs/kv-mirror/main': x });
      const error = await thrownBy(
        target.push([
          { ref: 'refs/kv/main', next: a },
          { ref: 'refs/kv-mirror/main', next: b, expected: x },
          { ref: 'refs/kv/other', next: a },
        ]),
      );
      expect(error.code).to.equal('SYNC_REFUSED');
      expect(error.message).to.contain('refs/kv/main').and.not.contain('refs/kv/other');
      const now = await all();
      expect(now['refs/kv/main']).to.equal(c);
      if (target.capabilities.atomic) expect(now).to.deep.equal({ 'refs/kv/main': c, 'refs/kv-mirror/main': x });
    });

    apart('lists the refs that match globs, by their whole names', async () => {
      expect(target.capabilities.anyRef, 'a mirror without refs/kv is of no use').to.equal(true);
      const refs = ['refs/kv/main', 'refs/kv/sub/deep', 'refs/kv-index/main', 'refs/heads/refs/kv/main', 'refs/tags/v1'];
      await target.push(refs.map((ref) => ({ ref, next: a })));
      const listed = async (...patterns: string[]): Promise<string[]> => [...(await target.refs(patterns)).keys()].sort();
      expect(await listed('refs/kv/*')).to.deep.equal(['refs/kv/main', 'refs/kv/sub/deep']);
      expect(await listed('refs/kv/main', 'refs/tags/*')).to.deep.equal(['refs/kv/main', 'refs/tags/v1']);
      expect(await listed('refs/none/*')).to.deep.equal([]);
      expect(await listed()).to.deep.equal([]);
    });

    apart('brings what the mirror has under local names', async () => {
      await target.push([{ ref: 'refs/kv/main', next: c }]);
      await bench.meddle('refs/heads/theirs', x);
      await target.fetch([
        { remoteRef: 'refs/kv/main', localRef: 'refs/stargate/seen/main' },
        { remoteRef: 'refs/heads/theirs', localRef: 'refs/stargate/seen/theirs' },
      ]);
      expect(await bench.localRef('refs/stargate/seen/main')).to.equal(c);
      expect(await bench.localRef('refs/stargate/seen/theirs')).to.equal(x);
      await bench.meddle('refs/heads/theirs', b);
      await target.fetch([{ remoteRef: 'refs/heads/theirs', localRef: 'refs/stargate/seen/theirs' }]);
      expect(await bench.localRef('refs/stargate/seen/theirs'), 'also when that is no fast-forward').to.equal(b);
      const missing = await thrownBy(target.fetch([{ remoteRef: 'refs/heads/no', localRef: 'refs/stargate/seen/no' }]));
      expect(missing.code).to.equal('NOT_FOUND');
    });

    it('shows the refs of the repository, and moves none, where it is that repository', async () => {
      if (target.capabilities.sameRepository !== true) return;
      await bench.meddle('refs/kv/main', a);
      await bench.meddle('refs/kv/sub/deep', b);
      await target.push([{ ref: 'refs/kv/main', next: c }]);
      expect(await all()).to.deep.equal({ 'refs/kv/main': a, 'refs/kv/sub/deep': b });
      expect([...(await target.refs(['refs/kv/sub/*', 'refs/none'])).keys()]).to.deep.equal(['refs/kv/sub/deep']);
      await target.fetch([{ remoteRef: 'refs/kv/main', localRef: 'refs/stargate/seen/main' }]);
      expect(await bench.localRef('refs/stargate/seen/main')).to.equal(a);
      const missing = await thrownBy(target.fetch([{ remoteRef: 'refs/heads/no', localRef: 'refs/stargate/seen/no' }]));
      expect(missing.code).to.equal('NOT_FOUND');
    });

    it('stops when the signal fires', async () => {
      const stopped = AbortSignal.abort();
      expect((await thrownBy(target.push([{ ref: 'refs/kv/main', next: a }], stopped))).code).to.equal('INTERRUPTED');
      expect(await all()).to.deep.equal({});
    });

    apart('calls a mirror out of reach IO_ERROR, with a hint', async () => {
      await bench.vanish();
      const error = await thrownBy(target.push([{ ref: 'refs/kv/main', next: a }]));
      expect(error.code).to.equal('IO_ERROR');
      expect(error.hint).to.be.a('string');
      expect((await thrownBy(target.refs(['refs/*']))).code).to.equal('IO_ERROR');
    });

    it('takes no ref or id that a program could read as something else', async () => {
      for (const ref of ['--mirror', '-f', 'main', 'refs/kv/a b', 'refs/kv/../x', 'refs/kv/a:refs/kv/b']) {
        expect((await thrownBy(target.push([{ ref, next: a }]))).code, ref).to.equal('GIT_ERROR');
      }
      expect((await thrownBy(target.push([{ ref: 'refs/kv/main', next: '--all' }]))).code).to.equal('GIT_ERROR');
      expect(await all()).to.deep.equal({});
    });
  });
}
