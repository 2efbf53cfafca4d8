import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { announced, type Pushed, rawPush } from './raw-push.js';

const BLOB = 3;
const REF_DELTA = 7;
const BASE_BYTES = 0xffffff;

/** A pack of 16 kB, of which git makes an object of `mib` MiB: a delta that copies its base over and over. */
export function deltaBomb(mib = 1024): Buffer {
  const base = Buffer.alloc(BASE_BYTES);
  const copies = Math.ceil((mib * 1024 ** 2) / BASE_BYTES);
  const copyAll = Buffer.from([0x80 | 0x10 | 0x20 | 0x40, 0xff, 0xff, 0xff]);
  const delta = Buffer.concat([varint(BASE_BYTES), varint(BASE_BYTES * copies), ...Array<Buffer>(copies).fill(copyAll)]);
  const name = createHash('sha1').update(`blob ${BASE_BYTES}\0`).update(base).digest();
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\x02', 'latin1');
  const entries = [entryHead(BLOB, BASE_BYTES), deflateSync(base), entryHead(REF_DELTA, delta.length), name, deflateSync(delta)];
  const pack = Buffer.concat([head, ...entries]);
  return Buffer.concat([pack, createHash('sha1').update(pack).digest()]);
}

/** A writer's key: pushes delta bombs, one after the other, for `ms`. Gives what the Stargate said to the last. */
export async function deltaBombs(to: Pushed, ms: number): Promise<string> {
  const bytes = [announced('refs/heads/bomb', 'b'.repeat(40)), deltaBomb()];
  const end = Date.now() + ms;
  let said = '';
  do said = await rawPush(to, bytes, Math.max(1, end - Date.now()));
  while (Date.now() < end);
  return said;
}

function entryHead(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) as number) | 0x80;
    bytes.push(rest & 127);
  }
  return Buffer.from(bytes);
}

function varint(size: number): Buffer {
  const bytes: number[] = [];
  let rest = size;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 0x80);
  return Buffer.from([...bytes, rest]);
}
