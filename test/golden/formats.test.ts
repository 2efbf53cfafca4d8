import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { decodeLoose, toHex, utf8 } from '../../domain/git/bytes.js';
import { encodeCommit } from '../../domain/git/commit.js';
import { compactedCommit, encodeCompacted } from '../../domain/ledger/compacted.js';
import { encodeLayout } from '../../domain/index/layout.js';
import { toUrlsafe } from '../../domain/ledger/value/key.js';
import { pathsOf, placeOf } from '../../domain/ledger/paths.js';
import { decodeMirrorRefusals, encodeMirrorRefusals } from '../../domain/ledger/mirror-refusals.js';
import { decodeRepositoryId, encodeRepositoryId } from '../../domain/ledger/repository-id.js';
import { decodeManifest, encodeManifest, type Manifest } from '../../domain/ledger/value/manifest.js';
import { decodeMetadata, encodeMetadata, formatTime, type Metadata } from '../../domain/ledger/value/metadata.js';
import { decodePointer, encodePointer, pointerMode, tombstone } from '../../domain/ledger/value/pointer.js';
import { buildTransaction, type Operation } from '../../domain/ledger/transaction/transaction.js';
import { valuePointer } from '../../domain/ledger/transaction/transaction-plan.js';
import { encodeFrame, encodeObjects } from '../../domain/git/wire/intent-frames.js';
import { intentCommit, intentTree, readIntent } from '../../domain/ledger/intent/intent.js';
import { encodeOperations } from '../../domain/ledger/intent/intent-operations.js';
import { operationsOf } from '../../domain/ledger/intent/intent-plan.js';
import { appendIntent } from '../../domain/ledger/intent/intents-log.js';
import type { NewObject } from '../../ports/git/git-store.js';
import { newUlid } from '../../domain/ledger/ulid.js';
import { appendEvents, decodeEvent, encodeEvent } from '../../domain/ledger/transaction/watchlog.js';
import type { Entry } from '../../domain/gateway/replicate/entry.js';
import { intentOf } from '../../domain/gateway/replicate/intent-entry.js';
import { encodeLeaderRecord } from '../../domain/gateway/replicate/wire/leader-ref.js';
import { FORMATS, memory, NOW, SeededRandomness, TestClock } from '../support/memory/memory.js';

/**
 * The bytes on disk, frozen. A vector that changes is a change of the format: it needs an ADR, a migration and a new version.
 * `GIT_KV_WRITE_GOLDEN=1` writes the file anew.
 */
const FILE = new URL('../../../test/golden/formats.json', import.meta.url);
const WRITE = process.env['GIT_KV_WRITE_GOLDEN'] === '1';

const META: Metadata = {
  ctype: 'application/json',
  ttl: null,
  etag: `blake3:${'ab'.repeat(32)}`,
  createdBy: 'ada@example.org',
  createdAt: formatTime(NOW),
  txn: '01KDYF0000ABCDEFGHJKMNPQRS',
};
const EVENT = {
  v: 1,
  ns: 'main',
  epoch: '2026Q1',
  oid: 'c0ffee'.padEnd(40, '0'),
  txn: '01KDYF0000ABCDEFGHJKMNPQRS',
  received: formatTime(NOW),
  signer: 'ada',
  set: 2,
  del: 1,
  parentEpoch: null,
} as const;

const REPOSITORY = '0123456789abcdef'.repeat(2);

const INTENT_SET = { op: 'set', ctype: META.ctype, etag: META.etag } as const;

const ENTRY: Entry = {
  id: EVENT.txn,
  sequence: 7,
  term: 3,
  attempt: 2,
  before: '0'.repeat(64),
  after: 'ab'.repeat(32),
  updates: [{ ref: 'refs/kv/main', old: null, next: EVENT.oid }],
  events: [EVENT],
  members: ['server-1', 'server-2', 'server-3'],
};

const COMPACTED = { v: 1, ns: 'main', epoch: '2026Q1', archive: EVENT.oid, compacted: formatTime(NOW) } as const;

const REFUSALS = new Map([
  ['ops', { since: formatTime(NOW), code: 'SYNC_REFUSED' }],
  ['main', { since: formatTime(NOW), code: 'GIT_ERROR' }],
]);

const MANIFEST: Manifest = {
  key: 'model',
  totalSize: 6000,
  chunking: { mode: 'fastcdc', min: 65_536, avg: 262_144, max: 1_048_576, nc: 1 },
  gitHash: 'sha1',
  etag: META.etag,
  chunks: [4096, 1904].map((size, i) => ({ size, digest: `${i}`.repeat(64), blob: 'd0'.repeat(20) })),
};

async function transaction(format: 'sha1' | 'sha256'): Promise<Record<string, string>> {
  const { store, namer } = memory(format);
  const set = (key: string, value: string): Operation => ({ op: 'set', key, value: utf8(value), meta: META });
  const context = { store, namer, ns: 'main', identity: 'Ada <ada@example.org>', now: NOW, txn: EVENT.txn };
  const base = { ledger: null, index: null, chunks: null, epoch: '2026Q1', parentEpoch: null };
  const first = await buildTransaction(context, base, [set('cfg:a', '1'), set('🔑/..', ''), set('x', '\0')]);
  await store.write(first.objects);
  const ledger = encodeCommit(first.ledgerCommit, format);
  const commit = namer.object('commit', ledger);
  await store.write([commit]);
  const onFirst = {
    ...base,
    ledger: { commit: commit.oid, tree: first.ledgerCommit.tree },
    index: { commit: first.indexCommit.oid, tree: (/KV-Index-Tree: (.*)/.exec(first.ledgerCommit.message) ?? [])[1] as string },
  };
  const second = await buildTransaction(context, onFirst, [
    set('cfg:a', '2'),
    { op: 'del', key: 'x' },
    { op: 'del', key: 'none' },
  ]);
  const named = await buildTransaction({ ...context, repository: REPOSITORY }, base, [set('cfg:a', '1')]);
  expect(second).to.deep.include({ set: ['cfg:a'], del: ['x'], unchanged: ['none'] });
  return {
    'first ledger commit': decodeLoose(ledger),
    'first index commit': decodeLoose(first.indexCommit.body),
    'first ledger commit id': commit.oid,
    'ledger commit of a repository': decodeLoose(encodeCommit(named.ledgerCommit, format)),
    'second ledger commit': decodeLoose(encodeCommit(second.ledgerCommit, format)),
    'second index commit id': second.indexCommit.oid,
    'watchlog commit': decodeLoose(appendEvents(namer, null, [EVENT])[0]?.body ?? new Uint8Array()),
    'compacted commit': decodeLoose(compactedCommit(namer, COMPACTED).body),
  };
}

async function intent(format: 'sha1' | 'sha256'): Promise<Record<string, string>> {
  const { store, namer } = memory(format);
  const author = `Ada <ada@example.org> ${Math.floor(NOW / 1000)} +0000`;
  const operations = {
    ops: [
      { ...INTENT_SET, key: 'cfg:a', size: 1, ttl: null, keepTtl: true, file: { dir: 'values', at: 0 } },
      {
        ...INTENT_SET,
        key: 'model',
        size: 6000,
        ttl: '2026-06-01T00:00:00.000Z',
        keepTtl: false,
        file: { dir: 'manifests', at: 0 },
      },
      { op: 'del', key: 'x', strict: true },
      { op: 'del', key: 'y', strict: false },
    ],
    expect: [
      { key: 'cfg:a', blob: 'd0'.repeat(20) },
      { key: 'y', blob: null },
    ],
    expectTree: null,
  } as const;
  const value = namer.object('blob', utf8('1'));
  const manifest = namer.object('blob', encodeManifest({ ...MANIFEST, gitHash: format }));
  const chunks = new Map([['0'.repeat(64), namer.oid('blob', utf8('chunk'))]]);
  const objects: NewObject[] = [value, manifest];
  const tree = intentTree(namer, operations, { values: [value.oid], manifests: [manifest.oid], chunks }, objects);
  const trailers = { ns: 'main', txn: EVENT.txn, epoch: EVENT.epoch, repository: REPOSITORY };
  const body = encodeCommit(intentCommit(tree, author, 'why\n\nbecause', trailers), format);
  const commit = namer.object('commit', body);
  await store.write([...objects, commit]);
  const read = await readIntent((oids) => store.read(oids), namer, commit.oid);
  expect(read.operations).to.deep.equal(operations);
  expect(read.trailers).to.deep.equal(trailers);
  const context = { store, namer, ns: 'main', identity: 'Stargate <s@example.org>', now: NOW, txn: EVENT.txn };
  const base = { ledger: null, index: null, chunks: null, epoch: EVENT.epoch, parentEpoch: null };
  const plan = operationsOf(read, { manifests: new Map([['model', { ...MANIFEST, gitHash: format }]]), kept: new Map() });
  const made = await buildTransaction({ ...context, repository: REPOSITORY, intent: commit.oid, subject: read.text }, base, plan);
  const kept = appendIntent(namer, null, commit.oid, { ns: 'main', txn: EVENT.txn, ledger: EVENT.oid }, NOW);
  return {
    commit: decodeLoose(body),
    operations: decodeLoose(encodeOperations(operations)),
    'operations that begin an epoch': decodeLoose(encodeOperations({ ops: [], expect: [], epoch: '2026Q2' })),
    tree,
    'ledger commit that is made of it': decodeLoose(encodeCommit(made.ledgerCommit, format)),
    'chain that keeps it': kept.map(({ body: each }) => decodeLoose(each)).join('\n---\n'),
    'frame that carries it': toHex(encodeFrame('I', encodeObjects([commit, value]))),
  };
}

async function vectors(): Promise<Record<string, unknown>> {
  const { namer } = memory();
  const pointer = valuePointer('cfg:a', 'd0'.repeat(20), null, 7, META);
  const expiring = { ...pointer, ttl: '2026-06-01T00:00:00.000Z' };
  const keys = ['cfg:feature', '.git', 'a/b c', '🔑', '%', '~_-:'];
  return {
    'urlsafe keys': Object.fromEntries(keys.map((key) => [key, toUrlsafe(key)])),
    'ledger paths': Object.fromEntries(keys.map((key) => [key, pathsOf('main', placeOf(key, namer.hasher))])),
    'index layout': decodeLoose(encodeLayout()),
    pointer: decodeLoose(encodePointer(pointer)),
    'pointer with a ttl': decodeLoose(encodePointer(expiring)),
    'pointer of a value in chunks': decodeLoose(encodePointer(valuePointer('model', null, 'd0'.repeat(20), 7_340_032, META))),
    'pointer of an odd key': new TextDecoder().decode(encodePointer({ ...pointer, key: '"é\\/🔑\u2028' })),
    manifest: decodeLoose(encodeManifest(MANIFEST)),
    'manifest of chunks of one size': decodeLoose(encodeManifest({ ...MANIFEST, chunking: { mode: 'fixed', size: 4096 } })),
    tombstone: decodeLoose(encodePointer(tombstone('cfg:a'))),
    'pointer modes': [pointerMode(pointer), pointerMode(expiring), pointerMode(tombstone('cfg:a'))],
    metadata: decodeLoose(encodeMetadata(META)),
    'metadata with a ttl': decodeLoose(encodeMetadata({ ...META, ttl: expiring.ttl })),
    ulid: newUlid(new TestClock(), new SeededRandomness()),
    'repository id': decodeLoose(encodeRepositoryId(REPOSITORY)),
    'watchlog event': encodeEvent(EVENT),
    'compacted epoch': encodeCompacted(COMPACTED),
    'what the mirror refuses': decodeLoose(encodeMirrorRefusals(REFUSALS)),
    'intent of a cluster in the journal': JSON.stringify(intentOf(ENTRY, formatTime(NOW))),
    'where a server of a cluster stands': decodeLoose(
      encodeLeaderRecord(namer, { sequence: 7, term: 3, digest: ENTRY.after, members: ENTRY.members }).body,
    ),
    'intent, sha1': await intent('sha1'),
    'intent, sha256': await intent('sha256'),
    'transaction, sha1': await transaction('sha1'),
    'transaction, sha256': await transaction('sha256'),
  };
}

describe('golden vectors', () => {
  let made: Record<string, unknown>;
  before(async () => {
    made = await vectors();
    if (WRITE) writeFileSync(FILE, `${JSON.stringify(made, null, 2)}\n`);
  });

  it('are reproduced to the byte', () => {
    expect(made).to.deep.equal(JSON.parse(readFileSync(FILE, 'utf8')));
  });

  it('are read back as what was written', () => {
    const chunked = valuePointer('k', null, 'd0'.repeat(20), 7, META);
    for (const pointer of [valuePointer('k', 'd0'.repeat(20), null, 7, META), chunked, tombstone('k')]) {
      expect(decodePointer(encodePointer(pointer), 'k')).to.deep.equal(pointer);
    }
    expect(decodeManifest(encodeManifest(MANIFEST), 'model')).to.deep.equal(MANIFEST);
    expect(decodeMetadata(encodeMetadata(META), 'k')).to.deep.equal(META);
    expect(decodeRepositoryId(encodeRepositoryId(REPOSITORY))).to.equal(REPOSITORY);
    expect(decodeEvent(encodeEvent(EVENT), 'c')).to.deep.equal(EVENT);
    expect(decodeMirrorRefusals(encodeMirrorRefusals(REFUSALS))).to.deep.equal(REFUSALS);
  });

  for (const [what, text, code] of [
    ['an unknown version', '{"v":2,"key":"a"}', 'FORMAT_UNSUPPORTED'],
    ['no version', '{"key":"a"}', 'FORMAT_UNSUPPORTED'],
    ['a space', `${decodeLoose(encodePointer(tombstone('a'))).replace(',', ', ')}`, 'ATTESTATION_MISMATCH'],
    ['a final newline', `${decodeLoose(encodePointer(tombstone('a')))}\n`, 'ATTESTATION_MISMATCH'],
    ['another field', decodeLoose(encodePointer(tombstone('a'))).replace('}', ',"x":1}'), 'ATTESTATION_MISMATCH'],
    [
      'a wrong type',
      '{"v":1,"key":"a","type":"odd","ledger_blob":null,"manifest_blob":null,"size":0,"ctype":null}',
      'ATTESTATION_MISMATCH',
    ],
    ['a list', '[1]', 'ATTESTATION_MISMATCH'],
    ['no JSON', 'v1', 'ATTESTATION_MISMATCH'],
  ] as const) {
    it(`refuses a pointer with ${what}`, () => {
      expect(() => decodePointer(utf8(text), 'a'))
        .to.throw()
        .with.property('code', code);
    });
  }

  it('covers both object formats', () => expect(FORMATS).to.deep.equal(['sha1', 'sha256']));
});
