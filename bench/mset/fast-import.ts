import { nodeHasher } from '../../adapters/hasher-node/open.js';
import { pathsOf, placeOf } from '../../domain/ledger/paths.js';
import { encodeMetadata, type Metadata } from '../../domain/ledger/value/metadata.js';
import { ObjectNamer } from '../../domain/git/object.js';
import { encodePointer, pointerMode, type Pointer, tombstone } from '../../domain/ledger/value/pointer.js';
import type { Base, Operation } from '../../domain/ledger/transaction/transaction.js';
import { valuePointer } from '../../domain/ledger/transaction/transaction-plan.js';
import { NS } from '../corpus.js';

/**
 * The same change as a stream for `git fast-import`: a commit of the ledger, and one of the index. Where pointers lie is
 * worked out from docs/FORMAT.md, apart from the product's own code, so that equal trees say something.
 */
export function importStream(
  base: Base,
  before: readonly string[],
  operations: readonly Operation[],
  refs: { ledger: string; index: string },
): Buffer {
  const hasher = nodeHasher();
  const namer = new ObjectNamer(hasher, 'sha1');
  const out: Buffer[] = [];
  const text = (line: string): number => out.push(Buffer.from(line));
  const file = (mode: string, path: string, body: Uint8Array): void => {
    text(`M ${mode} inline ${path}\ndata ${body.length}\n`);
    out.push(Buffer.from(body));
    text('\n');
  };
  const commit = (ref: string, from: string): number =>
    text(`commit ${ref}\ncommitter Ada <ada@example.org> 1 +0000\ndata 6\nbench\nfrom ${from}\n`);
  commit(refs.ledger, base.ledger?.commit ?? '');
  const pointers: Pointer[] = [];
  for (const operation of operations) {
    const paths = pathsOf(NS, placeOf(operation.key, hasher));
    if (operation.op === 'del') {
      text(`D ${paths.data}\nD ${paths.meta}\n`);
      pointers.push(tombstone(operation.key));
      continue;
    }
    // The bench's values are inline ones.
    const { key, value, meta } = operation as { key: string; value: Uint8Array; meta: Metadata };
    file('100644', paths.data, value);
    file('100644', paths.meta, encodeMetadata(meta));
    pointers.push(valuePointer(key, namer.oid('blob', value), null, value.length, meta));
  }
  commit(refs.index, base.index?.commit ?? '');
  const old = folders(before);
  const now = folders([...new Set([...before, ...operations.map(({ key }) => key)])]);
  for (const key of before) if (old.get(key) !== now.get(key)) throw new Error(`${key} moves: the stream does not say so`);
  for (const pointer of pointers)
    file(pointerMode(pointer), `kv/${NS}/index/${now.get(pointer.key)}/${pointer.key}.ref`, encodePointer(pointer));
  text('done\n');
  return Buffer.concat(out);
}

/** The index folder of every key. Keys of at least 4 characters that are their own urlsafe forms. */
function folders(keys: readonly string[]): Map<string, string> {
  const out = new Map<string, string>();
  const place = (group: readonly string[], at: number, path: string): void => {
    const stays = at >= 4 && group.length <= 256;
    const below = new Map<string, string[]>();
    for (const key of group) {
      const pair = key.slice(at, at + 2);
      if (stays || pair.length < 2) out.set(key, path);
      else if (below.has(pair)) below.get(pair)?.push(key);
      else below.set(pair, [key]);
    }
    for (const [pair, list] of below) place(list, at + 2, path === '' ? pair : `${path}/${pair}`);
  };
  place(keys, 0, '');
  return out;
}
