import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { COMMANDS } from '../../../apps/cli/commands/index.js';
import { cloneFromMirror, fillLedger, keyOf, must, traced, type Traced } from './promisor.js';
import { World } from '../../support/worlds/world.js';
import { formatsOfSession } from '../../support/needs/thorough.js';

/** Whatever the number of keys, commits and chunks. */
const MOST_FETCHES = 4;
const SIZES = { sha1: { keys: 500, commits: 12, large: 9_000_000 }, sha256: { keys: 60, commits: 4, large: 3_000_000 } };

for (const hash of formatsOfSession('sha1')) {
  describe(`every command in a clone without blobs (${hash})`, () => {
    const { keys } = SIZES[hash];
    const tried = new Set(['help', 'help:exit-codes', 'completion']);
    let world: World;
    let first = '';
    let last = '';
    let stored = '';

    before(async () => {
      world = await World.create({ hash, writers: ['ada', 'bob'] });
      await fillLedger(world, 'ada', SIZES[hash]);
      [first, last] = [(await txnsOf(keyOf(1))).at(-1) as string, (await txnsOf(keyOf(0)))[0] as string];
      stored = (await txnsOf('large'))[0] as string;
      await cloneFromMirror(world, 'bob', 'complete');
      await cloneFromMirror(world, 'bob', 'pristine', 'blob:none');
    });
    after(() => world?.close());

    async function txnsOf(key: string): Promise<string[]> {
      const { stdout } = await must(world.kv('ada', ['history', key, '--json']), 'history');
      return (JSON.parse(stdout) as { history: { txn: string }[] }).history.map(({ txn }) => txn);
    }

    /** A clone without blobs that nothing has been read in. */
    async function fresh(): Promise<string> {
      await rm(world.clonePath('blobless'), { recursive: true, force: true });
      await cp(world.clonePath('pristine'), world.clonePath('blobless'), { recursive: true });
      return 'blobless';
    }

    /** One that knows the ledger, and has no blob. */
    async function fetched(): Promise<string> {
      const clone = await fresh();
      expect((await run(clone, ['get', 'no:such'])).code).to.equal(6);
      return clone;
    }

    async function run(clone: string, args: readonly string[], input = ''): Promise<Traced> {
      tried.add(Object.keys(COMMANDS).find((id) => id.split(':').every((word, i) => args[i] === word)) ?? '');
      const person = clone === 'ada' ? 'ada' : 'bob';
      const ran = await traced(world, clone, args, { person, input });
      if (clone !== 'complete') expect(ran.fetches, `${args.join(' ')}: fetches`).to.be.at.most(MOST_FETCHES);
      return ran;
    }

    /** The same answer as a complete clone gives, in no more fetches than allowed; gives how many there were. */
    async function same(args: readonly string[], input = ''): Promise<number> {
      const there = await run('complete', args, input);
      const here = await run(await fresh(), args, input);
      expect(here.stderr + neutral(here.stdout), args.join(' ')).to.equal(there.stderr + neutral(there.stdout));
      expect(here.code, args.join(' ')).to.equal(there.code);
      return here.fetches;
    }

    /** Without what a new transaction has to itself. */
    const neutral = (text: string): string =>
      text
        .replace(/\b[0-9A-HJKMNP-TV-Z]{26}\b/g, 'TXN')
        .replace(/"(commit|tree|oid|index)":"[0-9a-f]+"/g, '"$1":"OID"')
        .replace(/^(tree +)[0-9a-f]+$/m, '$1OID');

    it('get', async () => {
      expect(await same(['get', keyOf(1)])).to.equal(1);
      await same(['get', keyOf(1), '--json']);
      await same(['get', keyOf(7), '--json']); // has a TTL
      await same(['get', keyOf(0), '--at', first]);
      await same(['get', keyOf(3)]); // deleted
      await same(['get', 'no:such']);
      await same(['get', keyOf(1), '--at', '0'.repeat(hash === 'sha1' ? 40 : 64)]);
    });

    it('get of a chunked value', async () => {
      await same(['get', 'large', '--json']);
      // The manifest with the metadata, and all chunks.
      expect((await run(await fresh(), ['get', 'large', '--output', 'out'])).fetches).to.equal(2);
      await run('complete', ['get', 'large', '--output', 'out']);
      const [here, there] = await Promise.all(
        ['blobless', 'complete'].map((name) => readFile(join(world.clonePath(name), 'out'))),
      );
      expect(Buffer.compare(here as Buffer, there as Buffer)).to.equal(0);
    });

    it('list and blame', async () => {
      await same(['list']);
      await same(['list', '--long']);
      await same(['list', '--prefix', 'user:00000', '--json', '--long']);
      await same(['list', '--long', '--at', first]);
      await same(['blame', '--commits']);
    });

    it('history and diff', async () => {
      await same(['history', keyOf(0)]);
      await same(['history', 'large', '--json']);
      await same(['history', keyOf(3), '--epochs']);
      await same(['diff', first]);
      await same(['diff', first, last, '--json']);
    });

    it('snapshot', async () => {
      await same(['snapshot', '--export', '-']);
      await same(['snapshot', '--export', '-', '--prefix', 'user:0000', '--provenance']);
    });

    it('watch, which needs no blob at all', async () => {
      expect(await same(['watch', '--since', 'oldest', '--once', '--json'])).to.equal(0);
    });

    it('verify, which says what it did not read', async () => {
      for (const full of [[], ['--full']]) {
        const clone = await fetched();
        const { code, stdout, stderr, fetches } = await run(clone, ['verify', ...full]);
        expect(code, stdout + stderr).to.equal(0);
        expect(stdout + stderr).to.contain('made with a filter');
        expect(fetches).to.be.at.most(1); // the policy
        const config = ['config', 'remote.origin.promisor', '1']; // true, as git reads it
        await must(world.git(world.clonePath(clone), 'bob', config), 'config');
        const again = await run(clone, ['verify', ...full]);
        expect([again.stdout + again.stderr, again.fetches]).to.deep.equal([stdout + stderr, 0]);
      }
    });

    it('plans of writes', async () => {
      await same(['revert', last, '--dry-run', '--json']);
      await same(['revert', first, '--dry-run']);
      await same(['restore', '--prefix', 'user:', '--at', first, '--dry-run', '--json']);
      await same(['set', keyOf(1), '--value', 'new', '--dry-run']);
      const lines = Array.from({ length: keys }, (_, i) =>
        JSON.stringify({ op: 'set', key: keyOf(i), value: `new ${i}`, ttl: 'none' }),
      );
      await same(['mset', '--file', '-', '--dry-run'], lines.join('\n'));
    });

    it('offline: names what is not here, says what to do, and opens no connection', async () => {
      const clone = await fetched();
      for (const args of [
        ['get', keyOf(1)],
        ['list', '--long'],
        ['snapshot', '--export', '-'],
        ['history', keyOf(0)],
        ['get', 'large'],
      ]) {
        const { code, stderr, fetches } = await run(clone, [...args, '--offline']);
        expect([code, fetches], args.join(' ')).to.deep.equal([5, 0]);
        expect(stderr).to.match(
          /^error: object [0-9a-f]{40,64} is not in this partial clone.*\nhint: run it once without --offline/,
        );
      }
      await run(clone, ['get', keyOf(1)]);
      expect((await run(clone, ['get', keyOf(1), '--offline'])).stdout).to.equal('value 1 of the first transaction');
      expect((await run(clone, ['get', 'no:such', '--offline'])).code).to.equal(6);
    });

    it('writes, which a complete clone then reads', async () => {
      const clone = await fresh();
      const ok = async (args: readonly string[], input = ''): Promise<Record<string, unknown>> => {
        const { code, stdout, stderr } = await run(clone, [...args, '--json'], input);
        expect(code, `${args.join(' ')}\n${stdout}${stderr}`).to.equal(0);
        return JSON.parse(stdout) as Record<string, unknown>;
      };
      await ok(['set', keyOf(1), '--value', 'set']);
      await ok(['del', keyOf(2)]);
      const { oid } = await ok(['get', keyOf(4)]);
      await ok(['cas', 'set', keyOf(4), '--value', 'compared', '--expect-blob', oid as string]);
      const lines = Array.from({ length: keys - 10 }, (_, i) =>
        JSON.stringify({ op: 'set', key: keyOf(i + 10), value: `second ${i}` }),
      );
      const { txn } = await ok(['mset', '--file', '-'], lines.join('\n'));
      await ok(['revert', txn as string]);
      await ok(['restore', keyOf(0), 'large', '--at', first]);
      await ok(['import', '-', '--add-prefix', 'copy:'], lines.join('\n'));
      const { commit } = await ok(['restore', 'large', '--at', stored]);
      await ok(['wait', '--oid', commit as string, '--visible-on=mirror']);
      const value = async (key: string): Promise<string> => (await run('complete', ['get', key])).stdout;
      expect(await Promise.all([1, 4, 10, 0].map((i) => value(keyOf(i))))).to.deep.equal([
        ...['set', 'compared', 'value 10 of the first transaction', 'value 0 of the first transaction'],
      ]);
      expect(await value('large')).to.equal((await run(clone, ['get', 'large'])).stdout);
      expect(await value(`copy:${keyOf(10)}`)).to.equal('second 0');
      await must(world.git(world.clonePath(clone), 'bob', ['fsck', '--connectivity-only']), 'fsck');
      await same(['list', '--long', '--prefix', 'user:']);
    });

    it('an admin: init, setup, status, a new epoch, compaction', async () => {
      await cloneFromMirror(world, 'ada', 'admin', 'blob:none');
      const ok = async (args: readonly string[], input = ''): Promise<void> => {
        tried.add(Object.keys(COMMANDS).find((id) => id.split(':').every((word, i) => args[i] === word)) ?? '');
        const { code, stdout, stderr, fetches } = await traced(world, 'admin', args, { person: 'ada', input });
        expect(code, `${args.join(' ')}\n${stdout}${stderr}`).to.equal(0);
        expect(fetches, args.join(' ')).to.be.at.most(MOST_FETCHES);
      };
      await ok(['remote', 'setup']);
      await ok(['init']);
      await ok(['stargate', 'status']);
      await ok(['stargate', 'sync', '--dry-run']);
      await ok(['set', 'large', '-'], 'x'.repeat(2_000_000));
      await ok(['epoch', 'new', '--label', 'second']);
      await world.mirrored();
      await same(['list', '--long', '--prefix', 'copy:']);
      await same(['get', 'large']);
      await same(['history', keyOf(0), '--epochs']);
      await same(['get', keyOf(0), '--at', first]);
      await same(['watch', '--since', 'oldest', '--once', '--json']);
      await ok(['compact', '--dry-run']);
      await ok(['reality', 'new', 'tried']);
      await ok(['--reality', 'tried', 'set', keyOf(0), 'otherwise']);
      await ok(['reality', 'list']);
      await ok(['reality', 'diff', 'tried']);
      await ok(['reality', 'validate', 'tried']);
      await ok(['reality', 'promote', 'tried', '--keep']);
      await ok(['reality', 'drop', 'tried']);
    });

    it('and no command was left out', () => {
      const others = Object.keys(COMMANDS).filter((id) => !/^(?:plugins?|mirror):/.test(id)); // they read nothing of a clone's values
      expect(others.filter((id) => !tried.has(id))).to.deep.equal([]);
    });
  });
}
