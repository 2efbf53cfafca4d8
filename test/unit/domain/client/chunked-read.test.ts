import { expect } from 'chai';
import { nodeHasher } from '../../../../adapters/hasher-node/open.js';
import type { Clone } from '../../../../domain/client/clone/clone.js';
import { readChunks } from '../../../../domain/client/read/value.js';
import { concat, utf8 } from '../../../../domain/git/bytes.js';
import { memory, NOW } from '../../../support/memory/memory.js';
import { formatTime } from '../../../../domain/ledger/value/metadata.js';

const OTHER = `blake3:${'0'.repeat(64)}`;

/** Reads a value of two chunks whose manifest and metadata have these ETags; by default the value's own. */
async function read(
  etags: { readonly manifest?: string; readonly meta?: string; readonly swapped?: boolean } = {},
): Promise<string> {
  const { store, namer } = memory();
  const hasher = nodeHasher();
  const bodies = [utf8('one, '), utf8('two')];
  const blobs = bodies.map((body) => namer.object('blob', body));
  await store.write(blobs);
  const own = `blake3:${hasher.hex('blake3', concat(bodies))}`;
  const chunks = bodies.map((body, i) => ({
    ...{ size: body.length, digest: hasher.hex('sha256', body), blob: blobs[i]?.oid ?? '' },
  }));
  if (etags.swapped === true) chunks.reverse();
  const etag = etags.manifest ?? own;
  const clone = { store, hasher, forWriting: async () => ({ hasher }) } as unknown as Clone;
  const value = {
    ...{ ns: 'main', key: 'large', epoch: 'first', readFrom: 'mirror' as const, offline: true },
    manifest: {
      key: 'large',
      totalSize: 8,
      chunking: { mode: 'fixed' as const, size: 5 },
      gitHash: 'sha1' as const,
      etag,
      chunks,
    },
    meta: {
      ...{ ctype: 'text/plain', ttl: null, etag: etags.meta ?? own },
      ...{ createdBy: 'ada@example.org', createdAt: formatTime(NOW), txn: '01KDYF0000ABCDEFGHJKMNPQRS' },
    },
  };
  const parts: Uint8Array[] = [];
  for await (const part of readChunks(clone, value)) parts.push(part);
  return new TextDecoder().decode(concat(parts));
}

describe('reading a chunked value', () => {
  it('gives what its chunks hold', async () => {
    expect(await read()).to.equal('one, two');
  });

  const wrong = {
    'another value, by the manifest': { manifest: OTHER },
    'another value, by the metadata': { meta: OTHER },
    'another value, by both': { manifest: OTHER, meta: OTHER },
    'the same chunks in another order': { swapped: true },
  };
  for (const [name, etags] of Object.entries(wrong)) {
    it(`refuses ${name}, although every chunk is sound`, async () => {
      const error = await read(etags).catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'ATTESTATION_MISMATCH' });
      expect(error)
        .to.have.property('message')
        .that.matches(/^value of "large" is not the one that was written: its ETag is blake3:/);
    });
  }
});
