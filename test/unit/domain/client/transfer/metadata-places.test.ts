import { expect } from 'chai';
import { utf8 } from '../../../../../domain/git/bytes.js';
import { MetadataPlaces } from '../../../../../domain/client/transfer/metadata-places.js';
import { newestTip } from '../../../../../domain/client/clone/tips.js';
import { write } from '../../../../../domain/client/write/write.js';
import { pathsOf, placeOf } from '../../../../../domain/ledger/paths.js';
import { FORMATS } from '../../../../support/memory/memory.js';
import { type MemoryClient, openMemoryPlace } from '../../../../support/memory/client.js';

for (const format of FORMATS) {
  describe(`where metadata is (${format})`, () => {
    const keys = Array.from({ length: 300 }, (_, i) => `user:${i}:näme`);
    let place: MemoryClient;
    let root: string;
    let expected: (string | undefined)[];

    before(async () => {
      place = await openMemoryPlace(format, 'wendy');
      const { clone } = place;
      const operations = [...keys, 'other'].map((key) => ({ op: 'set' as const, key, value: utf8(`v ${key}`) }));
      await write(clone, { ns: 'main', operations });
      root = (await newestTip(clone, 'main'))?.commit.tree ?? '';
      const paths = keys.map((key) => pathsOf('main', placeOf(key, clone.hasher)).meta);
      expected = (await clone.store.readPaths(root, paths)).map((object) => object?.oid);
    });
    after(() => place.close());

    const places = (few: number, prefix = 'user:'): MetadataPlaces =>
      new MetadataPlaces(place.clone.store, place.clone.hasher, 'main', root, prefix, few);

    for (const [name, few] of [
      ['a few keys', 1000],
      ['many', 0],
    ] as const) {
      it(`is found for ${name}, and of no key that has none`, async () => {
        expect(await places(few).of([...keys, 'user:nobody', 'user:1:'])).to.deep.equal([...expected, null, null]);
      });
    }

    it('is looked up at once after the first few, and then for keys of the prefix alone', async () => {
      const some = places(100, 'user:2');
      expect(await some.of(keys.slice(0, 100))).to.deep.equal(expected.slice(0, 100));
      const rest = keys.slice(100).map((key, i) => (key.startsWith('user:2') ? expected[100 + i] : null));
      expect(await some.of(keys.slice(100))).to.deep.equal(rest);
    });
  });
}
