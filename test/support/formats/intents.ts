import { randomBytes } from 'node:crypto';
import { nodeHasher } from '../../../adapters/hasher-node/open.js';
import { type Commit, encodeCommit, stamp } from '../../../domain/git/commit.js';
import { ObjectNamer } from '../../../domain/git/object.js';
import { intentCommit, intentTree, type IntentTrailers } from '../../../domain/ledger/intent/intent.js';
import type { ExpectedBlob, IntentOperation } from '../../../domain/ledger/intent/intent-operations.js';
import { encodeManifest, type Manifest } from '../../../domain/ledger/value/manifest.js';
import { newUlid } from '../../../domain/ledger/ulid.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { ObjectFormat, Oid } from '../../../ports/vocabulary.js';
import type { MemoryPeople } from '../memory/people.js';

/** What an intent says, and how it is spoilt. */
export interface IntentWish {
  readonly set?: Readonly<Record<string, string | Uint8Array>>;
  /** Chunked values, by their manifests. */
  readonly manifests?: readonly Manifest[];
  /** The chunks that are brought, by what their digests are said to be. */
  readonly chunks?: Readonly<Record<string, Uint8Array>>;
  readonly del?: readonly string[];
  readonly strict?: boolean;
  readonly keepTtl?: boolean;
  readonly ttl?: string;
  readonly expect?: readonly ExpectedBlob[];
  readonly expectTree?: Oid | null;
  readonly beginEpoch?: string;
  readonly ns?: string;
  readonly txn?: string;
  readonly epoch?: string | null;
  readonly repository?: string;
  readonly text?: string;
  readonly now?: number;
  /** Changes the operations before they are written. */
  readonly operations?: (ops: IntentOperation[]) => IntentOperation[];
  /** Changes the commit before it is signed. */
  readonly commit?: (commit: Commit) => Commit;
  /** Null: it is not signed. */
  readonly signer?: string | null;
}

/** An intent and its objects, the commit first. */
export interface MadeIntent {
  readonly oid: Oid;
  readonly txn: string;
  readonly objects: readonly NewObject[];
}

/** Makes intents as a client does, and worse ones. */
export class IntentMaker {
  readonly namer: ObjectNamer;

  constructor(
    private readonly people: Pick<MemoryPeople, 'signer'>,
    private readonly repository: string,
    format: ObjectFormat,
  ) {
    this.namer = new ObjectNamer(nodeHasher(), format);
  }

  async make(person: string, wish: IntentWish): Promise<MadeIntent> {
    const { namer } = this;
    const now = wish.now ?? Date.now();
    const txn = wish.txn ?? newUlid({ now: () => now, sleep: async () => undefined }, { bytes: randomBytes });
    const blobs = Object.entries(wish.set ?? {}).map(([key, value]) => ({
      key,
      object: namer.object('blob', Buffer.from(value)),
    }));
    const sets = blobs.map(
      ({ key, object }, at): IntentOperation => ({
        ...{
          op: 'set',
          key,
          size: object.body.length,
          ctype: 'text/plain',
          ttl: wish.ttl ?? null,
          keepTtl: wish.keepTtl === true,
        },
        etag: `blake3:${namer.hasher.hex('blake3', object.body)}`,
        file: { dir: 'values', at },
      }),
    );
    const manifests = (wish.manifests ?? []).map((one) => ({ one, object: namer.object('blob', encodeManifest(one)) }));
    const chunked = manifests.map(
      ({ one: { key, totalSize: size, etag } }, at): IntentOperation => ({
        ...{ op: 'set', key, size, ctype: 'text/plain', ttl: null, keepTtl: false, etag },
        file: { dir: 'manifests', at },
      }),
    );
    const dels = (wish.del ?? []).map((key): IntentOperation => ({ op: 'del', key, strict: wish.strict === true }));
    const ops = [...sets, ...chunked, ...dels];
    const chunks = new Map(Object.entries(wish.chunks ?? {}).map(([digest, body]) => [digest, namer.object('blob', body)]));
    const objects: NewObject[] = [...[...blobs, ...manifests].map(({ object }) => object), ...chunks.values()];
    const operations = {
      ops: wish.operations?.(ops) ?? ops,
      expect: wish.expect ?? [],
      ...(wish.expectTree === undefined ? {} : { expectTree: wish.expectTree }),
      ...(wish.beginEpoch === undefined ? {} : { epoch: wish.beginEpoch }),
    };
    const files = { values: blobs.map(({ object }) => object.oid), manifests: manifests.map(({ object }) => object.oid) };
    const brought = new Map([...chunks].map(([digest, { oid }]) => [digest, oid]));
    const tree = intentTree(namer, operations, { ...files, chunks: brought }, objects);
    const trailers: IntentTrailers = {
      ...{ ns: wish.ns ?? 'main', txn, epoch: wish.epoch ?? null, repository: wish.repository ?? this.repository },
    };
    const author = stamp(`${person} <${person}@example.org>`, now);
    const honest = intentCommit(tree, author, wish.text ?? 'kv: main', trailers);
    const unsigned = wish.commit?.(honest) ?? honest;
    const signer = wish.signer === undefined ? person : wish.signer;
    const signature = signer === null ? null : await this.people.signer(signer).sign(encodeCommit(unsigned, namer.format));
    const commit = namer.object('commit', encodeCommit({ ...unsigned, signature }, namer.format));
    return { oid: commit.oid, txn, objects: unique([commit, ...objects]) };
  }
}

const unique = (objects: readonly NewObject[]): NewObject[] => [...new Map(objects.map((one) => [one.oid, one])).values()];
