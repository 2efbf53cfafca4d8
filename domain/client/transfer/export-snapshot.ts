import { KvError } from '../../../ports/error.js';
import type { HashStream } from '../../../ports/hasher.js';
import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import { encodeBase64 } from '../../../ports/grammar/base64.js';
import { concat, decodeUtf8, utf8 } from '../../git/bytes.js';
import { readAhead } from '../../git/read-ahead.js';
import { quoteKey } from '../../ledger/value/key.js';
import { decodeManifest } from '../../ledger/value/manifest.js';
import type { Metadata } from '../../ledger/value/metadata.js';
import type { Pointer } from '../../ledger/value/pointer.js';
import { absentNamespace } from '../clone/policy/absent-namespace.js';
import type { Clone } from '../clone/clone.js';
import {
  encodeEnd,
  encodeHeader,
  encodeKeyStart,
  fileNameOf,
  type KeyFacts,
  LARGE_VALUE,
  MAX_LINE_VALUE,
} from './snapshot-format.js';
import { found, type Item, itemGroups } from './snapshot-items.js';
import { type Freshness, tipForReading } from '../remote/tip-for-reading.js';
import type { Tip } from '../clone/tips.js';
import { type ChunkedValue, fetchMissing, readChunks } from '../read/value.js';

/** What goes into a snapshot, and where large values go. */
export interface SnapshotRequest extends Freshness {
  readonly ns: string;
  readonly prefix: string;
  /** Also who set each key, when, and in which transaction. */
  readonly provenance: boolean;
  /** Where values above 1 MiB go, each as a file named by its digest; null: they stand in their lines. */
  readonly files: {
    readonly folder: string;
    readonly write: (name: string, content: AsyncIterable<Uint8Array>) => Promise<void>;
  } | null;
  readonly onProgress?: (keys: number) => void;
}

/** What a snapshot holds. */
export interface SnapshotSummary {
  readonly ns: string;
  readonly epoch: string;
  /** The ledger commit whose state it is. */
  readonly commit: Oid;
  readonly keys: number;
  /** Of the key lines: equal content has an equal digest. */
  readonly sha256: string;
}

/** What is given is at least this large, so that writing it costs little. Bytes. */
const PIECE = 64 * 1024;

/**
 * The newest state as a snapshot, in pieces, in bounded memory. Keys that have expired are in it: what it says must not depend on the
 * clock. Throws `NOT_FOUND` without a namespace, `ATTESTATION_MISMATCH` for a value that isn't what its metadata says, `USAGE`
 * for a value that is too large for a line where there is no folder for files.
 */
export async function* exportSnapshot(clone: Clone, request: SnapshotRequest): AsyncGenerator<Uint8Array, SnapshotSummary> {
  const tip = await tipForReading(clone, request.ns, request);
  if (tip === null) throw await absentNamespace(clone, request.ns, request.offline);
  return yield* new Export(clone, request, tip).run();
}

class Export {
  private readonly digest: HashStream;
  private parts: Uint8Array[] = [];
  private held = 0;
  private keys = 0;

  constructor(
    private readonly clone: Clone,
    private readonly request: SnapshotRequest,
    private readonly tip: Tip,
  ) {
    this.digest = clone.hasher.stream('sha256');
  }

  async *run(): AsyncGenerator<Uint8Array, SnapshotSummary> {
    const { tip, request } = this;
    const { ns, prefix, files } = request;
    yield utf8(encodeHeader({ ns, epoch: tip.trailers.epoch, commit: tip.ledger, prefix, files: files?.folder ?? null }));
    const groups = readAhead(itemGroups(this.clone, request, tip), async (items) => ({
      items,
      values: await this.values(items),
    }));
    for await (const { items, values } of groups) {
      await this.bringChunks(items, values);
      for (const [i, item] of items.entries()) {
        if (item.pointer.type === 'inline' && item.pointer.size <= LARGE_VALUE) this.smallLine(item, values[i] as GitObject);
        else yield* this.line(item, values[i] as GitObject);
        if (this.held > PIECE) yield this.piece();
      }
      request.onProgress?.(this.keys);
    }
    if (this.held > 0) yield this.piece();
    const [keys, sha256] = [this.keys, this.digest.hex()];
    yield utf8(encodeEnd(keys, sha256));
    return { ns, epoch: tip.trailers.epoch, commit: tip.ledger, keys, sha256 };
  }

  /** The values, or the manifests of those that are chunked. */
  private async values(items: readonly Item[]): Promise<GitObject[]> {
    const oids = items.map(({ pointer }) => (pointer.ledgerBlob ?? pointer.manifestBlob) as Oid);
    const objects = await this.clone.store.read(oids);
    return items.map(({ pointer }, i) => found(objects[i], pointer.key, 'value'));
  }

  /** Brings what a group's chunked values lack here, in one go: a connection for each value would cost more than the bytes. */
  private async bringChunks(items: readonly Item[], objects: readonly GitObject[]): Promise<void> {
    const { ns, readFrom, offline } = this.request;
    if (offline) return;
    const chunks = items.flatMap(({ pointer }, i) =>
      pointer.type === 'chunked' ? decodeManifest((objects[i] as GitObject).body, quoteKey(pointer.key)).chunks : [],
    );
    if (chunks.length > 0) await fetchMissing(this.clone, { ns, epoch: this.tip.trailers.epoch, readFrom }, chunks);
  }

  /** The line of a value that lies in the ledger and may be text. */
  private smallLine({ pointer, meta }: Item, { body }: GitObject): void {
    this.checkEtag(pointer.key, meta, body);
    this.keys++;
    this.addValue(this.factsOf(pointer.key, meta), body);
  }

  private async *line({ pointer, meta }: Item, object: GitObject): AsyncGenerator<Uint8Array> {
    const { key, size } = pointer;
    const facts = this.factsOf(key, meta);
    const { files } = this.request;
    this.keys++;
    if (size > LARGE_VALUE && files !== null) {
      const name = fileNameOf(meta.etag);
      await files.write(name, this.bytesOf(pointer, meta, object));
      this.add(encodeKeyStart(facts, 'file'), utf8(`${JSON.stringify(name)}}\n`));
    } else if (size > LARGE_VALUE) {
      if (size > MAX_LINE_VALUE) throw tooLarge(key, size);
      this.add(encodeKeyStart(facts, 'value_b64'), QUOTE);
      for await (const piece of inThrees(this.bytesOf(pointer, meta, object))) {
        this.add(encodeBase64(piece));
        if (this.held > PIECE) yield this.piece();
      }
      this.add(utf8('"}\n'));
    } else {
      const parts: Uint8Array[] = [];
      for await (const part of this.bytesOf(pointer, meta, object)) parts.push(part);
      this.addValue(facts, concat(parts));
    }
  }

  private factsOf(key: string, { ctype, ttl, etag, createdBy, createdAt, txn }: Metadata): KeyFacts {
    return { key, ctype, ttl, etag, provenance: this.request.provenance ? { createdBy, createdAt, txn } : null };
  }

  private addValue(facts: KeyFacts, value: Uint8Array): void {
    const text = decodeUtf8(value);
    if (text === undefined) this.add(encodeKeyStart(facts, 'value_b64'), QUOTE, encodeBase64(value), utf8('"}\n'));
    else this.add(encodeKeyStart(facts, 'value'), utf8(`${JSON.stringify(text)}}\n`));
  }

  private checkEtag(key: string, meta: Metadata, body: Uint8Array): void {
    if (`blake3:${this.clone.hasher.hex('blake3', body)}` === meta.etag) return;
    throw new KvError('ATTESTATION_MISMATCH', `value of ${quoteKey(key)} is not the one that its ETag names`, {
      hint: 'a full verification says more',
      advice: { id: 'verify-full' },
      details: { key },
    });
  }

  /** A value's bytes, held against its ETag. */
  private async *bytesOf(pointer: Pointer, meta: Metadata, object: GitObject): AsyncGenerator<Uint8Array> {
    const { key } = pointer;
    if (pointer.type === 'inline') {
      this.checkEtag(key, meta, object.body);
      return yield object.body;
    }
    const { ns, readFrom, offline } = this.request;
    const manifest = decodeManifest(object.body, quoteKey(key));
    const value: ChunkedValue = { ns, key, epoch: this.tip.trailers.epoch, manifest, meta, readFrom, offline };
    yield* readChunks(this.clone, value);
  }

  private add(...parts: readonly Uint8Array[]): void {
    for (const part of parts) {
      this.parts.push(part);
      this.held += part.length;
    }
  }

  /** What was added since the last piece. */
  private piece(): Uint8Array {
    const piece = concat(this.parts);
    this.digest.update(piece);
    this.parts = [];
    this.held = 0;
    return piece;
  }
}

const QUOTE = utf8('"');

/** The same bytes in pieces whose lengths are multiples of three, so that their base64 can be joined. */
async function* inThrees(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = new Uint8Array(0);
  for await (const piece of input) {
    const all = rest.length === 0 ? piece : concat([rest, piece]);
    const whole = all.length - (all.length % 3);
    if (whole > 0) yield all.subarray(0, whole);
    rest = all.slice(whole);
  }
  if (rest.length > 0) yield rest;
}

function tooLarge(key: string, size: number): KvError {
  return new KvError(
    'USAGE',
    `value of ${quoteKey(key)} has ${size} bytes, more than the ${MAX_LINE_VALUE} that a line can carry`,
    {
      hint: 'write large values to files beside the snapshot',
      advice: { id: 'export-files' },
      details: { key, size, limit: MAX_LINE_VALUE },
    },
  );
}
