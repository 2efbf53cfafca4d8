import { nodeHasher } from '../../../adapters/hasher-node/open.js';
import { utf8 } from '../../../domain/git/bytes.js';
import { encodeManifest, type Manifest } from '../../../domain/ledger/value/manifest.js';
import { encodeMetadata, formatTime, type Metadata } from '../../../domain/ledger/value/metadata.js';
import type { SetChange } from '../../../domain/verify/keys/ledger-changes.js';
import type { NamespacePolicy } from '../../../ports/stargate/policy-reader.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { NOW } from '../memory/memory.js';
import { RuleBench } from './rules.js';

export const TXN = '01KDYF0000ABCDEFGHJKMNPQRS';

export const POLICY: NamespacePolicy = {
  ...{ ledgerMode: 'linear', requireSignedCommits: true, maxValueInline: 10, maxValueTotal: 100, forbidLfs: false },
  chunking: { mode: 'fixed', size: 10 },
  allowedPrefixes: [],
  writers: [],
  retention: { ttlDefault: null, enforceReadside: true, keepEpochs: null },
  verify: { mode: 'full', sampleSize: null, fullLimit: 100 },
};

export const etagOf = (...parts: readonly (string | Uint8Array)[]): string =>
  `blake3:${nodeHasher().hex('blake3', ...parts.map((part) => (typeof part === 'string' ? utf8(part) : part)))}`;
export const digestOf = (body: string): string => nodeHasher().hex('sha256', utf8(body));

/** Keys that were set, right and wrong. */
export class KeysBench extends RuleBench {
  meta(value: string, change: Partial<Metadata> = {}): Metadata {
    return {
      ...{
        ctype: 'text/plain',
        ttl: null,
        etag: etagOf(value),
        createdBy: 'ada@example.org',
        createdAt: formatTime(NOW),
        txn: TXN,
      },
      ...change,
    };
  }

  /** A key that was set to a value in the ledger itself. */
  async inline(key: string, value: string, change: Partial<Metadata> = {}): Promise<SetChange & { readonly data: Oid }> {
    const meta = await this.blob(encodeMetadata(this.meta(value, change)));
    return { key, op: 'set', meta, data: await this.blob(value), manifest: null };
  }

  /** A manifest of chunks, whose blobs are there. */
  async manifest(key: string, chunks: readonly string[], change: Partial<Manifest> = {}): Promise<Manifest> {
    const list = await Promise.all(
      chunks.map(async (body) => ({ size: body.length, digest: digestOf(body), blob: await this.blob(body) })),
    );
    const totalSize = list.reduce((sum, { size }) => sum + size, 0);
    const fixed = { chunking: { mode: 'fixed', size: 10 }, gitHash: 'sha1' } as const;
    return { key, totalSize, ...fixed, etag: etagOf(...chunks), chunks: list, ...change };
  }

  /** A key that was set to a value in chunks. */
  async chunked(
    key: string,
    chunks: readonly string[],
    change: Partial<Manifest> = {},
  ): Promise<SetChange & { readonly manifest: Oid }> {
    const meta = await this.blob(encodeMetadata(this.meta(chunks.join(''))));
    const manifest = await this.blob(encodeManifest(await this.manifest(key, chunks, change)));
    return { key, op: 'set', meta, data: null, manifest };
  }
}
