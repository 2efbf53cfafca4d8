import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { Headers } from '../../../adapters/nodegit/objects/headers/headers.js';
import { packEntry, packFile, packIndex } from '../../../adapters/nodegit/objects/pack-file.js';
import { entriesOf } from '../../../adapters/nodegit/objects/tree-paths.js';
import { blob, tree } from '../../contracts/git-objects.js';
import { type Temporary, temporaryFolder } from '../../support/temporary.js';
import { holdsUp, type Parser } from './holds-up.js';

/** What the git-store nodegit reads of a repository's files by itself. It needs no nodegit for that. */
const OBJECT = blob('sha1', Buffer.alloc(3000, 'some '));
const { pack, index } = packFile([packEntry(OBJECT), packEntry(blob('sha1', 'x'))]);
const PACK = Buffer.concat(pack);

/** A pack whose second entry is a delta against its first, `back` bytes before it, of 3,000 bytes to 3,000. */
function packOfDelta(back: number): Buffer {
  const base = packEntry(blob('sha1', 'base')).bytes;
  const delta = deflateSync(Buffer.from([0xb8, 0x17, 0xb8, 0x17, 0x90, 1]));
  return Buffer.concat([Buffer.from('PACK\0\0\0\x02\0\0\0\x02', 'latin1'), base, Buffer.from([0x66, back]), delta]);
}
const BASE_SIZE = packEntry(blob('sha1', 'base')).bytes.length;
const DELTA = packOfDelta(BASE_SIZE);
const DELTA_INDEX = packIndex([{ oid: OBJECT.oid, offset: 12 + BASE_SIZE, crc: 0 }], Buffer.alloc(20));

let folder: Temporary;

/** What is known of the object when the files are these. */
async function ask(files: Readonly<Record<string, Uint8Array>>): Promise<unknown> {
  const objects = join(folder.path, 'objects');
  await rm(objects, { recursive: true, force: true });
  for (const name of ['pack', OBJECT.oid.slice(0, 2)]) await mkdir(join(objects, name), { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(objects, name), content);
  const headers = new Headers([objects]);
  try {
    return await headers.ask([OBJECT.oid]);
  } finally {
    headers.close();
  }
}

const PARSERS: readonly Parser[] = [
  {
    name: 'an object’s own file',
    samples: [deflateSync(Buffer.concat([Buffer.from(`blob ${OBJECT.body.length}\0`), OBJECT.body]))],
    parse: (bytes) => ask({ [`${OBJECT.oid.slice(0, 2)}/${OBJECT.oid.slice(2)}`]: bytes }),
  },
  {
    name: 'the index of a pack',
    samples: [index],
    parse: (bytes) => ask({ 'pack/pack-1.idx': bytes, 'pack/pack-1.pack': PACK }),
  },
  { name: 'a pack', samples: [PACK], parse: (bytes) => ask({ 'pack/pack-1.idx': index, 'pack/pack-1.pack': bytes }) },
  {
    name: 'a pack with a delta',
    samples: [DELTA],
    parse: (bytes) => ask({ 'pack/pack-1.idx': DELTA_INDEX, 'pack/pack-1.pack': bytes }),
  },
  {
    name: 'the entries of a tree',
    samples: [
      tree('sha1', [
        { name: 'a', oid: OBJECT.oid },
        { name: 'b', oid: OBJECT.oid },
      ]).body,
    ],
    parse: (body) => entriesOf({ oid: OBJECT.oid, type: 'tree', body }, new Set(['b'])),
  },
];

describe('what nodegit reads by itself', () => {
  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => folder.remove());
  holdsUp(PARSERS);
});
