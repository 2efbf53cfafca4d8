import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { World } from '../support/worlds/world.js';
import { formatsOfSession } from '../support/needs/thorough.js';

const MIB = 1024 * 1024;

for (const hash of formatsOfSession('sha1')) {
  describe(`large values and epochs (${hash})`, () => {
    let world: World;
    let file: string;
    const content = randomBytes(8 * MIB);
    before(async () => {
      world = await World.create({ hash, writers: ['ada', 'bob'] });
      for (const person of ['ada', 'bob']) await world.clone(person);
      file = join(world.dir, 'model.bin');
      await writeFile(file, content);
    });
    after(() => world?.close());

    const json = async (person: string, ...args: string[]): Promise<Record<string, unknown>> => {
      const ran = await world.kv(person, [...args, '--json']);
      expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
      return JSON.parse(ran.stdout) as Record<string, unknown>;
    };
    const read = async (person: string, key: string, ...args: string[]): Promise<Buffer> => {
      const out = join(world.dir, `out-${person}`);
      const ran = await world.kv(person, ['get', key, '--output', out, ...args]);
      expect(ran.code, ran.stderr).to.equal(0);
      return readFile(out);
    };

    /** Of a repository's objects, bytes. */
    const sizeOf = async (directory: string): Promise<number> => {
      const { stdout } = await world.git(directory, 'ada', ['count-objects', '-v']);
      return [...stdout.matchAll(/^size(?:-pack)?: (\d+)$/gm)].reduce((sum, [, kib]) => sum + 1024 * Number(kib), 0);
    };

    it('goes through the Stargate in chunks and comes back from the mirror byte for byte', async () => {
      const receipt = await json('ada', 'set', 'model', file);
      expect(receipt).to.have.nested.property('chunked[0].new_bytes', content.length);
      await world.mirrored();
      expect((await read('bob', 'model')).equals(content)).to.equal(true);
      expect((await world.refs()).has(`refs/kv-chunks/main@${receipt['epoch']}`)).to.equal(true);
    });

    it('a get brings the chunks of its own value, and no others', async () => {
      await writeFile(file, randomBytes(4 * MIB));
      await json('ada', 'set', 'other', file);
      await world.mirrored();
      await world.clone('bob', 'fresh');
      const ran = await world.kv('fresh', ['get', 'other', '-o', join(world.dir, 'other')], { person: 'bob' });
      expect(ran.code, ran.stderr).to.equal(0);
      expect((await readFile(join(world.dir, 'other'))).equals(await readFile(file))).to.equal(true);
      expect(await sizeOf(world.clonePath('fresh'))).to.be.within(4 * MIB, 6 * MIB);
      // By Git's older protocol no host gives objects by their ids: then all of the epoch's chunks come.
      await world.clone('bob', 'older');
      await world.git(world.clonePath('older'), 'bob', ['config', 'protocol.version', '0']);
      const whole = await world.kv('older', ['get', 'other', '-o', join(world.dir, 'other')], { person: 'bob' });
      expect(whole.code, whole.stderr).to.equal(0);
      // A snapshot brings what it needs in one go, not value by value.
      await world.clone('bob', 'exporting');
      const trace = join(world.dir, 'trace');
      const exported = await world.kv('exporting', ['snapshot', '--export', join(world.dir, 'snapshot.jsonl')], {
        ...{ person: 'bob', env: { GIT_TRACE: trace } },
      });
      expect(exported.code, exported.stderr).to.equal(0);
      expect((await readFile(trace, 'utf8')).match(/built-in: git fetch(?:-pack)? /g)).to.have.length(2);
      await json('ada', 'del', 'other');
      await writeFile(file, content);
    });

    it('sends only the chunks that changed', async () => {
      const changed = Buffer.from(content);
      randomBytes(1000).copy(changed, 4 * MIB);
      await writeFile(file, changed);
      const receipt = await json('bob', 'set', 'model', file);
      const [report] = receipt['chunked'] as { new_bytes: number; reused: number; chunks: number }[];
      expect(report?.new_bytes).to.be.lessThan(2.5 * MIB);
      expect(report?.reused).to.be.greaterThan((report?.chunks ?? 0) / 2);
      expect((await read('ada', 'model', '--read-from=stargate')).equals(changed)).to.equal(true);
      await writeFile(file, content);
    });

    it('a new epoch keeps the values, leaves history and tombstones behind, and clones carry on', async () => {
      await json('ada', 'set', 'cfg:a', '1');
      await json('ada', 'set', 'cfg:b', '2');
      await json('ada', 'del', 'cfg:b');
      await writeFile(file, randomBytes(MIB / 2));
      for (const key of ['inline:1', 'inline:2']) await json('ada', 'set', key, file);
      await writeFile(file, content);
      await world.mirrored();
      await json('bob', 'list');
      const places = [world.repo, world.mirror, world.clonePath('bob')];
      // a pack is kept as it came, so that the sizes tell what was sent
      await world.git(world.mirror, 'ada', ['config', 'receive.unpackLimit', '1']);
      await world.git(world.clonePath('bob'), 'bob', ['config', 'fetch.unpackLimit', '1']);
      const sizes = await Promise.all(places.map(sizeOf));
      const before = await world.refs();
      const refused = await world.kv('bob', ['epoch', 'new', '--label', 'mine']);
      expect(refused.code, refused.stderr).to.equal(3);
      const rolled = await json('ada', 'epoch', 'new', '--label', 'next');
      await world.mirrored();
      const refs = await world.refs();
      expect(refs.get(`refs/kv-archive/main@${rolled['parent_epoch']}`)).to.be.a('string');
      expect(rolled['parent_ledger']).to.equal(before.get('refs/kv/main'));
      const count = await world.git(world.repo, 'ada', ['rev-list', '--count', 'refs/kv/main']);
      expect(count.stdout.trim()).to.equal('1');
      // bob's clone is of the epoch before: it reads and writes on without being told
      expect((await world.kv('bob', ['get', 'cfg:a'])).stdout).to.equal('1');
      expect((await world.kv('bob', ['list', '--prefix', 'cfg:'])).stdout).to.equal('cfg:a\n');
      // what the new epoch shares with the old one was sent again to nobody
      const grown = (await Promise.all(places.map(sizeOf))).map((size, i) => size - (sizes[i] ?? 0));
      for (const [i, bytes] of grown.entries()) expect(bytes, places[i]).to.be.lessThan(100_000);
      const receipt = await json('bob', 'set', 'cfg:c', '3');
      expect(receipt).to.include({ epoch: 'next' });
      const large = await json('bob', 'set', 'model', file);
      expect(large).to.have.property('epoch', 'next');
      await world.mirrored();
      expect((await read('ada', 'model')).equals(content)).to.equal(true);
    });

    it('a write that races the rollover lands in the new epoch', async () => {
      // ada still believes in the epoch before
      await json('ada', 'set', 'cfg:a', '5');
      const second = await json('ada', 'epoch', 'new', '--label', 'after');
      const receipt = await json('bob', 'set', 'cfg:late', '1');
      expect(receipt).to.include({ epoch: second['epoch'] });
      expect(receipt['retries']).to.be.greaterThan(0);
    });

    it('refuses a label that was used, and one that is none', async () => {
      expect((await world.kv('ada', ['epoch', 'new', '--label', 'next'])).code).to.equal(2);
      expect((await world.kv('ada', ['epoch', 'new', '--label', '../x'])).code).to.equal(64);
    });
  });
}
