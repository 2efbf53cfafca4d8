import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { isPartialClone } from '../../../../adapters/git-cli/objects/partial-clone.js';
import { type GitCliStore, openGitStore } from '../../../../adapters/git-cli/open.js';
import { KvError } from '../../../../ports/error.js';
import { OID_HEX_LENGTH, type Oid } from '../../../../ports/vocabulary.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

const FILES = 60;

describe('git-cli: whether a clone is partial', () => {
  it('is found out in no time, however many branches its configuration has', () => {
    const sandbox = new Sandbox();
    try {
      const sections = Array.from(
        { length: 5000 },
        (_, i) => `[branch "b${i}"]\n\tremote = origin\n\tmerge = refs/heads/b${i}\n`,
      );
      writeFileSync(sandbox.path('config'), sections.join(''));
      const started = process.cpuUsage();
      expect(isPartialClone({ commonDir: sandbox.path('.') })).to.equal(false);
      const { user, system } = process.cpuUsage(started);
      expect((user + system) / 1000, 'milliseconds of processor time').to.be.lessThan(500);
      writeFileSync(sandbox.path('config'), `${sections.join('')}# promisor\n[remote "origin"]\n\tpromisor = true\n`);
      expect(isPartialClone({ commonDir: sandbox.path('.') })).to.equal(true);
    } finally {
      sandbox.remove();
    }
  });
});

for (const format of ['sha1', 'sha256'] as const) {
  describe(`git-cli in a clone without blobs, ${format}`, () => {
    let sandbox: Sandbox;
    let store: GitCliStore | undefined;
    let clone: string;
    let tip: Oid;
    const blobs = new Map<string, Oid>();

    before(() => {
      sandbox = new Sandbox();
      const work = sandbox.path('work');
      sandbox.run('git', ['init', '-q', `--object-format=${format}`, '--initial-branch=main', work]);
      for (let i = 0; i < FILES; i++) {
        mkdirSync(join(work, `d${i % 7}`), { recursive: true });
        writeFileSync(join(work, `d${i % 7}`, `é${i}`), `content ${i}`);
      }
      sandbox.git(work, 'add', '.');
      sandbox.git(work, 'commit', '-q', '-m', 'one');
      tip = sandbox.git(work, 'rev-parse', 'HEAD');
      for (const line of sandbox.git(work, 'ls-tree', '-rz', 'HEAD').split('\0').filter(Boolean)) {
        const [, oid = '', path = ''] = /^\S+ blob (\S+)\t(.+)$/.exec(line) ?? [];
        blobs.set(path, oid);
      }
      sandbox.run('git', ['clone', '-q', '--bare', work, sandbox.path('mirror')]);
      sandbox.git(sandbox.path('mirror'), 'config', 'uploadpack.allowFilter', 'true');
    });
    beforeEach(() => {
      clone = sandbox.path('clone');
      rmSync(clone, { recursive: true, force: true });
      const url = `file://${sandbox.path('mirror')}`;
      sandbox.run('git', ['clone', '-q', '--no-checkout', '--filter=blob:none', url, clone]);
      rmSync(sandbox.path('trace'), { recursive: true, force: true });
      mkdirSync(sandbox.path('trace'));
    });
    afterEach(async () => {
      await store?.close();
      store = undefined;
    });
    after(() => sandbox.remove());

    async function open(extra: Readonly<Record<string, string>> = {}): Promise<GitCliStore> {
      const env = { ...sandbox.env, GIT_TRACE2_EVENT: sandbox.path('trace'), ...extra };
      store = await openGitStore({ directory: clone, env });
      return store;
    }

    /** How often a git process asked the mirror for objects. */
    function connections(): number {
      const traces = readdirSync(sandbox.path('trace')).map((name) => readFileSync(join(sandbox.path('trace'), name), 'utf8'));
      return traces.filter((text) => /"event":"start".*upload-pack"/.test(text)).length;
    }

    const unknown = (): Oid => '1'.repeat(OID_HEX_LENGTH[format]);

    it('says that it is partial, however that was written down', async () => {
      for (const promisor of ['true', '1', 'yes']) {
        sandbox.git(clone, 'config', 'remote.origin.promisor', promisor);
        expect((await open()).capabilities.partial).to.equal(true);
        await store?.close();
      }
      clone = sandbox.path('mirror');
      expect((await open()).capabilities.partial).to.equal(undefined);
    });

    it('brings what one read misses over one connection, and only once', async () => {
      const git = await open();
      const oids = [...blobs.values()];
      for (let times = 0; times < 2; times++) {
        const objects = await git.read([...oids, tip, ...oids]);
        expect(objects.map((object) => object?.oid)).to.deep.equal([...oids, tip, ...oids]);
        expect(connections()).to.equal(1);
      }
    });

    it('brings what lies at paths, and tells it from paths that are not there', async () => {
      const git = await open();
      const paths = ['nothing', ...blobs.keys(), 'd1', 'd1/nothing', '', 'd1/é1/below'];
      const objects = await git.readPaths(tip, paths);
      const tree = (path: string): Oid => sandbox.git(clone, 'rev-parse', `HEAD:${path}`);
      expect(objects.map((object) => object?.oid ?? null)).to.deep.equal([
        ...[null, ...blobs.values()],
        ...[tree('d1'), null, tree(''), null],
      ]);
      expect(Buffer.from(objects[1]?.body ?? []).toString()).to.match(/^content \d+$/);
      expect(connections()).to.equal(1);
    });

    it('brings in advance, and shares connections among concurrent reads', async () => {
      const git = await open();
      const [first = '', ...rest] = blobs.values();
      await git.prefetch([first]);
      expect(connections()).to.equal(1);
      await git.read([first]);
      expect(connections()).to.equal(1);
      const objects = await Promise.all(rest.map((oid) => git.read([oid])));
      expect(objects.map(([object]) => object?.oid)).to.deep.equal(rest);
      expect(connections()).to.be.at.most(3);
    });

    it('tells headers and ancestors of what is here, and asks nobody', async () => {
      const git = await open();
      const [blob = ''] = blobs.values();
      expect((await git.headers([blob, tip])).map((header) => header?.type ?? null)).to.deep.equal([null, 'commit']);
      expect(await git.isAncestor(unknown(), tip)).to.equal(false);
      expect(await git.isAncestor(tip, unknown())).to.equal(false);
      expect(connections()).to.equal(0);
    });

    it('gives null for what nobody has, and everything else', async () => {
      const git = await open();
      const oids = [...blobs.values()];
      const objects = await git.read([unknown(), ...oids]);
      expect(objects.map((object) => object?.oid ?? null)).to.deep.equal([null, ...oids]);
      const asked = connections();
      expect(asked).to.be.at.most(2);
      await git.prefetch([unknown()]);
      expect(connections()).to.equal(asked);
    });

    it('opens no connection where it must not, and names the object', async () => {
      const git = await open({ GIT_NO_LAZY_FETCH: '1' });
      const oids = [...blobs.values()];
      const ways = [() => git.read(oids), () => git.readPaths(tip, [...blobs.keys()]), () => git.prefetch(oids)];
      for (const way of ways) {
        const error: unknown = await way().catch((thrown: unknown) => thrown);
        if (!KvError.is(error)) throw error;
        expect([error.code, error.message]).to.deep.equal([
          'IO_ERROR',
          `object ${oids[0]} is not in this partial clone (nor are ${FILES - 1} more)`,
        ]);
        expect(error.advice).to.deep.equal({ id: 'fetch-partial' });
      }
      expect((await git.read([tip]))[0]?.type).to.equal('commit');
      await git.prefetch([tip]);
      expect(connections()).to.equal(0);
    });

    it('says what it lacks when the remote is gone, and asks the write side then', async () => {
      const [blob = ''] = blobs.values();
      sandbox.git(clone, 'remote', 'set-url', 'origin', `file://${sandbox.path('gone')}`);
      const error = await (await open()).read([blob]).catch((thrown: unknown) => thrown);
      if (!KvError.is(error)) throw new Error('no error');
      expect([error.code, error.message]).to.deep.equal([
        'IO_ERROR',
        `cannot fetch object ${blob} that this partial clone lacks from file://${sandbox.path('gone')}: '${sandbox.path('gone')}' does not appear to be a git repository`,
      ]);
      await store?.close();
      sandbox.git(clone, 'config', 'remote.origin.pushurl', `file://${sandbox.path('mirror')}`);
      expect((await (await open()).read([blob]))[0]?.oid).to.equal(blob);
      expect(sandbox.git(clone, 'config', '--get-regexp', 'promisor')).to.equal('remote.origin.promisor true');
    });

    it('works from a folder inside, with a relative URL and in a work tree of its own', async () => {
      const [blob = '', other = ''] = blobs.values();
      sandbox.git(clone, 'remote', 'set-url', 'origin', '../mirror');
      const inside = join(clone, 'inside');
      mkdirSync(inside);
      store = await openGitStore({ directory: inside, env: sandbox.env });
      expect((await store.read([blob]))[0]?.oid).to.equal(blob);
      await store.close();
      sandbox.git(clone, 'worktree', 'add', '-q', '--no-checkout', sandbox.path('tree'));
      store = await openGitStore({ directory: sandbox.path('tree'), env: sandbox.env });
      expect((await store.read([other]))[0]?.oid).to.equal(other);
      rmSync(sandbox.path('tree'), { recursive: true });
    });

    it('leaves a complete clone as it was', async () => {
      rmSync(clone, { recursive: true });
      execFileSync('git', ['clone', '-q', '--no-checkout', sandbox.path('mirror'), clone], {
        env: sandbox.env as NodeJS.ProcessEnv,
      });
      const git = await open();
      expect(await git.read([unknown()])).to.deep.equal([null]);
      await git.prefetch([unknown()]);
      expect(connections()).to.equal(0);
      expect(existsSync(join(clone, '.git', 'kv'))).to.equal(false);
    });
  });
}
