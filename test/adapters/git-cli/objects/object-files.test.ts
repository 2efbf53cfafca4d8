import { expect } from 'chai';
import { appendFileSync, chmodSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ObjectFiles } from '../../../../adapters/git-cli/objects/files/object-files.js';
import { openGitStore } from '../../../../adapters/git-cli/store.js';
import type { ObjectFormat, Oid } from '../../../../ports/vocabulary.js';
import { failure } from '../../../support/failure.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

const COMMITS = 30;

/** What a descriptor of this process leads to; empty where it was closed meanwhile. */
function leadsTo(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

for (const format of ['sha1', 'sha256'] as const satisfies readonly ObjectFormat[]) {
  describe(`git-cli: objects by their files (${format})`, () => {
    let sandbox: Sandbox;
    let clone: string;
    let files: ObjectFiles;
    before(() => {
      sandbox = new Sandbox();
      clone = sandbox.path('clone');
      sandbox.run('git', ['init', '-q', `--object-format=${format}`, clone]);
      sandbox.run('mkdir', ['-p', join(clone, 'dir')]);
      for (let i = 0; i < COMMITS; i++) {
        appendFileSync(join(clone, 'grows'), `line ${i} of a file that grows\n`.repeat(20));
        writeFileSync(join(clone, 'dir', `n${i}`), `${i}`);
        writeFileSync(join(clone, 'dir', 'ünïcode name'), `${i % 3}`);
        git('add', '.');
        git('commit', '-q', '-m', `commit ${i}`);
      }
      git('tag', '-a', '-m', 'an annotated one', 'v1');
      writeFileSync(join(clone, 'large'), Buffer.alloc(200_000, 'not for a small read '));
      git('add', '.');
      git('commit', '-q', '-m', 'a large one');
    });
    after(() => sandbox.remove());
    beforeEach(() => {
      files = new ObjectFiles(join(clone, '.git', 'objects'), format);
    });
    afterEach(() => files.close());

    const git = (...args: string[]): string => sandbox.git(clone, ...args);
    const everything = (): Oid[] => git('cat-file', '--batch-all-objects', '--batch-check=%(objectname)').split('\n');
    /** How many objects are told; each must be what git says. */
    const agree = (): number => {
      let told = 0;
      const output = sandbox.run('git', ['-C', clone, 'cat-file', '--batch-all-objects', '--batch']);
      for (let at = 0; at < output.length; ) {
        const end = output.indexOf('\n', at);
        const [oid = '', type, digits] = output.toString('latin1', at, end).split(' ');
        at = end + 1 + Number(digits) + 1;
        const [object] = files.read([oid]) ?? [];
        if (object === undefined) continue;
        told++;
        expect(object.type).to.equal(type);
        expect(Buffer.compare(object.body, output.subarray(end + 1, at - 1)), oid).to.equal(0);
      }
      return told;
    };

    const states: readonly (readonly [string, () => void])[] = [
      ['loose', () => undefined],
      ['packed, deltas by offset', () => git('repack', '-adfq', '--depth=8', '--window=50')],
      [
        'packed, deltas by name',
        () => git('-c', 'repack.useDeltaBaseOffset=false', 'repack', '-adfq', '--depth=8', '--window=50'),
      ],
    ];
    for (const [state, make] of states) {
      it(`are what git says, all but the large one (${state})`, () => {
        make();
        const all = everything();
        expect(agree()).to.equal(all.length - 1);
        expect(files.read([git('rev-parse', 'HEAD:large')])).to.equal(null);
        expect(files.headers([git('rev-parse', 'v1')])?.[0]?.type).to.equal('tag');
      });
    }

    it('leaves a long chain of deltas to git, until its bases are at hand', () => {
      git('repack', '-adfq', '--depth=50', '--window=50');
      const told = agree();
      expect(told).to.be.greaterThan(COMMITS);
    });

    it('walks paths, and knows one that is not there from one that it cannot read', () => {
      const head = git('rev-parse', 'HEAD');
      const found = files.readPaths(head, ['dir/n3', 'dir/ünïcode name', 'dir', 'none', 'dir/none', 'dir/n3/below', '']);
      expect(found?.map((one) => one?.oid ?? null)).to.deep.equal([
        ...['HEAD:dir/n3', 'HEAD:dir/ünïcode name', 'HEAD:dir'].map((path) => git('rev-parse', path)),
        ...[null, null, null],
        git('rev-parse', 'HEAD^{tree}'),
      ]);
      expect(files.readPaths(head, ['dir/n3', 'large'])).to.equal(null);
      expect(files.readPaths(head.replaceAll(/./g, '1'), ['dir'])).to.equal(null);
    });

    it('sees what others write, pack and take away', () => {
      expect(agree()).to.be.greaterThan(COMMITS);
      const oid = sandbox.run('git', ['-C', clone, 'hash-object', '-w', '--stdin'], 'written meanwhile').toString().trim();
      expect(files.read([oid])?.[0]?.oid).to.equal(oid);
      git('update-ref', 'refs/tags/meanwhile', oid);
      git('repack', '-adq');
      expect(readdirSync(join(clone, '.git', 'objects', 'pack')).filter((name) => name.endsWith('.pack'))).to.have.length(1);
      expect(Buffer.from(files.read([oid])?.[0]?.body ?? []).toString()).to.equal('written meanwhile');
    });

    it('holds each pack open once, however often one of them cannot be opened', () => {
      const folder = join(clone, '.git', 'objects', 'pack');
      for (const text of ['one', 'two', 'three']) {
        const oid = sandbox.run('git', ['-C', clone, 'hash-object', '-w', '--stdin'], `a pack for ${text}`).toString().trim();
        sandbox.run('git', ['-C', clone, 'pack-objects', '-q', join(folder, 'pack')], `${oid}\n`);
      }
      const head = git('rev-parse', 'HEAD');
      expect(files.read([head])).to.have.length(1);
      const packs = () => readdirSync(folder).filter((name) => name.endsWith('.idx'));
      const open = (): number => readdirSync('/proc/self/fd').filter((fd) => leadsTo(fd).startsWith(folder)).length;
      const before = open();
      expect(before).to.equal(2 * packs().length);
      const orphan = join(folder, 'pack-0000.idx');
      writeFileSync(orphan, 'no index');
      for (let i = 0; i < 3; i++) expect(files.read([head.replaceAll(/./g, '1')])).to.equal(null); // each looks at the packs again
      expect(files.read([head])).to.have.length(1);
      expect(open()).to.equal(before);
      rmSync(orphan);
      files.close();
      expect(open()).to.equal(0);
      git('repack', '-adq');
      git('prune', '--expire=now');
    });

    it('hands out values that are the caller’s to change', () => {
      const oid = git('rev-parse', 'HEAD:dir/n3');
      const path = () => files.readPaths(git('rev-parse', 'HEAD'), ['dir/n3'])?.[0];
      for (const read of [() => files.read([oid])?.[0], path]) {
        read()?.body.fill(0);
        expect(Buffer.from(read()?.body ?? []).toString()).to.equal('3');
      }
    });

    it('is no answer where another repository has an object, and the store asks git', async () => {
      const borrower = sandbox.path('borrower');
      sandbox.run('git', ['clone', '-q', '--shared', '--bare', clone, borrower]);
      const head = git('rev-parse', 'HEAD');
      const own = new ObjectFiles(join(borrower, 'objects'), format);
      expect(own.read([head])).to.equal(null);
      own.close();
      const store = await openGitStore({ directory: borrower, env: sandbox.env });
      expect((await store.read([head]))[0]?.oid).to.equal(head);
      expect((await store.readPaths(head, ['dir/n3']))[0]?.oid).to.equal(git('rev-parse', 'HEAD:dir/n3'));
      await store.close();
      sandbox.run('rm', ['-rf', borrower]);
    });

    it('holds a small read to its bounds', async () => {
      const store = await openGitStore({ directory: clone, env: sandbox.env });
      const oid = git('rev-parse', 'HEAD:grows');
      const sized = (size: number) => ({ objects: { blob: size, tree: 1e6, commit: 1e6, tag: 1e6 }, together: 1e6 });
      expect((await store.read([oid], sized(1e6)))[0]?.oid).to.equal(oid);
      await failure(store.read([oid], sized(100)), 'POLICY_VIOLATION');
      await failure(store.readPaths(git('rev-parse', 'HEAD'), ['grows'], sized(100)), 'POLICY_VIOLATION');
      await store.close();
    });

    it('is no answer where a pack is damaged, and git has the words', async () => {
      git('repack', '-adfq', '--depth=0');
      const folder = join(clone, '.git', 'objects', 'pack');
      const pack = join(folder, readdirSync(folder).find((name) => name.endsWith('.pack')) ?? '');
      const sound = readFileSync(pack);
      const damaged = Buffer.from(sound);
      for (let at = 100; at < damaged.length - 40; at++) damaged[at] = (damaged[at] as number) ^ 0x55;
      chmodSync(pack, 0o644);
      writeFileSync(pack, damaged);
      const told = everything().filter((oid) => files.read([oid]) !== null);
      expect(told.length).to.be.lessThan(3);
      const store = await openGitStore({ directory: clone, env: sandbox.env });
      await failure(store.read([git('rev-parse', 'HEAD')]), 'GIT_ERROR');
      await store.close();
      writeFileSync(pack, sound);
    });

    it('is no answer once it was closed', () => {
      files.close();
      expect(files.read([git('rev-parse', 'HEAD')])).to.equal(null);
    });
  });
}
