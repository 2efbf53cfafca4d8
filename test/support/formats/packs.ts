import { nodeHasher } from '../../../adapters/hasher-node/open.js';
import { nodeZlib } from '../../../apps/node-zlib.js';
import { concat, utf8, writeHex } from '../../../domain/git/bytes.js';
import { ObjectNamer } from '../../../domain/git/object.js';
import {
  LONGEST_NUMBER,
  OFS_DELTA,
  packHeader,
  REF_DELTA,
  TYPE_CODE,
  writeBaseDistance,
  writeEntryHeader,
} from '../../../domain/git/pack/entry.js';
import { entrySize, type TreeEntry, writeEntry } from '../../../domain/git/tree/tree.js';
import { encodePkt, FLUSH_PKT } from '../../../ports/grammar/git-words/pkt-line.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { ObjectType, Oid } from '../../../ports/vocabulary.js';

const hasher = nodeHasher();

/** Names objects in SHA-1. */
export const NAMER = new ObjectNamer(hasher, 'sha1');

/** An entry of a pack, as a test wants it. */
export type Entry =
  | { readonly type: ObjectType; readonly body: Uint8Array; readonly says?: number; readonly padded?: boolean }
  | { readonly base: Oid | number; readonly delta: Uint8Array };

/** Type and size of an entry. */
export function entryHeader(code: number, size: number): Uint8Array {
  const out = new Uint8Array(LONGEST_NUMBER);
  return out.slice(0, writeEntryHeader(code, size, out, 0));
}

/** How far before its delta a base begins. */
export function baseDistance(distance: number): Uint8Array {
  const out = new Uint8Array(LONGEST_NUMBER);
  return out.slice(0, writeBaseDistance(distance, out, 0));
}

/** The bytes of an id. */
export function rawOid(oid: Oid): Uint8Array {
  const out = new Uint8Array(oid.length / 2);
  writeHex(oid, out, 0);
  return out;
}

/** A pack of these, its checksum right; `count` and `version` may lie. */
export function packOf(entries: readonly Entry[], { count = entries.length, version = 2, behind = '' } = {}): Uint8Array {
  const header = packHeader(count);
  header[7] = version;
  const parts: Uint8Array[] = [header];
  const offsets: number[] = [];
  let at = header.length;
  for (const entry of entries) {
    offsets.push(at);
    const content = 'type' in entry ? entry.body : entry.delta;
    const bytes = [deflated(content)];
    if ('type' in entry) {
      const named = entryHeader(TYPE_CODE[entry.type], entry.says ?? content.length);
      // The same size with a zero in front.
      bytes.unshift(entry.padded === true ? Uint8Array.of(...named.with(-1, (named.at(-1) ?? 0) | 0x80), 0) : named);
    } else if (typeof entry.base === 'number')
      bytes.unshift(entryHeader(OFS_DELTA, content.length), baseDistance(at - (offsets[entry.base] ?? at + 1)));
    else bytes.unshift(entryHeader(REF_DELTA, content.length), rawOid(entry.base));
    for (const part of bytes) at += part.length;
    parts.push(...bytes);
  }
  parts.push(utf8(behind));
  const whole = concat(parts);
  return concat([whole, rawOid(hasher.hex('sha1', whole))]);
}

function deflated(bytes: Uint8Array): Uint8Array {
  const packed = nodeZlib.deflate(bytes);
  if ('then' in packed) throw new Error('too large for a test');
  return packed;
}

/** A tree of these, in their order. */
export function treeOf(entries: readonly TreeEntry[]): NewObject {
  const out = new Uint8Array(entries.reduce((sum, { mode, name, oid }) => sum + entrySize(mode, name, oid), 0));
  let at = 0;
  for (const { mode, name, oid } of entries) at = writeEntry(mode, name, oid, out, at);
  return NAMER.object('tree', out);
}

const BY = 'Anna <anna@example.org> 1767323045 +0000';

/** A commit of a tree. */
export function commitOf(tree: Oid, parents: readonly Oid[] = [], by = BY): NewObject {
  const lines = [`tree ${tree}`, ...parents.map((parent) => `parent ${parent}`), `author ${by}`, `committer ${by}`];
  return NAMER.object('commit', utf8(`${lines.join('\n')}\n\nmessage\n`));
}

/** A push's request: commands, and a pack behind them. */
export function pushOf(
  commands: readonly (readonly [ref: string, old: Oid | null, next: Oid | null])[],
  pack: Uint8Array = new Uint8Array(0),
  capabilities = 'report-status',
): Uint8Array {
  const lines = commands.map(([ref, old, next], i) => {
    const line = `${old ?? '0'.repeat(40)} ${next ?? '0'.repeat(40)} ${ref}`;
    return encodePkt(i === 0 ? `${line}\0 ${capabilities}` : line);
  });
  return concat([...lines, FLUSH_PKT, pack]);
}
