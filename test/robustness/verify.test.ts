import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { expect } from 'chai';
import { type Fault, Spoilt } from './spoilt.js';

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

    it('every missing or damaged object is named, whatever it is', async () => {
      const objects = spoilt
        .git('rev-list', '--objects', '--no-object-names', 'refs/kv/main', 'refs/kv-index/main', chunksRef)
        .split('\n');
      for (const oid of objects) {
        const back = spoilt.overwrite(oid, null);
        try {
          const ran = await spoilt.verify('--full');
          expect(ran.code, `${oid} ${ran.stderr}`).to.equal(8);
          expect(
            ran.faults.some((fault) => JSON.stringify(fault).includes(oid)),
            `${oid} in ${whats(ran)}`,
          ).to.equal(true);
        } finally {
          back();
        }
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

    it('a ledger ref on an index commit, and no other ledger', async () => {
      spoilt.git('update-ref', 'refs/kv/main', 'refs/kv-index/main');
      await expectFault(/refs\/kv\/main points to no ledger commit/);
    });

    it('an epoch ref that is not where the epoch begins', async () => {
      spoilt.git('update-ref', 'refs/kv-epoch/main', 'refs/kv/main');
      await expectFault(/refs\/kv-epoch\/main points to/);
    });

    it('a chunks ref on another commit', async () => {
      spoilt.git('update-ref', chunksRef, spoilt.git('rev-parse', 'refs/kv-index/main'));
      await expectFault(/trailer KV-Ledger-Tree does not belong here|belongs to no ledger commit/);
    });

    it('no index ref', async () => {
      spoilt.git('update-ref', '-d', 'refs/kv-index/main');
      await expectFault(/there is refs\/kv\/main, but no refs\/kv-index\/main/);
    });
  });

  describe('forged transactions, bound and signed', () => {
    for (const depth of ['', '--full']) {
      const args = depth === '' ? [] : [depth];
      it(`an index pointer removed ${depth}`, async () => {
        spoilt.amend({ index: spoilt.tree('refs/kv-index/main', spoilt.path('refs/kv-index/main', '/cfg:b.ref'), null) });
        const faults = await expectFault(/^index of namespace main does not agree with its ledger at "cfg:b"/m, ...args);
        expect(faults.filter(({ key }) => key !== undefined).map(({ key }) => key)).to.deep.equal(['cfg:b']);
      });

      it(`an index pointer to another value ${depth}`, async () => {
        const path = spoilt.path('refs/kv-index/main', '/cfg:a.ref');
        const blob = spoilt.input(
          spoilt.git('cat-file', 'blob', `refs/kv-index/main:${path}`).replace('"size":5', '"size":6'),
          'hash-object',
          '-w',
          '--stdin',
        );
        spoilt.amend({ index: spoilt.tree('refs/kv-index/main', path, blob) });
        await expectFault(/^index of namespace main does not agree with its ledger at "cfg:a"/m, ...args);
      });

      it(`a file that has no place in a ledger ${depth}`, async () => {
        spoilt.amend({ ledger: spoilt.tree('refs/kv/main', 'README', spoilt.input('x', 'hash-object', '-w', '--stdin')) });
        await expectFault(/"README" is no place for a key/, ...args);
      });

      it(`metadata without its value ${depth}`, async () => {
        spoilt.amend({ ledger: spoilt.tree('refs/kv/main', spoilt.path('refs/kv/main', '/cfg:a'), null) });
        await expectFault(
          /"cfg:a": its? (must have either an inline value or a manifest|value changed without its metadata)/,
          ...args,
        );
      });

      it(`a chunk removed from the chunks ${depth}`, async () => {
        const path = spoilt.git('ls-tree', '-r', '--name-only', chunksRef).split('\n')[0] as string;
        spoilt.git('update-ref', 'refs/kv/main', spoilt.chunkTransaction());
        spoilt.git('update-ref', 'refs/kv-index/main', spoilt.chunkTransaction('refs/kv-index/main'));
        spoilt.amend({ chunks: spoilt.tree(chunksRef, path, null), chunksRef });
        await expectFault(/"large": chunk \d .* is not among the chunks/, ...args);
      });

      it(`a chunk swapped for another ${depth}`, async () => {
        const [one, two] = spoilt.git('ls-tree', '-r', '--name-only', chunksRef).split('\n') as [string, string];
        const blob = spoilt.at(chunksRef, two);
        spoilt.git('update-ref', 'refs/kv/main', spoilt.chunkTransaction());
        spoilt.git('update-ref', 'refs/kv-index/main', spoilt.chunkTransaction('refs/kv-index/main'));
        spoilt.amend({ chunks: spoilt.tree(chunksRef, one, blob), chunksRef });
        await expectFault(/is not among the chunks of the epoch/, ...args);
        if (depth !== '') await expectFault(/^chunk \w+ has digest/m, ...args);
      });

      type Chunk = { i: number; size: number; digest: string; blob_oid: string };
      type Fields = { total_size: number; etype: string; chunks: Chunk[] };
      const manifests: readonly [string, (fields: Fields) => void, RegExp][] = [
        ['a wrong total', (fields) => (fields.total_size += 1), /a field is missing or has the wrong type/],
        ['sizes that only add up', (fields) => swapSizes(fields.chunks), /has \d+ bytes, its manifest says \d+/],
        ['chunks out of order', (fields) => fields.chunks.reverse(), /a field is missing or has the wrong type/],
        [
          'a wrong digest',
          (fields) => ((fields.chunks[0] as Chunk).digest = `sha256:${'0'.repeat(64)}`),
          /is not among the chunks of the epoch/,
        ],
        [
          'a digest that is none',
          (fields) => ((fields.chunks[0] as Chunk).digest = 'sha256:xyz'),
          /a field is missing or has the wrong type/,
        ],
        ['another ETag', (fields) => (fields.etype = `blake3:${'0'.repeat(64)}`), /have different ETags/],
        [
          'numbered chunks in another order',
          (fields) => renumber(fields.chunks.reverse()),
          depth === '' ? /does not agree with its ledger at "large"/ : /together they are not the value/,
        ],
      ];
      for (const [name, change, pattern] of manifests) {
        it(`a manifest with ${name} ${depth}`, async () => {
          const path = spoilt.path('refs/kv/main', '/large.manifest.json');
          const fields = JSON.parse(spoilt.git('cat-file', 'blob', `refs/kv/main:${path}`)) as Fields;
          change(fields);
          const blob = spoilt.input(JSON.stringify(fields), 'hash-object', '-w', '--stdin');
          const meta = spoilt.path('refs/kv/main', '/large.meta');
          const remade = spoilt.input(
            spoilt.git('cat-file', 'blob', `refs/kv/main:${meta}`).replace('octet-stream', 'octet-streams'),
            'hash-object',
            '-w',
            '--stdin',
          );
          spoilt.amend({ ledger: spoilt.tree(spoilt.tree('refs/kv/main', path, blob), meta, remade) });
          const faults = await expectFault(pattern, ...args);
          expect(faults.some(({ key }) => key === 'large')).to.equal(true);
        });
      }
      const swapSizes = (chunks: Chunk[]): void => {
        const [a, b] = chunks as [Chunk, Chunk];
        [a.size, b.size] = [a.size + 1, b.size - 1];
      };
      const renumber = (chunks: Chunk[]): void =>
        chunks.forEach((chunk, i) => {
          chunk.i = i;
        });
    }

    it('an ETag that is not the digest of the value is found by --full', async () => {
      const path = spoilt.path('refs/kv/main', '/cfg:a');
      const blob = spoilt.input('THREE', 'hash-object', '-w', '--stdin');
      spoilt.amend({ ledger: spoilt.tree('refs/kv/main', path, blob) });
      await expectFault(/"cfg:a": its value changed without its metadata/, '--full');
    });

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
