import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { expect } from 'chai';
import { Place } from '../cli/support.js';

interface Fault {
  readonly code: string;
  readonly what: string;
  readonly key?: string;
  readonly object?: string;
}

/** A repository of a clone's own, its objects all loose, and the ways in which it can be spoilt. */
class Spoilt {
  readonly place = new Place();
  private readonly refs = new Map<string, string>();

  async fill(): Promise<void> {
    const { place } = this;
    const file = join(place.home, 'large');
    writeFileSync(file, randomBytes(1_500_000));
    await place.ok(['set', 'cfg:a', 'one']);
    await place.ok(['set', 'cfg:b', 'two', '--ttl', '30d']);
    await place.ok(['set', 'large', '--file', file, '--max-inline', '64KiB']);
    await place.ok(['set', 'cfg:a', 'three']);
    await place.ok(['set', 'gone', 'x']);
    await place.ok(['del', 'gone']);
    this.explode();
  }

  git(...args: string[]): string {
    return this.place.git(...args).trim();
  }

  input(input: string | Uint8Array, ...args: string[]): string {
    const { repo, env } = this.place;
    return execFileSync('git', args, { cwd: repo, env, input, encoding: 'utf8' }).trim();
  }

  file(oid: string): string {
    return join(this.place.repo, '.git', 'objects', oid.slice(0, 2), oid.slice(2));
  }

  /** The blob or tree at a path of a ref. */
  at(ref: string, path: string): string {
    return this.git('rev-parse', `${ref}:${path}`);
  }

  /** The path of a ref's tree that ends so. */
  path(ref: string, end: string): string {
    const found = this.git('ls-tree', '-r', '--name-only', ref).split('\n').find((path) => path.endsWith(end));
    if (found === undefined) throw new Error(`no path ends in ${end}`);
    return found;
  }

  /** Puts a blob at a path of a tree, or takes the path away; gives the new tree. */
  tree(from: string, path: string, blob: string | null): string {
    const env = { ...this.place.env, GIT_INDEX_FILE: join(this.place.home, 'index') };
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: this.place.repo, env, encoding: 'utf8' }).trim();
    git('read-tree', from);
    if (blob === null) git('update-index', '--force-remove', path);
    else git('update-index', '--add', '--cacheinfo', `100644,${blob},${path}`);
    return git('write-tree');
  }

  /** Replaces the last transaction by one with other trees, bound and signed as it should be. */
  amend(trees: { ledger?: string; index?: string; chunks?: string; chunksRef?: string }): void {
    const message = (ref: string): string => `${this.git('log', '-1', '--format=%B', ref)}\n`;
    const parents = (ref: string): string[] => this.git('log', '-1', '--format=%P', ref).split(' ').filter(Boolean).flatMap((oid) => ['-p', oid]);
    const ledgerTree = trees.ledger ?? this.git('rev-parse', 'refs/kv/main^{tree}');
    const indexTree = trees.index ?? this.git('rev-parse', 'refs/kv-index/main^{tree}');
    const indexText = message('refs/kv-index/main').replace(/^KV-Ledger-Tree: .*$/m, `KV-Ledger-Tree: ${ledgerTree}`);
    let text = message('refs/kv/main').replace(/^KV-Index-Tree: .*$/m, `KV-Index-Tree: ${indexTree}`);
    if (trees.chunks !== undefined && trees.chunksRef !== undefined) {
      text = text.replace(/^KV-Chunks-Tree: .*$/m, `KV-Chunks-Tree: ${trees.chunks}`);
      const commit = this.input(message(trees.chunksRef), 'commit-tree', ...parents(trees.chunksRef), trees.chunks);
      this.git('update-ref', trees.chunksRef, commit);
    }
    const index = this.input(indexText, 'commit-tree', ...parents('refs/kv-index/main'), indexTree);
    const ledger = this.input(text, 'commit-tree', '-S', ...parents('refs/kv/main'), ledgerTree);
    this.git('update-ref', 'refs/kv-index/main', index);
    this.git('update-ref', 'refs/kv/main', ledger);
  }

  async verify(...args: string[]): Promise<{ code: number | null; faults: Fault[]; stderr: string }> {
    const { code, stdout, stderr } = await this.place.kv(['verify', '--json', ...args]);
    const document = JSON.parse(stdout.toString()) as { faults?: Fault[]; error?: { details?: { faults: Fault[] } } };
    return { code, stderr, faults: document.error?.details?.faults ?? document.faults ?? [] };
  }

  explode(): void {
    const packs = join(this.place.repo, '.git', 'objects', 'pack');
    for (const name of readdirSync(packs).filter((each) => each.endsWith('.pack'))) {
      const bytes = readFileSync(join(packs, name));
      for (const end of ['.pack', '.idx', '.rev']) rmSync(join(packs, name.replace('.pack', end)), { force: true });
      this.input(bytes, 'unpack-objects', '-q');
    }
    for (const each of this.git('for-each-ref', '--format=%(refname) %(objectname)').split('\n')) {
      const [ref = '', oid = ''] = each.split(' ');
      this.refs.set(ref, oid);
    }
  }

  /** The commit of the transaction that brought the chunks: the third. */
  chunkTransaction(ref = 'refs/kv/main'): string {
    return this.git('rev-list', '--reverse', ref).split('\n')[2] as string;
  }

  /** Sets refs back; objects are put back by whoever spoilt them. */
  restore(): void {
    for (const [ref, oid] of this.refs) this.git('update-ref', ref, oid);
  }

  overwrite(oid: string, content: Uint8Array | null): () => void {
    const file = this.file(oid);
    const before = readFileSync(file);
    chmodSync(file, 0o644);
    if (content === null) rmSync(file);
    else writeFileSync(file, content);
    return () => writeFileSync(file, before);
  }
}

describe('git kv verify', function () {
  this.timeout(120_000);
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
    const valueOf = (): string => spoilt.at('refs/kv/main', spoilt.path('refs/kv/main', '/cfg:a'));

    it('flipped bytes in a value: git itself cannot read it', async () => {
      const oid = valueOf();
      const bytes = readFileSync(spoilt.file(oid));
      bytes[bytes.length - 3] = (bytes[bytes.length - 3] as number) ^ 0xff;
      const back = spoilt.overwrite(oid, bytes);
      try {
        const faults = await expectFault(/missing or damaged/, '--full');
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
      const oid = valueOf();
      const back = spoilt.overwrite(oid, deflateSync(Buffer.from('blob 5\0THREE')));
      try {
        const faults = await expectFault(/its content is not what its id says/, '--full');
        expect(faults.filter(({ key }) => key !== undefined).map(({ key }) => key)).to.deep.equal(['cfg:a']);
      } finally {
        back();
      }
    });

    it('every missing or damaged object is named, whatever it is', async () => {
      const objects = spoilt.git('rev-list', '--objects', '--no-object-names', 'refs/kv/main', 'refs/kv-index/main', chunksRef).split('\n');
      for (const oid of objects) {
        const back = spoilt.overwrite(oid, null);
        try {
          const ran = await spoilt.verify('--full');
          expect(ran.code, `${oid} ${ran.stderr}`).to.equal(8);
          expect(ran.faults.some((fault) => JSON.stringify(fault).includes(oid)), `${oid} in ${whats(ran)}`).to.equal(true);
        } finally {
          back();
        }
      }
    });

    it('all faults are listed, not only the first', async () => {
      const [value, chunk] = [valueOf(), spoilt.at(chunksRef, spoilt.git('ls-tree', '-r', '--name-only', chunksRef).split('\n')[0] as string)];
      const backs = [spoilt.overwrite(value, null), spoilt.overwrite(chunk, Buffer.from('rubbish'))];
      try {
        const faults = await expectFault(/"cfg:a": its value is missing/, '--full');
        expect(faults.some(({ key, what }) => key === 'large' && /chunk 1 of|chunk \d of/.test(what))).to.equal(true);
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
        const faults = await expectFault(/"cfg:b": .*(no pointer|removed)/, ...args);
        expect(faults.filter(({ key }) => key !== undefined).map(({ key }) => key)).to.deep.equal(['cfg:b']);
      });

      it(`an index pointer to another value ${depth}`, async () => {
        const path = spoilt.path('refs/kv-index/main', '/cfg:a.ref');
        const blob = spoilt.input(spoilt.git('cat-file', 'blob', `refs/kv-index/main:${path}`).replace('"size":5', '"size":6'), 'hash-object', '-w', '--stdin');
        spoilt.amend({ index: spoilt.tree('refs/kv-index/main', path, blob) });
        await expectFault(/"cfg:a": its pointer in the index/, ...args);
      });

      it(`a file that has no place in a ledger ${depth}`, async () => {
        spoilt.amend({ ledger: spoilt.tree('refs/kv/main', 'README', spoilt.input('x', 'hash-object', '-w', '--stdin')) });
        await expectFault(/"README" is no place for a key/, ...args);
      });

      it(`metadata without its value ${depth}`, async () => {
        spoilt.amend({ ledger: spoilt.tree('refs/kv/main', spoilt.path('refs/kv/main', '/cfg:a'), null) });
        await expectFault(/"cfg:a": its? (has metadata, but no value|value changed without its metadata)/, ...args);
      });

      it(`a chunk removed from the chunks ${depth}`, async () => {
        const path = spoilt.git('ls-tree', '-r', '--name-only', chunksRef).split('\n')[0] as string;
        spoilt.git('update-ref', 'refs/kv/main', spoilt.chunkTransaction());
        spoilt.git('update-ref', 'refs/kv-index/main', spoilt.chunkTransaction('refs/kv-index/main'));
        spoilt.amend({ chunks: spoilt.tree(chunksRef, path, null), chunksRef });
        await expectFault(/"large": chunk \d of \d .* is not among the chunks/, ...args);
      });

      it(`a chunk swapped for another ${depth}`, async () => {
        const [one, two] = spoilt.git('ls-tree', '-r', '--name-only', chunksRef).split('\n') as [string, string];
        const blob = spoilt.at(chunksRef, two);
        spoilt.git('update-ref', 'refs/kv/main', spoilt.chunkTransaction());
        spoilt.git('update-ref', 'refs/kv-index/main', spoilt.chunkTransaction('refs/kv-index/main'));
        spoilt.amend({ chunks: spoilt.tree(chunksRef, one, blob), chunksRef });
        await expectFault(/is another blob than the chunks of the epoch have/, ...args);
        if (depth !== '') await expectFault(/is another one: its digest is/, ...args);
      });

      type Chunk = { i: number; size: number; digest: string; blob_oid: string };
      type Fields = { total_size: number; etype: string; chunks: Chunk[] };
      const manifests: readonly [string, (fields: Fields) => void, RegExp][] = [
        ['a wrong total', (fields) => (fields.total_size += 1), /a field is missing or has the wrong type/],
        ['sizes that only add up', (fields) => swapSizes(fields.chunks), /has \d+ bytes, its manifest says \d+/],
        ['chunks out of order', (fields) => fields.chunks.reverse(), /a field is missing or has the wrong type/],
        ['a wrong digest', (fields) => ((fields.chunks[0] as Chunk).digest = `sha256:${'0'.repeat(64)}`), /is not among the chunks of the epoch/],
        ['a digest that is none', (fields) => ((fields.chunks[0] as Chunk).digest = 'sha256:xyz'), /a field is missing or has the wrong type/],
        ['another ETag', (fields) => (fields.etype = `blake3:${'0'.repeat(64)}`), /have different ETags/],
        ['numbered chunks in another order', (fields) => renumber(fields.chunks.reverse()), depth === '' ? /its pointer in the index/ : /together they are not the value/],
      ];
      for (const [name, change, pattern] of manifests) {
        it(`a manifest with ${name} ${depth}`, async () => {
          const path = spoilt.path('refs/kv/main', '/large.manifest.json');
          const fields = JSON.parse(spoilt.git('cat-file', 'blob', `refs/kv/main:${path}`)) as Fields;
          change(fields);
          const blob = spoilt.input(JSON.stringify(fields), 'hash-object', '-w', '--stdin');
          const meta = spoilt.path('refs/kv/main', '/large.meta');
          const remade = spoilt.input(spoilt.git('cat-file', 'blob', `refs/kv/main:${meta}`).replace('octet-stream', 'octet-streams'), 'hash-object', '-w', '--stdin');
          spoilt.amend({ ledger: spoilt.tree(spoilt.tree('refs/kv/main', path, blob), meta, remade) });
          const faults = await expectFault(pattern, ...args);
          expect(faults.some(({ key }) => key === 'large')).to.equal(true);
        });
      }
      const swapSizes = (chunks: Chunk[]): void => {
        const [a, b] = chunks as [Chunk, Chunk];
        [a.size, b.size] = [a.size + 1, b.size - 1];
      };
      const renumber = (chunks: Chunk[]): void => chunks.forEach((chunk, i) => (chunk.i = i));
    }

    it('an ETag that is not the digest of the value is found by --full', async () => {
      const path = spoilt.path('refs/kv/main', '/cfg:a');
      const blob = spoilt.input('THREE', 'hash-object', '-w', '--stdin');
      spoilt.amend({ ledger: spoilt.tree('refs/kv/main', path, blob) });
      await expectFault(/"cfg:a": its value changed without its metadata/, '--full');
    });

    it('a signature over something else, and trailers that bind nothing', async () => {
      const commit = spoilt.git('cat-file', 'commit', 'refs/kv/main');
      const forged = spoilt.input(`${commit.replace(/^Keys-Del: .*$/m, 'Keys-Del: 7')}\n`, 'hash-object', '-t', 'commit', '-w', '--stdin');
      spoilt.git('update-ref', 'refs/kv/main', forged);
      const faults = await expectFault(/Keys-Del 7, but its trees set 0 and delete 1/, '--full');
      expect(faults.some(({ code }) => code === 'SIGNATURE_INVALID')).to.equal(true);
      await expectFault(/the signature/);
    });
  });
});
