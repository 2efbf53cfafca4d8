import { randomBytes } from 'node:crypto';
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Ran } from '../../support/programs/processes.js';
import { World } from '../../support/worlds/world.js';
import { formatsOfSession } from '../../support/needs/thorough.js';

const MIB = 1024 * 1024;

for (const hash of formatsOfSession('sha256')) {
  describe(`history and time travel across epochs (${hash})`, () => {
    let world: World;
    const model = randomBytes(3 * MIB);
    const txns: Record<string, string> = {};
    const commits: Record<string, string> = {};
    let noon = '';
    before(async () => {
      world = await World.create({ hash, writers: ['ada', 'bob'] });
      for (const person of ['ada', 'bob']) await world.clone(person);
      const file = join(world.dir, 'model.bin');
      await writeFile(file, model);
      await write('ada', 'first', 'mset', '--file', '-', {
        input: '{"op":"set","key":"cfg:mode","value":"off"}\n{"op":"set","key":"cfg:size","value":"1","ttl":"30d"}\n',
      });
      await write('bob', 'large', 'set', 'model', file);
      noon = await received(commits['large'] as string);
      await ok('ada', 'list', '--read-from=stargate');
      await write('ada', 'gone', 'del', 'model', 'cfg:mode');
      await write('bob', 'again', 'set', 'cfg:mode', 'on');
      await json('ada', 'epoch', 'new', '--label', 'next');
      await write('bob', 'second', 'set', 'cfg:mode', 'dark');
      await write('ada', 'extra', 'set', 'cfg:new', 'x');
      await world.mirrored();
    });
    after(() => world?.close());

    async function json(person: string, ...args: (string | { input: string })[]): Promise<Record<string, unknown>> {
      const options = args.find((arg) => typeof arg !== 'string');
      const ran = await world.kv(person, [...args.filter((arg) => typeof arg === 'string'), '--json'], options ?? {});
      expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
      return JSON.parse(ran.stdout) as Record<string, unknown>;
    }

    async function write(
      person: string,
      name: string,
      ...args: (string | { input: string })[]
    ): Promise<Record<string, unknown>> {
      const receipt = await json(person, ...args);
      txns[name] = receipt['txn'] as string;
      commits[name] = receipt['commit'] as string;
      return receipt;
    }

    /** When the Stargate says that it took a commit. */
    async function received(oid: string): Promise<string> {
      const log = await world.git(world.repo, 'ada', ['log', '--all', '--format=%B', '--grep', `"oid":"${oid}"`]);
      return (JSON.parse(log.stdout.trim()) as { received: string }).received;
    }

    const ok = async (person: string, ...args: string[]): Promise<Ran> => {
      const ran = await world.kv(person, args);
      expect(ran.code, ran.stderr).to.equal(0);
      return ran;
    };
    const fails = async (code: number, ...args: string[]): Promise<Ran> => {
      const ran = await world.kv('ada', args);
      expect(ran.code, ran.stdout + ran.stderr).to.equal(code);
      return ran;
    };

    it('history: the current epoch, and a word about the others', async () => {
      const short = await ok('ada', 'history', 'cfg:mode');
      expect(short.stdout.trim().split('\n')).to.have.length(2);
      expect(short.stdout).to.contain('bob ').and.not.to.contain('bob@example.org'); // the signer, as the policy names the key
      expect(short.stderr).to.match(/goes on in epoch \S+: --epochs/);
      const unchanged = await ok('ada', 'history', 'cfg:size');
      expect(unchanged.stdout).to.equal('');
      expect(unchanged.stderr).to.contain('--epochs');
      await fails(6, 'history', 'model');
    });

    it('history --epochs: every change in any epoch, signers and receipt times, no rollover', async () => {
      const { history } = (await json('ada', 'history', 'cfg:mode', '--epochs')) as { history: Record<string, unknown>[] };
      expect(history.map(({ op, txn, signer, size }) => [op, txn, signer, size])).to.deep.equal([
        ['set', txns['second'], 'bob', 4],
        ['set', txns['again'], 'bob', 2],
        ['del', txns['gone'], 'ada', null],
        ['set', txns['first'], 'ada', 3],
      ]);
      expect(history.map(({ epoch }) => epoch === 'next')).to.deep.equal([true, false, false, false]);
      expect(history[1]?.['received']).to.equal(await received(commits['again'] as string));
      const large = (await json('bob', 'history', 'model', '--epochs')) as { history: Record<string, unknown>[] };
      expect(large.history.map(({ op, size }) => [op, size])).to.deep.equal([
        ['del', null],
        ['set', model.length],
      ]);
      expect((await ok('ada', 'history', 'cfg:mode', '--epochs', '--limit', '2')).stdout.trim().split('\n')).to.have.length(3);
    });

    it('get --at and list --at: by commit, its beginning, transaction and receipt time', async () => {
      const { large, gone } = commits as Record<'large' | 'gone', string>;
      for (const at of [large, large.slice(0, 10), txns['large'] as string, txns['large']?.slice(-8) as string, noon]) {
        expect((await ok('ada', 'get', 'cfg:mode', '--at', at)).stdout, at).to.equal('off');
        expect((await ok('bob', 'list', '--at', at)).stdout, at).to.equal('cfg:mode\ncfg:size\nmodel\n');
      }
      const out = join(world.dir, `out-${hash}`);
      await ok('ada', 'get', 'model', '--at', noon, '--output', out);
      expect((await readFile(out)).equals(model)).to.equal(true);
      expect((await ok('ada', 'get', 'model', '--at', noon, '--output', out, '--offline')).code).to.equal(0);
      expect((await ok('ada', 'list', '--at', gone)).stdout).to.equal('cfg:size\n');
      await fails(6, 'get', 'cfg:mode', '--at', gone);
      const unknown = await fails(6, 'get', 'cfg:mode', '--at', '2001-01-01');
      expect(unknown.stderr).to.contain('the oldest that can be had is').and.to.contain(commits['first']?.slice(0, 12));
      await fails(6, 'get', 'cfg:mode', '--at', '01ARZ3NDEKTSV4RRFFQ69G5FAV');
      await fails(6, 'list', '--at', 'f'.repeat(large.length));
      await fails(64, 'get', 'cfg:mode', '--at', 'the day before');
      await fails(64, 'diff', 'abc');
    });

    it('a fresh clone fetches what it is asked for, and offline says what it has not got', async () => {
      const name = 'fresh';
      await world.clone('bob', name);
      const offline = await world.kv(name, ['get', 'cfg:mode', '--at', txns['large'] as string, '--offline'], { person: 'bob' });
      expect(offline.code, offline.stderr).to.equal(6);
      await world.kv(name, ['list'], { person: 'bob' });
      const without = await world.kv(name, ['get', 'cfg:mode', '--at', txns['large'] as string, '--offline'], { person: 'bob' });
      expect(without.code, without.stderr).to.equal(6);
      expect(without.stderr).to.contain('leave --offline out');
      const found = await world.kv(name, ['get', 'cfg:mode', '--at', txns['large'] as string], { person: 'bob' });
      expect(found.stdout).to.equal('off');
      await rm(world.clonePath(name), { recursive: true });
    });

    it('diff: across epochs, sorted, with sizes', async () => {
      const ran = await ok('ada', 'diff', commits['large']?.slice(0, 12) as string);
      const lines = ran.stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.trim().split(/ {2,}/));
      expect(lines).to.deep.equal([
        ['M', '3 B', '4 B', 'cfg:mode'],
        ['A', '-', '1 B', 'cfg:new'],
        ['D', '3.1 MB', '-', 'model'],
      ]);
      const two = (await json('ada', 'diff', txns['gone'] as string, txns['again'] as string, '--prefix', 'cfg:')) as {
        changes: Record<string, unknown>[];
        from: Record<string, unknown>;
      };
      expect(two.changes.map(({ key, change }) => [key, change])).to.deep.equal([['cfg:mode', 'added']]);
      expect(two.from).to.include({ commit: commits['gone'], by: 'txn' });
      expect(await json('ada', 'diff', txns['gone'] as string, txns['gone'] as string)).to.deep.include({ changes: [] });
    });

    it('blame: the transaction and the commit of each live key', async () => {
      const { keys } = (await json('bob', 'blame', '--commits')) as { keys: Record<string, unknown>[] };
      expect(keys.map(({ key, txn, commit, author, by, source }) => [key, txn, commit, author, by, source])).to.deep.equal([
        ['cfg:mode', txns['second'], commits['second'], 'bob@example.org', 'bob', 'signature'],
        ['cfg:new', txns['extra'], commits['extra'], 'ada@example.org', 'ada', 'signature'],
        ['cfg:size', txns['first'], commits['first'], 'ada@example.org', 'ada', 'signature'],
      ]);
      expect((await ok('bob', 'blame', '--prefix', 'cfg:n', '--claims')).stdout).to.match(
        /ada@example\.org \(claimed\) +cfg:new\n$/,
      );
      expect((await ok('bob', 'blame', '--prefix', 'cfg:n')).stdout).to.match(
        /^time +txn +by +key\n\S+ \S+ {2}\S{26} {2}ada +cfg:new\n$/,
      );
    });

    it('revert: refuses with the keys that changed since, and writes nothing', async () => {
      const before = await world.refs();
      const ran = await fails(2, 'revert', txns['first']?.slice(-10) as string);
      expect(ran.stderr).to.contain('"cfg:mode"').and.not.to.contain('"cfg:size"');
      expect(await world.refs()).to.deep.equal(before);
      await fails(6, 'revert', '01ARZ3NDEKTSV4RRFFQ69G5FAV');
      await fails(64, 'revert', 'the day before');
    });

    it('revert: undoes a transaction, in the epoch before too, signed like any other write', async () => {
      const dry = await json('ada', 'revert', txns['extra'] as string, '--dry-run');
      expect(dry).to.deep.include({ del: ['cfg:new'], commit: null });
      const undone = await write('ada', 'undone', 'revert', txns['extra'] as string);
      expect(undone).to.deep.include({ set: [], del: ['cfg:new'], epoch: 'next' });
      const subject = await world.git(world.repo, 'ada', ['log', '-1', '--format=%s', 'refs/kv/main']);
      expect(subject.stdout).to.equal(`kv: main: revert ${txns['extra']}\n`);
      // Undo the undoing, from a clone that has not heard of it
      expect(await write('bob', 'back', 'revert', txns['undone'] as string)).to.deep.include({ set: ['cfg:new'] });
      await world.mirrored();
      expect((await ok('ada', 'get', 'cfg:new')).stdout).to.equal('x');
      await fails(2, 'revert', txns['undone'] as string);
    });

    it('restore: a chunked value over a rollover, a TTL that lasts, and what was not there goes', async () => {
      const receipt = await write('ada', 'restored', 'restore', 'model', 'cfg:mode', 'cfg:new', 'cfg:size', '--at', noon);
      expect(receipt).to.deep.include({ set: ['model', 'cfg:mode'], del: ['cfg:new'], epoch: 'next' });
      await world.mirrored();
      const out = join(world.dir, `restored-${hash}`);
      await ok('bob', 'get', 'model', '--output', out);
      expect((await readFile(out)).equals(model)).to.equal(true);
      expect((await ok('bob', 'get', 'cfg:mode')).stdout).to.equal('off');
      const { history } = (await json('bob', 'history', 'model', '--epochs')) as { history: Record<string, unknown>[] };
      expect(history.map(({ op }) => op)).to.deep.equal(['set', 'del', 'set']);
      // Now that the epoch has the chunks, none is cut again, and deleting brings them no harm.
      await ok('ada', 'list', '--read-from=stargate');
      await write('ada', 'gone2', 'del', 'model');
      expect(await write('bob', 'put', 'revert', txns['gone2'] as string)).to.deep.include({ set: ['model'], chunked: [] });
      await ok('ada', 'get', 'model', '--output', out, '--read-from=stargate');
      expect((await readFile(out)).equals(model)).to.equal(true);
      // Everything as it was at the last write of the epoch before
      const all = await json('ada', 'restore', '--prefix', '', '--at', txns['again'] as string);
      expect(all).to.deep.include({ set: ['cfg:mode'], del: ['model'] });
      expect(await json('ada', 'restore', '--prefix', '', '--at', txns['again'] as string)).to.deep.include({ commit: null });
      await fails(6, 'restore', 'nowhere', '--at', noon);
      await fails(64, 'restore', '--at', noon);
    });

    it('a clone without blobs fetches those that it needs', async () => {
      const path = world.clonePath('thin');
      await world.git(world.mirror, 'ada', ['config', 'uploadpack.allowFilter', 'true']);
      const steps = [
        ['init', '-q', `--object-format=${hash}`, path],
        ['-C', path, 'remote', 'add', 'origin', `file://${world.mirror}`],
        ['-C', path, 'config', 'remote.origin.promisor', 'true'],
        ['-C', path, 'config', 'remote.origin.partialclonefilter', 'blob:none'],
        ['-C', path, 'config', 'extensions.partialClone', 'origin'],
      ];
      for (const step of steps) expect((await world.git(world.dir, 'bob', step)).code, step.join(' ')).to.equal(0);
      const thin = (...args: string[]): Promise<Ran> => world.kv('thin', args, { person: 'bob' });
      expect((await thin('get', 'cfg:mode', '--at', txns['large'] as string)).stdout).to.equal('off');
      const history = await thin('history', 'cfg:size', '--epochs');
      expect(history.stdout.trim().split('\n'), history.stderr).to.have.length(2);
      const diff = await thin('diff', txns['first'] as string, txns['large'] as string);
      expect(diff.stdout, diff.stderr).to.match(/^A {2}.* model\n$/);
      expect((await thin('list', '--at', noon)).stdout).to.equal('cfg:mode\ncfg:size\nmodel\n');
    });

    it('a shallow clone does not take its edge for a change', async () => {
      const path = world.clonePath('shallow');
      await world.git(world.dir, 'bob', ['init', '-q', `--object-format=${hash}`, path]);
      await world.git(path, 'bob', ['remote', 'add', 'origin', `file://${world.mirror}`]);
      const refs = ['kv', 'kv-index'].map((kind) => `refs/${kind}/main:refs/kv-tracking/mirror/${kind}/main`);
      const fetched = await world.git(path, 'bob', ['fetch', '-q', '--depth', '1', 'origin', ...refs]);
      expect(fetched.code, fetched.stderr).to.equal(0);
      const ran = await world.kv('shallow', ['history', 'cfg:size', '--offline', '--epochs'], { person: 'bob' });
      expect([ran.code, ran.stdout], ran.stderr).to.deep.equal([0, '']);
    });

    it('a mirror that shows another past is found out', async () => {
      const name = 'fooled';
      await world.clone('bob', name);
      const archive = [...(await world.refs(world.mirror))].find(([ref]) => ref.startsWith('refs/kv-archive/'))?.[0] as string;
      const true_ = (await world.refs(world.mirror)).get(archive) as string;
      const parents = (await world.git(world.mirror, 'ada', ['rev-parse', `${true_}^1^`, `${true_}^2`, `${true_}^{tree}`])).stdout
        .trim()
        .split('\n');
      const env = { GIT_AUTHOR_NAME: 'x', GIT_AUTHOR_EMAIL: 'x', GIT_COMMITTER_NAME: 'x', GIT_COMMITTER_EMAIL: 'x' };
      const forged = await world.git(
        world.mirror,
        'ada',
        ['commit-tree', '-p', parents[0] as string, '-p', parents[1] as string, '-m', 'forged', parents[2] as string],
        { env },
      );
      await world.git(world.mirror, 'ada', ['update-ref', archive, forged.stdout.trim()]);
      const ran = await world.kv(name, ['get', 'cfg:mode', '--at', txns['large'] as string], { person: 'bob' });
      expect(ran.code, ran.stdout + ran.stderr).to.equal(8);
      await world.git(world.mirror, 'ada', ['update-ref', archive, true_]);
    });

    it('a commit-graph with filters changes no answer', async () => {
      const before = await json('ada', 'history', 'cfg:mode', '--epochs', '--offline');
      const { stdout } = await world.git(world.clonePath('ada'), 'ada', ['rev-parse', 'refs/kv/main']);
      const made = await world.git(
        world.clonePath('ada'),
        'ada',
        ['commit-graph', 'write', '--stdin-commits', '--changed-paths', '--split=replace'],
        {
          input: stdout,
        },
      );
      expect(made.code, made.stderr).to.equal(0);
      await access(join(world.clonePath('ada'), '.git', 'objects', 'info', 'commit-graphs'));
      expect(await json('ada', 'history', 'cfg:mode', '--epochs', '--offline')).to.deep.equal(before);
    });
  });
}
