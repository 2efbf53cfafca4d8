import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Ran } from '../support/programs/processes.js';
import { World } from '../support/worlds/world.js';

const MIB = 1024 * 1024;

/** What can go wrong between the mirror and a file: said clearly, and no file, old or half, is touched. */
describe('a large value that cannot be put together again', () => {
  let world: World;
  let folder: string;
  let chunk: { digest: string; blob: string; place: number };
  const content = randomBytes(8 * MIB);
  before(async () => {
    world = await World.create({ writers: ['ada', 'bob', 'carl'], namespaces: ['main', 'slow'] });
    for (const person of ['ada', 'bob', 'carl']) await world.clone(person);
    folder = join(world.dir, 'out');
    await mkdir(folder);
    const file = join(world.dir, 'model.bin');
    for (const [key, bytes] of [
      ['slow', randomBytes(48 * MIB)],
      ['model', content],
    ] as const) {
      await writeFile(file, bytes);
      expect(
        (await world.kv(key === 'slow' ? 'carl' : 'ada', ['set', key, file, ...(key === 'slow' ? ['--ns', 'slow'] : [])])).code,
      ).to.equal(0);
    }
    await world.mirrored();
    const tree = await world.git(world.repo, 'ada', ['ls-tree', '-r', 'refs/kv/main']);
    const manifest = /blob ([0-9a-f]+)\t.*manifest\.json/.exec(tree.stdout)?.[1] as string;
    const { chunks } = JSON.parse((await world.git(world.repo, 'ada', ['cat-file', 'blob', manifest])).stdout) as {
      chunks: { digest: string; blob_oid: string }[];
    };
    const place = 10;
    chunk = { digest: (chunks[place]?.digest ?? '').slice('sha256:'.length), blob: chunks[place]?.blob_oid as string, place };
  });
  after(() => world?.close());
  beforeEach(() => writeFile(join(folder, 'model'), 'as it was'));

  const untouched = async (): Promise<void> => {
    expect(await readdir(folder)).to.deep.equal(['model']);
    expect(await readFile(join(folder, 'model'), 'utf8')).to.equal('as it was');
  };
  const get = (clone: string, ...args: string[]): Promise<Ran> =>
    world.kv(clone, ['get', 'model', '--output', join(folder, 'model'), ...args], { person: 'bob' });
  /** Takes an object out of a repository whose objects are all in packs. */
  const withoutObject = async (repo: string, oid: string): Promise<() => Promise<void>> => {
    const dir = (await world.git(repo, 'ada', ['rev-parse', '--absolute-git-dir'])).stdout.trim();
    const packs = (await readdir(join(dir, 'objects/pack'))).filter((name) => name.endsWith('.pack'));
    for (const name of packs) {
      const bytes = await readFile(join(dir, 'objects/pack', name));
      await rm(join(dir, 'objects/pack', name));
      await rm(join(dir, 'objects/pack', name.replace(/pack$/, 'idx')));
      const unpacked = await world.git(dir, 'ada', ['unpack-objects', '-q'], { input: bytes });
      expect(unpacked.code, unpacked.stderr).to.equal(0);
    }
    const loose = join(dir, 'objects', oid.slice(0, 2), oid.slice(2));
    const bytes = await readFile(loose);
    await rm(loose);
    return () => writeFile(loose, bytes);
  };

  it('a chunk that the mirror has lost: the mirror’s own words, and the Stargate has it', async () => {
    const restore = await withoutObject(world.mirror, chunk.blob);
    await world.clone('bob', 'bob-2');
    const ran = await get('bob-2');
    expect(ran.code, ran.stderr).to.equal(5);
    expect(ran.stderr, ran.stderr).to.contain("cannot fetch from 'origin'").and.to.contain(chunk.blob);
    await untouched();
    const other = await get('bob-2', '--read-from=stargate');
    expect(other.code, other.stderr).to.equal(0);
    expect((await readFile(join(folder, 'model'))).equals(content)).to.equal(true);
    await restore();
  });

  it('a chunk that this clone has lost is fetched anew; where that can’t be, it is named', async () => {
    // By Git's older protocol no host gives objects by their ids.
    const git = (...args: string[]): Promise<Ran> => world.git(world.clonePath('bob'), 'bob', args);
    await git('config', 'protocol.version', '0');
    expect((await get('bob')).code).to.equal(0);
    await writeFile(join(folder, 'model'), 'as it was');
    await withoutObject(world.clonePath('bob'), chunk.blob);
    const isNamed = async (ran: Ran): Promise<void> => {
      expect(ran.code, ran.stderr).to.equal(6);
      expect(ran.stderr)
        .to.contain(`chunk ${chunk.place + 1} of `)
        .and.to.contain(chunk.digest.slice(0, 12))
        .and.to.contain('is missing');
      await untouched();
    };
    await isNamed(await get('bob', '--offline'));
    const ran = await get('bob');
    await isNamed(ran);
    const hint = /git fetch --refetch REMOTE (\S+) \(git 2\.36;/.exec(ran.stderr)?.[1] as string;
    const refetches = !/ 2\.3[45]\./.test((await git('version')).stdout);
    if (refetches) {
      const fetched = await git('fetch', '-q', '--refetch', world.mirror, hint);
      expect(fetched.code, fetched.stderr).to.equal(0);
    } else await world.clone('bob', 'bob-anew');
    expect((await get(refetches ? 'bob' : 'bob-anew')).code).to.equal(0);
    await git('config', '--unset', 'protocol.version');
    if (refetches) await withoutObject(world.clonePath('bob'), chunk.blob);
    expect((await get('bob')).code).to.equal(0);
    expect((await readFile(join(folder, 'model'))).equals(content)).to.equal(true);
  });

  for (const [what, damage] of [
    ['bytes that are not what they were', (file: string, at: number) => overwrite(file, at)],
    ['a file that is cut short', async (file: string) => writeFile(file, (await readFile(file)).subarray(0, 1000))],
  ] as const) {
    it(`a damaged chunk, ${what}: named, with exit 8`, async () => {
      const clone = `bob-${what.length}`;
      await world.clone('bob', clone);
      expect((await get(clone)).code).to.equal(0);
      await writeFile(join(folder, 'model'), 'as it was');
      const restore = await withoutObject(world.clonePath(clone), chunk.blob);
      await restore();
      const loose = join(world.clonePath(clone), '.git/objects', chunk.blob.slice(0, 2), chunk.blob.slice(2));
      await damage(loose, 5000);
      for (const args of [[], ['--offline']]) {
        const ran = await get(clone, ...args);
        expect(ran.code, ran.stderr).to.equal(8);
        expect(ran.stderr)
          .to.contain(`chunk ${chunk.place + 1} of `)
          .and.to.contain(chunk.digest.slice(0, 12))
          .and.to.contain('is damaged');
        await untouched();
      }
    });
  }

  it('a full disk: IO_ERROR, and nothing left', async () => {
    // As on a full disk, a write fails in the middle: the limit counts in blocks of 512 or 1,024 bytes.
    const ran = await world.run(
      'sh',
      ['-c', 'ulimit -f 2048; exec git kv get model --offline --output "$0"', join(folder, 'model')],
      {
        cwd: world.clonePath('ada'),
        env: world.env('ada'),
      },
    );
    expect(ran.code, ran.stderr).to.equal(5);
    expect(ran.stderr).to.contain(`cannot write ${join(folder, 'model')}`);
    await untouched();
  });

  it('a full standard output: IO_ERROR', async () => {
    const ran = await world.run('sh', ['-c', 'exec git kv get model --offline >/dev/full'], {
      cwd: world.clonePath('ada'),
      env: world.env('ada'),
    });
    expect(ran.code, ran.stderr).to.equal(5);
    expect(ran.stderr).to.contain('cannot write to standard output');
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`${signal} in the middle: 130, and nothing left`, async () => {
      const drafts = watch(folder);
      const begun = once(drafts, 'change');
      const child = spawn(
        join(world.dir, 'bin', 'git-kv'),
        ['get', 'slow', '--ns', 'slow', '--offline', '--output', join(folder, 'model')],
        {
          cwd: world.clonePath('carl'),
          env: world.env('carl'),
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      );
      const ended = once(child, 'exit');
      await begun;
      child.kill(signal);
      const [code, by] = (await ended) as [number | null, string | null];
      drafts.close();
      expect([code, by]).to.deep.equal([130, null]);
      await untouched();
    });
  }
});

async function overwrite(file: string, at: number): Promise<void> {
  const bytes = await readFile(file);
  bytes.fill(0x55, at, at + 16);
  await rm(file); // git makes them read-only
  const handle = await open(file, 'w');
  await handle.writeFile(bytes);
  await handle.close();
}
