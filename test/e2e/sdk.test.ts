import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import { type Clone, openClone } from '../../apps/sdk/index.js';
import { all } from '../support/all.js';
import { failure } from '../support/failure.js';
import { PackedPackage } from '../support/programs/packed-package.js';
import { run } from '../support/programs/processes.js';
import { ROOT } from '../support/root.js';
import { until } from '../support/until.js';
import { World } from '../support/worlds/world.js';

const EXAMPLES = join(ROOT, 'docs', 'examples', 'sdk');

describe('the SDK and a Stargate', () => {
  let world: World;
  before(async () => {
    world = await World.create({ writers: ['ada', 'bob'] });
    for (const person of ['ada', 'bob']) await world.clone(person);
  });
  after(() => world?.close());

  describe('its examples, with the packed package', () => {
    let packed: PackedPackage;
    before(async () => {
      packed = await PackedPackage.make();
      for (const name of ['@types/node', 'undici-types']) await packed.link(name);
      await writeFile(packed.path('package.json'), '{"type":"module"}');
      for (const name of await readdir(EXAMPLES)) await copyFile(join(EXAMPLES, name), packed.path(name));
      await packed.ok(packed.path(), process.execPath, join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', '.');
    });
    after(() => packed?.folder.remove());

    const example = async (name: string, ...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await run(process.execPath, [packed.path(`${name}.js`), ...args], {
        env: world.env('ada'),
      });
      expect(code, stdout + stderr).to.equal(0);
      return stdout;
    };

    it('run word for word', async () => {
      const ada = world.clonePath('ada');
      expect(await example('quick-start', ada)).to.match(
        /^committed [0-9a-f]{10}\ncfg:color is blue\n\{ users: 100 \} true\ncfg:color 5\ncfg:limits 13\n$/,
      );
      const [file, copy] = [packed.path('file'), packed.path('copy')];
      await writeFile(file, randomBytes(3_000_000));
      expect(await example('streams', ada, file, copy)).to.match(/^[1-9]\d* chunks\n3000000 bytes\n$/);
      expect((await readFile(file)).equals(await readFile(copy))).to.equal(true);
      const counted = await Promise.all([example('errors', ada), example('errors', world.clonePath('bob'))]);
      expect(counted.map((text) => /counted to (\d)\n$/.exec(text)?.[1]).sort()).to.deep.equal(['1', '2']);
      expect(await example('watch', ada, 'oldest')).to.match(
        /^ada \[ 'cfg:color' \] \[\]\nada \[ 'cfg:color', 'cfg:limits' \] \[\]\nresume from [0-9a-f]{40}\n$/,
      );
      expect(await example('cancel', ada)).to.equal('INTERRUPTED nothing was written\n');
      await until('the mirror', async () => (await example('many-clones', ada, world.clonePath('bob'))) === 'green green\n');
    });

    it('are what docs/SDK.md shows', async () => {
      const sources = await Promise.all(
        (await readdir(EXAMPLES)).filter((name) => name.endsWith('.ts')).map((name) => readFile(join(EXAMPLES, name), 'utf8')),
      );
      const shown = [...(await readFile(join(ROOT, 'docs', 'SDK.md'), 'utf8')).matchAll(/```ts\n(.*?)```/gs)].map(
        ([, code = '']) => code,
      );
      expect(shown.length).to.be.greaterThan(5);
      for (const code of shown)
        expect(
          sources.some((source) => source.includes(code)),
          code,
        ).to.equal(true);
    });
  });

  describe('its processes', () => {
    let clone: Clone;
    beforeEach(async () => {
      clone = await openClone({ directory: world.clonePath('ada'), env: world.env('ada'), readFrom: 'stargate' });
    });
    afterEach(() => clone.close());

    /** What git and ssh processes this one has, by their command lines. */
    const children = (): string[] =>
      execFileSync('ps', ['-o', 'stat=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => !line.startsWith('Z') && /^\S+\s+(?:git|ssh) /.test(line))
        .map((line) => basename(line.replace(/^\S+\s+/, '')));

    it('are one that reads objects and one that tells sizes for any number of reads, and none once it is closed', async () => {
      await clone.transact(Array.from({ length: 20 }, (_, i) => ({ op: 'set', key: `many:${i}`, value: `${i}` })));
      await clone.set('many:large', randomBytes(100_000)); // small ones are read from Git's files, and start no process
      const entries = await Promise.all(Array.from({ length: 100 }, (_, i) => clone.get(`many:${i % 20}`, { maxAge: 60_000 })));
      expect(entries.map((entry) => entry.text())).to.deep.equal(Array.from({ length: 100 }, (_, i) => `${i % 20}`));
      await clone.close();
      const reader = await openClone({ directory: world.clonePath('ada'), env: world.env('ada'), offline: true });
      await Promise.all(Array.from({ length: 50 }, (_, i) => reader.get(`many:${i % 20}`)));
      expect(children(), 'for small values').to.deep.equal([]);
      await Promise.all(Array.from({ length: 50 }, (_, i) => reader.get(i % 2 === 0 ? 'many:large' : `many:${i % 20}`)));
      const kinds = children().map((line) => /(?:cat-file .*)?$/.exec(line)?.[0] ?? line);
      expect(kinds.filter((kind) => kind !== 'cat-file --batch-check')).to.deep.equal(['cat-file --batch']);
      expect(kinds.length).to.be.at.most(2);
      await reader.close();
      await until('the end of its processes', () => children().length === 0);
    });

    it('end with the call that they run for, whenever that is', async () => {
      const works: ((signal: AbortSignal) => Promise<unknown>)[] = [
        (signal) => clone.get('many:1', { maxAge: 0, signal }),
        (signal) => clone.set('many:1', `${Math.random()}`, { signal }),
        (signal) => clone.setStream('large', [randomBytes(2_000_000)], { signal }),
        (signal) => clone.wait('0'.repeat(40), { signal }),
        (signal) => all(clone.history('many:1', { signal })),
      ];
      const before = await clone.get('many:1', { maxAge: 0 });
      for (const work of works) {
        for (const ms of [0, 5, 20, 60]) {
          const outcome = await work(AbortSignal.timeout(ms)).then(
            () => 'done',
            (error: { readonly code: string }) => error.code,
          );
          expect(outcome).to.be.oneOf(['done', 'INTERRUPTED', 'NOT_FOUND']);
        }
      }
      const lasting = (): string[] => children().filter((line) => !/cat-file|update-ref/.test(line));
      await until('the end of what was cancelled', () => lasting().length === 0, { clue: () => lasting().join('\n') });
      expect((await clone.verify()).faults).to.deep.equal([]);
      expect((await clone.get('many:1', { maxAge: 0 })).txn >= before.txn).to.equal(true);
      const objects = await readdir(join(world.clonePath('ada'), '.git', 'objects', 'pack'));
      expect(objects.filter((name) => name.endsWith('.keep') || name.endsWith('.lock'))).to.deep.equal([]);
    });

    it('are not started by a Stargate that cannot be reached', async () => {
      const lost = await openClone({
        directory: world.clonePath('bob'),
        env: world.env('bob', { GIT_SSH_COMMAND: 'ssh -F /dev/null -o ProxyCommand=/bin/false' }),
        readFrom: 'stargate',
      });
      await failure(lost.get('many:1'), 'IO_ERROR');
      await lost.close();
      await failure(openClone({ directory: join(world.dir, 'nowhere') }), 'IO_ERROR');
    });
  });
});
