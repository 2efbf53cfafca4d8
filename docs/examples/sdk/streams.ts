/** Puts a file into a key, and a key into a file, whatever their size. `node streams.js CLONE FILE COPY` */
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openClone } from 'git-kv/client';

const [directory = '.', file = 'file', copy = 'copy'] = process.argv.slice(2);
await using clone = await openClone({ directory, readFrom: 'stargate' });

const { chunked } = await clone.setStream('cfg:large', createReadStream(file));
console.log(`${chunked[0]?.chunks ?? 0} chunks`);

const { body, size } = await clone.getStream('cfg:large');
await pipeline(Readable.from(body), createWriteStream(copy));
console.log(`${size} bytes`);
