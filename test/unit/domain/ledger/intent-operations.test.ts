import { expect } from 'chai';
import { decodeOperations, encodeOperations, MAX_OPERATIONS } from '../../../../domain/ledger/intent/intent-operations.js';
import { encodeJson } from '../../../../domain/ledger/canonical-json.js';
import { utf8 } from '../../../../domain/git/bytes.js';
import { failure } from '../../../support/failure.js';

const SET = {
  op: 'set',
  key: 'cfg:a',
  size: 1,
  ctype: 'text/plain',
  ttl: null,
  etag: `blake3:${'0'.repeat(64)}`,
  value: 'values/0',
};
const { value: _, ...WITHOUT } = SET;
const SOUND = { v: 1, ops: [SET], expect: [{ key: 'cfg:b', blob: null }] };
const OID = '1'.repeat(40);

const read = async (document: unknown) => decodeOperations(encodeJson(document), 'an intent');

/** Each is one slip away from what is sound. */
const BROKEN: Readonly<Record<string, object>> = {
  'operations that are no list': { ops: { length: 0 } },
  'expectations that are no list': { expect: 'none' },
  'no operations': { ops: undefined },
  'an operation that is null': { ops: [null] },
  'an operation that is a text': { ops: ['set'] },
  'an operation of another kind': { ops: [{ ...SET, op: 'put' }] },
  'a key that is a number': { ops: [{ ...SET, key: 5 }] },
  'a key that is none': { ops: [{ ...SET, key: '' }] },
  'a deletion of what is no key': { ops: [{ op: 'del', key: '' }] },
  'a key twice': { ops: [SET, { op: 'del', key: 'cfg:a' }] },
  'a size below nothing': { ops: [{ ...SET, size: -1 }] },
  'a size in parts': { ops: [{ ...SET, size: 1.5 }] },
  'a size that is a text': { ops: [{ ...SET, size: '1' }] },
  'a type that is a number': { ops: [{ ...SET, ctype: 5 }] },
  'a type that is none': { ops: [{ ...SET, ctype: 'plain' }] },
  'a TTL that is a number': { ops: [{ ...SET, ttl: 5 }] },
  'a TTL that is no time': { ops: [{ ...SET, ttl: 'tomorrow' }] },
  'an ETag that is a number': { ops: [{ ...SET, etag: 5 }] },
  'an ETag of another kind': { ops: [{ ...SET, etag: 'sha1:0' }] },
  'no file': { ops: [WITHOUT] },
  'a file elsewhere': { ops: [{ ...SET, value: 'chunks/0' }] },
  'a file with a leading zero': { ops: [{ ...SET, value: 'values/00' }] },
  'a file that is a number': { ops: [{ ...SET, value: 0 }] },
  'a value in the place of a manifest': { ops: [{ ...WITHOUT, manifest: 'values/0' }] },
  'a manifest in the place of a value': { ops: [{ ...SET, value: 'manifests/0' }] },
  'files that are not numbered from 0': { ops: [{ ...SET, value: 'values/1' }] },
  'an expectation that is null': { expect: [null] },
  'an expectation that is a text': { expect: ['cfg:b'] },
  'an expectation of a number': { expect: [{ key: 5, blob: null }] },
  'an expectation of what is no key': { expect: [{ key: '', blob: null }] },
  'an expectation that is a number': { expect: [{ key: 'cfg:b', blob: 5 }] },
  'an expectation that is no id': { expect: [{ key: 'cfg:b', blob: 'abc' }] },
  'an expectation of a key twice': { expect: [SOUND.expect[0], SOUND.expect[0]] },
  'a tree that is a number': { expect_tree: 5 },
  'a tree that is no id': { expect_tree: 'abc' },
  'an epoch that is a number': { ops: [], epoch: 5 },
  'an epoch that changes keys too': { epoch: '2026Q1' },
};

/** Read as they are, and written again to the byte. */
const READ: Readonly<Record<string, object>> = {
  'a value': {},
  'nothing at all': { ops: [], expect: [] },
  'a TTL, and the one that a key has': { ops: [{ ...SET, ttl: '2026-01-02T03:04:05.678Z' }] },
  'a manifest': { ops: [{ ...WITHOUT, manifest: 'manifests/0' }] },
  'values and manifests, each numbered by itself': {
    ops: [
      SET,
      { ...WITHOUT, key: 'b', manifest: 'manifests/0' },
      { op: 'del', key: 'c' },
      { ...SET, key: 'd', value: 'values/1' },
    ],
  },
  'a deletion of what must be there': { ops: [{ op: 'del', key: 'a', strict: true }] },
  'an expected blob': { expect: [{ key: 'cfg:b', blob: OID }] },
  'an expected tree': { expect_tree: OID },
  'a tree by SHA-256': { expect_tree: '1'.repeat(64) },
  'no tree yet': { expect_tree: null },
  'an epoch': { ops: [], epoch: '2026Q1' },
};

describe('domain: the operations of an intent', () => {
  for (const [what, change] of Object.entries(READ))
    it(`are read: ${what}`, async () => {
      const document = { ...SOUND, ...change };
      expect(encodeOperations(await read(document))).to.deep.equal(encodeJson(document));
    });

  it('keep the TTL of a key where they say so', async () => {
    const { etag, value, ...before } = SET;
    const [one] = (await read({ ...SOUND, ops: [{ ...before, keep_ttl: true, etag, value }] })).ops;
    expect(one).to.deep.equal({ ...before, keepTtl: true, etag, file: { dir: 'values', at: 0 } });
  });

  for (const [what, change] of Object.entries(BROKEN))
    it(`are refused: ${what}`, async () => {
      await failure(read({ ...SOUND, ...change }), 'ATTESTATION_MISMATCH');
    });

  it('are refused where they are more than there may be', async () => {
    const many = Array.from({ length: MAX_OPERATIONS + 1 }, (_, i) => `k${i}`);
    const ops = many.map((key) => ({ op: 'del', key }));
    const expected = many.map((key) => ({ key, blob: null }));
    await failure(read({ ...SOUND, ops }), 'ATTESTATION_MISMATCH');
    await failure(read({ ...SOUND, expect: expected }), 'ATTESTATION_MISMATCH');
    expect((await read({ ...SOUND, ops: ops.slice(1) })).ops).to.have.length(MAX_OPERATIONS);
  });

  it('are refused where they are no JSON object, and named as newer where their version is', async () => {
    const bytes = async (text: string) => decodeOperations(utf8(text), 'an intent');
    for (const text of ['', '{', 'null', '5', '"x"', '[]']) await failure(bytes(text), 'ATTESTATION_MISMATCH');
    await failure((async () => decodeOperations(Uint8Array.of(0x22, 0xff, 0x22), 'an intent'))(), 'ATTESTATION_MISMATCH');
    for (const [version, shown] of [
      [2, 'version 2'],
      [undefined, 'version none'],
      [{ deep: 1 }, 'version that is no number'],
    ] as const)
      expect((await failure(read({ ...SOUND, v: version }), 'FORMAT_UNSUPPORTED')).message).to.contain(shown);
  });
});
