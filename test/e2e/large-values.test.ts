import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { World } from './world.js';

const MIB = 1024 * 1024;

for (const hash of ['sha1', 'sha256'] as const) {
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

    it('goes through the Stargate in chunks and comes back from the mirror byte for byte', async () => {
      const receipt = await json('ada', 'set', 'model', file);
      expect(receipt).to.have.nested.property('chunked[0].newBytes', content.length);
      await world.mirrored();
      expect((await read('bob', 'model')).equals(content)).to.equal(true);
      expect((await world.refs()).has(`refs/kv-chunks/main@${receipt['epoch']}`)).to.equal(true);
    });

    it('sends only the chunks that changed', async () => {
      const changed = Buffer.from(content);
      randomBytes(1000).copy(changed, 4 * MIB);
      await writeFile(file, changed);
      const receipt = await json('bob', 'set', 'model', file);
      const [report] = receipt['chunked'] as { newBytes: number; reused: number; chunks: number }[];
      expect(report?.newBytes).to.be.lessThan(2.5 * MIB);
      expect(report?.reused).to.be.greaterThan((report?.chunks ?? 0) / 2);
      expect((await read('ada', 'model', '--read-from=stargate')).equals(changed)).to.equal(true);
      await writeFile(file, content);
    });

    it('a new epoch keeps the values, leaves history and tombstones behind, and clones carry on', async () => {
      await json('ada', 'set', 'cfg:a', '1');
      await json('ada', 'set', 'cfg:b', '2');
      await json('ada', 'del', 'cfg:b');
      const before = await world.refs();
      const refused = await world.kv('bob', ['epoch', 'new', '--label', 'mine']);
      expect(refused.code, refused.stderr).to.equal(3);
      const rolled = await json('ada', 'epoch', 'new', '--label', 'next');
      await world.mirrored();
      const refs = await world.refs();
      expect(refs.get('refs/kv-archive/main@' + rolled['parentEpoch'])).to.be.a('string');
      expect(rolled['parentLedger']).to.equal(before.get('refs/kv/main'));
      const count = await world.git(world.repo, 'ada', ['rev-list', '--count', 'refs/kv/main']);
      expect(count.stdout.trim()).to.equal('1');
      // bob's clone is of the epoch before: it reads and writes on without being told
      expect((await world.kv('bob', ['get', 'cfg:a'])).stdout).to.equal('1');
      expect((await world.kv('bob', ['list', '--prefix', 'cfg:'])).stdout).to.equal('cfg:a\n');
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
