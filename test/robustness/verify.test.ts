import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { expect } from 'chai';
import { type Fault, Spoilt } from './spoilt.js';

/** What the command and real files add to verify-memory.test.ts, which has every kind of fault. */
describe('git kv verify', () => {
  const spoilt = new Spoilt();
  let chunksRef = '';
  before(async () => {
    await spoilt.fill();
    chunksRef = spoilt.git('for-each-ref', '--format=%(refname)', 'refs/kv-chunks/');
  });
  afterEach(() => spoilt.restore());
  after(() => spoilt.place.remove());

  const whats = ({ faults }: { faults: readonly Fault[] }): string => faults.map(({ what }) => what).join('\n');
  const expectFault = async (pattern: RegExp, ...args: string[]): Promise<Fault[]> => {
    const ran = await spoilt.verify(...args);
    expect(whats(ran)).to.match(pattern);
    expect(ran.code, ran.stderr).to.equal(8);
    return ran.faults;
  };

  it('finds nothing in what is sound, at either depth', async () => {
    for (const args of [[], ['--full']]) {
      const ran = await spoilt.verify(...args);
      expect(ran.faults).to.deep.equal([]);
      expect(ran.code, ran.stderr).to.equal(0);
    }
  });

  it('says so when there is nothing to verify', async () => {
    expect((await spoilt.place.kv(['verify', '--ns', 'none'])).code).to.equal(6);
  });

  describe('damaged files', () => {
    const blobOfA = (): string => spoilt.at('refs/kv/main', spoilt.path('refs/kv/main', '/cfg:a'));

    it('flipped bytes in a value: git itself cannot read it', async () => {
      const oid = blobOfA();
      const bytes = readFileSync(spoilt.file(oid));
      bytes[bytes.length - 3] = (bytes[bytes.length - 3] as number) ^ 0xff;
      const back = spoilt.overwrite(oid, bytes);
      try {
        const faults = await expectFault(/its value is missing/, '--full');
        expect(faults.some(({ object }) => object === oid)).to.equal(true);
        expect(faults.some(({ key }) => key === 'cfg:a')).to.equal(true);
      } finally {
        back();
      }
    });

    it('flipped bytes in the middle of a chunk, which end git cat-file', async () => {
      const oid = spoilt.at(chunksRef, spoilt.git('ls-tree', '-r', '--name-only', chunksRef).split('\n')[0] as string);
      const bytes = readFileSync(spoilt.file(oid));
      for (let at = bytes.length >> 1; at < (bytes.length >> 1) + 64; at++) bytes[at] = 0xff;
      const back = spoilt.overwrite(oid, bytes);
      try {
        const faults = await expectFault(/is damaged/, '--full');
        expect(faults.some(({ object, code }) => object === oid && code === 'GIT_ERROR')).to.equal(true);
        expect(faults.some(({ key }) => key === 'large')).to.equal(true);
      } finally {
        back();
      }
    });

    it('another value under the same id: git reads it without a word', async () => {
      const oid = blobOfA();
      const back = spoilt.overwrite(oid, deflateSync(Buffer.from('blob 5\0THREE')));
      try {
        const faults = await expectFault(/its content is not what its id says/, '--full');
        expect(faults.filter(({ key }) => key !== undefined).map(({ key }) => key)).to.deep.equal(['cfg:a']);
      } finally {
        back();
      }
    });

    it('all faults are listed, not only the first', async () => {
      const [value, chunk] = [
        blobOfA(),
        spoilt.at(chunksRef, spoilt.git('ls-tree', '-r', '--name-only', chunksRef).split('\n')[0] as string),
      ];
      const backs = [spoilt.overwrite(value, null), spoilt.overwrite(chunk, Buffer.from('rubbish'))];
      try {
        const faults = await expectFault(/"cfg:a": its value is missing/, '--full');
        expect(faults.some(({ key, what }) => key === 'large' && /chunk \d has no bytes/.test(what))).to.equal(true);
      } finally {
        for (const back of backs) back();
      }
    });
  });

  describe('refs', () => {
    it('an index ref that is behind', async () => {
      spoilt.git('update-ref', 'refs/kv-index/main', 'refs/kv-index/main~1');
      await expectFault(/has no index commit/);
      await expectFault(/shows transaction/);
    });
  });

  describe('forged transactions, bound and signed', () => {
    for (const depth of ['', '--full']) {
      const args = depth === '' ? [] : [depth];
      it(`an index pointer removed ${depth}`, async () => {
        spoilt.amend(spoilt.tree('refs/kv-index/main', spoilt.path('refs/kv-index/main', '/cfg:b.ref'), null));
        const faults = await expectFault(/^index of namespace main does not agree with its ledger at "cfg:b"/m, ...args);
        expect(faults.filter(({ key }) => key !== undefined).map(({ key }) => key)).to.deep.equal(['cfg:b']);
      });
    }

    it('a signature over something else, and trailers that bind nothing', async () => {
      const commit = spoilt.git('cat-file', 'commit', 'refs/kv/main');
      const forged = spoilt.input(
        `${commit.replace(/^Keys-Del: .*$/m, 'Keys-Del: 7')}\n`,
        'hash-object',
        '-t',
        'commit',
        '-w',
        '--stdin',
      );
      spoilt.git('update-ref', 'refs/kv/main', forged);
      const faults = await expectFault(/Keys-Set 0 and Keys-Del 7, but the trees set 0 and delete 1/, '--full');
      expect(faults.some(({ code }) => code === 'SIGNATURE_INVALID')).to.equal(true);
      await expectFault(/the signature/);
    });
  });
});
