import { decodeUtf8 } from '../../../domain/git/bytes.js';
import { checkLayout, encodeLayout } from '../../../domain/index/layout.js';
import {
  messageBody,
  parseChunksMessage,
  parseIndexMessage,
  parseLedgerMessage,
  renderChunksMessage,
  renderIndexMessage,
  renderLedgerMessage,
  reservedTrailer,
} from '../../../domain/ledger/transaction/attestation.js';
import { decodeHostKeys, encodeHostKeys } from '../../../domain/ledger/host-keys.js';
import { fromUrlsafe, keyBytes, quoteKey, toUrlsafe } from '../../../domain/ledger/value/key.js';
import { decodeManifest, encodeManifest, type Manifest, parseChunkPath } from '../../../domain/ledger/value/manifest.js';
import { decodeMetadata, encodeMetadata, formatTime } from '../../../domain/ledger/value/metadata.js';
import { decodeMirrorRefusals, encodeMirrorRefusals } from '../../../domain/ledger/mirror-refusals.js';
import { decodePointer, encodePointer, tombstone } from '../../../domain/ledger/value/pointer.js';
import { classifyRef } from '../../../domain/ledger/refs.js';
import { isUlid } from '../../../domain/ledger/ulid.js';
import { decodeEvent, encodeEvent } from '../../../domain/ledger/transaction/watchlog.js';
import { isLfsPointer } from '../../../domain/verify/policy-rules.js';
import { isEpochLabel, isNamespace } from '../../../ports/grammar/namespace.js';
import { holdsUp, type Parser } from './holds-up.js';

const OID = '0123456789abcdef0123456789abcdef01234567';
const TXN = '01K8ZVM3M0QJ3T0S6V9Q3D5N7R';
const AT = formatTime(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
const ETAG = `blake3:${'ab'.repeat(32)}`;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

const TRAILERS = {
  ...{ ns: 'main', txn: TXN, baseTree: null, indexTree: OID, chunksTree: OID, epoch: '2026Q1', keysSet: 2, keysDel: 0 },
  ...{ parentEpoch: null, parentLedger: null, repository: null, intent: null },
};
const MANIFEST: Manifest = {
  ...{ key: 'k', totalSize: 7, gitHash: 'sha1', etag: ETAG },
  chunking: { mode: 'fastcdc', min: 64, avg: 256, max: 1024, nc: 1 },
  chunks: [{ digest: 'cd'.repeat(32), size: 7, blob: OID }],
};
const EVENT = {
  v: 1,
  ns: 'main',
  epoch: 'e',
  oid: OID,
  txn: TXN,
  received: AT,
  signer: 'ada',
  set: 1,
  del: 0,
  parentEpoch: null,
} as const;

const PARSERS: readonly Parser[] = [
  {
    name: 'a ledger commit’s message',
    samples: [
      renderLedgerMessage('kv: set 2', TRAILERS),
      renderLedgerMessage('a\n\nb', { ...TRAILERS, parentEpoch: 'x', parentLedger: OID }),
      renderLedgerMessage('named', { ...TRAILERS, repository: 'a'.repeat(32) }),
    ],
    parse: (bytes) => parseLedgerMessage(text(bytes), 'c'),
    write: (trailers: Parameters<typeof renderLedgerMessage>[1]) => renderLedgerMessage('kv', trailers),
  },
  {
    name: 'an index commit’s message',
    samples: [renderIndexMessage({ ns: 'main', txn: TXN, ledgerTree: OID })],
    parse: (bytes) => parseIndexMessage(text(bytes), 'c'),
    write: renderIndexMessage,
  },
  {
    name: 'a chunks commit’s message',
    samples: [renderChunksMessage({ ns: 'main', txn: TXN })],
    parse: (bytes) => parseChunksMessage(text(bytes), 'c'),
    write: renderChunksMessage,
  },
  {
    name: 'what a message says besides its trailers',
    samples: [renderLedgerMessage('a\nb\n\nc', TRAILERS)],
    parse: (bytes) => [messageBody(text(bytes)), reservedTrailer(text(bytes))],
  },
  {
    name: 'a pointer',
    samples: [encodePointer(tombstone('k'))],
    parse: (bytes) => decodePointer(bytes, 'k'),
    write: encodePointer,
    exact: true,
  },
  {
    name: 'a manifest',
    samples: [encodeManifest(MANIFEST)],
    parse: (bytes) => decodeManifest(bytes, 'k'),
    write: encodeManifest,
    exact: true,
  },
  {
    name: 'metadata',
    samples: [
      encodeMetadata({ ctype: 'text/plain', ttl: null, etag: ETAG, createdBy: 'Ada é', createdAt: AT, txn: TXN }),
      encodeMetadata({ ctype: 'a/b; c=d', ttl: AT, etag: ETAG, createdBy: 'a', createdAt: AT, txn: TXN }),
    ],
    parse: (bytes) => decodeMetadata(bytes, 'k'),
    write: encodeMetadata,
    exact: true,
  },
  { name: 'layout.json', samples: [encodeLayout()], parse: (bytes) => checkLayout(bytes, 'main') },
  {
    name: 'an event of a watchlog',
    samples: [encodeEvent(EVENT), encodeEvent({ ...EVENT, parentEpoch: 'd' })],
    parse: (bytes) => decodeEvent(text(bytes), OID),
    write: encodeEvent,
  },
  {
    name: 'what a mirror refuses',
    samples: [encodeMirrorRefusals(new Map([['main', { since: AT, code: 'SYNC_REFUSED' }]]))],
    parse: decodeMirrorRefusals,
    write: encodeMirrorRefusals,
  },
  {
    name: 'the published host keys',
    samples: [encodeHostKeys([{ type: 'ssh-ed25519', fingerprint: `SHA256:${'a'.repeat(43)}`, state: 'in-use' }])],
    parse: decodeHostKeys,
    write: encodeHostKeys,
  },
  {
    name: 'a urlsafe key',
    samples: ['cfg:a_b-c', toUrlsafe('a.b/é😀')],
    parse: (bytes) => fromUrlsafe(text(bytes)),
    write: toUrlsafe,
    exact: true,
  },
  {
    name: 'a key',
    samples: ['cfg:mode', 'é😀 ~.'],
    parse: (bytes) => {
      quoteKey(text(bytes));
      return keyBytes(text(bytes));
    },
    write: (bytes: Uint8Array) => decodeUtf8(bytes) ?? '',
  },
  {
    name: 'a chunk’s path',
    samples: [`kv/main/chunks/ab/ab/${'ab'.repeat(32)}`],
    parse: (bytes) => parseChunkPath(text(bytes), 'main'),
  },
  {
    name: 'a ref, a namespace, a label, a transaction',
    samples: ['refs/kv/main', 'refs/kv-archive/main@2026Q1', 'refs/heads/x', TXN],
    parse: (bytes) => [classifyRef(text(bytes)), isNamespace(text(bytes)), isEpochLabel(text(bytes)), isUlid(text(bytes))],
  },
  {
    name: 'a Git LFS pointer',
    samples: [`version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 1\n`],
    parse: isLfsPointer,
  },
];

describe('parsers of what a ledger holds', () => holdsUp(PARSERS));
