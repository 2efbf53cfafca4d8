import { PktChannel } from '../../../adapters/git-cli/remote/receive-pack/pkt-channel.js';
import { readGreeting, readReport } from '../../../adapters/git-cli/remote/receive-pack/conversation.js';
import { Readable } from 'node:stream';
import { verifySshSignature } from '../../../adapters/signature-verifier/sshsig.js';
import { parseSshCommand } from '../../../apps/stargate/ssh/command.js';
import { decodeCommit, encodeCommit, readStamp } from '../../../domain/git/commit.js';
import { entrySize, findEntry, readTree, type TreeEntry, writeEntry } from '../../../domain/git/tree/tree.js';
import { nodeZlib } from '../../../apps/node-zlib.js';
import { checkGitmodules, checkObject } from '../../../domain/git/fsck.js';
import { applyDelta, deltaSizes, editDelta } from '../../../domain/git/pack/delta.js';
import { readPack } from '../../../domain/git/pack/read-pack.js';
import { readFetchV0, readRequestV2 } from '../../../domain/git/wire/fetch-request.js';
import { KvError } from '../../../ports/error.js';
import { NAMER, packOf } from '../../support/formats/packs.js';
import { readFilter } from '../../../domain/git/wire/object-filter.js';
import { PushStream } from '../../../domain/git/wire/push-request.js';
import { ReadAnswers } from '../../../domain/git/wire/read-answers.js';
import { ReadRequests } from '../../../domain/git/wire/read-requests.js';
import { advertisedRefs, withRefs } from '../../../domain/git/wire/ref-advertisement.js';
import { objectLinks } from '../../../ports/grammar/git-words/object-links.js';
import { encodePkt, FLUSH_PKT, type Pkt, PktReader, pktText } from '../../../ports/grammar/git-words/pkt-line.js';
import { parseSshKey, sshKeyType, sshStrings } from '../../../ports/grammar/network/ssh-key.js';
import type { ObjectType } from '../../../ports/vocabulary.js';
import { sshKey, sshSign } from '../../contracts/signature-verifier.js';
import { holdsUp, type Parser } from './holds-up.js';

const OID = '0123456789abcdef0123456789abcdef01234567';
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const IDENT = 'Ada <ada@example.org> 1700000000 +0000';
const COMMIT = { tree: OID, parents: [OID], author: IDENT, committer: IDENT, signature: null, message: 'kv\n\nKV-NS: main\n' };
const KEY = sshKey();
const PAYLOAD = Buffer.from('payload');

function tree(entries: readonly TreeEntry[]): Uint8Array {
  const out = new Uint8Array(entries.reduce((sum, { mode, name, oid }) => sum + entrySize(mode, name, oid), 0));
  let at = 0;
  for (const { mode, name, oid } of entries) at = writeEntry(mode, name, oid, out, at);
  return out;
}
const TREE = tree([
  { mode: '100644', name: 'a', oid: OID },
  { mode: '40000', name: 'b', oid: OID },
]);

const pkts = (...payloads: (string | null)[]): Uint8Array =>
  Buffer.concat(payloads.map((payload) => (payload === null ? FLUSH_PKT : encodePkt(payload))));
const TRACEPARENT = `00-${'4b'.repeat(16)}-${'00f0'.repeat(4)}-01`;
const PUSH = Buffer.concat([
  pkts(`${OID} ${OID.replace('0', '1')} refs/heads/x\0report-status atomic`, `${OID} ${OID} refs/tags/y`, null),
  Buffer.from('PACK\0\0\0\x02\0\0\0\x01'),
]);
const REFS = pkts(`${OID} HEAD\0side-band-64k symref=HEAD:refs/heads/x`, `${OID} refs/kv/main`, null);
const V2 = pkts('version 2', 'ls-refs', null);
const PACK = packOf([
  { type: 'tree', body: TREE },
  { type: 'blob', body: PAYLOAD },
]);
const DELTA = editDelta(TREE, Buffer.concat([TREE, TREE.subarray(0, 3)])) ?? PAYLOAD;
const FETCH = pkts(`want ${OID} side-band-64k ofs-delta`, `shallow ${OID}`, 'deepen 3', null, `have ${OID}`, 'done');
const FETCH_V2 = Buffer.concat([
  pkts('command=fetch', 'object-format=sha1'),
  Buffer.from('0001'),
  pkts('thin-pack', `want ${OID}`, `have ${OID}`, 'deepen-since 1700000000', 'deepen-not v1', 'done', null),
]);
const LS_REFS_V2 = Buffer.concat([pkts('command=ls-refs'), Buffer.from('0001'), pkts('peel', 'ref-prefix refs/heads/', null)]);
const LS_REFS = pkts('command=ls-refs', 'agent=git/2', 'ref-prefix refs/kv/', null);

/** In pieces of all sizes up to 64 KiB, as connections have them. */
function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0, size = 1; at < bytes.length; at += size, size = Math.min(size * 3, 65_536))
    yield bytes.subarray(at, at + size);
}

const isFraming = (error: Error): boolean => error instanceof RangeError && error.message.startsWith('pkt-line');

const PARSERS: readonly Parser[] = [
  {
    name: 'a commit',
    samples: [
      encodeCommit(COMMIT, 'sha1'),
      encodeCommit({ ...COMMIT, signature: '-----BEGIN X-----\nabc\n-----END X-----' }, 'sha1'),
    ],
    parse: (bytes) => {
      const commit = decodeCommit(bytes, OID, 'sha1');
      readStamp(commit.author);
      return commit;
    },
    write: (commit: typeof COMMIT) => encodeCommit(commit, 'sha1'),
  },
  {
    name: 'a commit’s signature',
    samples: [sshSign(KEY, PAYLOAD)],
    parse: (bytes) => encodeCommit({ ...COMMIT, signature: text(bytes) }, 'sha1').length,
  },
  { name: 'a tree', samples: [TREE], parse: (bytes) => readTree(bytes, 20), write: tree, exact: true },
  { name: 'an entry of a tree', samples: [TREE], parse: (bytes) => findEntry(bytes, 20, 'b') },
  {
    name: 'what an object names',
    samples: [TREE, encodeCommit(COMMIT, 'sha1'), `object ${OID}\ntype commit\ntag x\n\nmessage`],
    parse: (bytes) => objectLinks({ oid: OID, type: typeBy(text(bytes.subarray(0, 7))), body: bytes }, 'sha1'),
  },
  { name: 'a pkt-line', samples: [REFS, LS_REFS], parse: pktsIn, write: framed, refuses: isFraming },
  {
    name: 'a push',
    samples: [
      PUSH,
      pkts(`${OID} ${'0'.repeat(40)} refs/heads/x\0`, null),
      pkts(`${OID} ${'0'.repeat(40)} refs/heads/x\0push-options`, null, `traceparent=${TRACEPARENT}`, 'ci.skip', null),
    ],
    parse: (bytes) => {
      const stream = new PushStream({ maxObjects: 100, maxCommands: 1000, maxCommandBytes: 8 << 20, maxBytes: 1 << 30 });
      for (const piece of pieces(bytes)) stream.push(piece);
      return stream.announcement;
    },
  },
  {
    name: 'what a reader asks for',
    samples: [LS_REFS, pkts('command=fetch', `want ${OID}`, null)],
    parse: (bytes) => {
      const requests = new ReadRequests();
      for (const piece of pieces(bytes)) requests.push(piece);
      return requests.take();
    },
  },
  {
    name: 'what upload-pack answers',
    samples: [REFS, Buffer.concat([V2, pkts(`${OID} refs/kv/main`, null)])],
    parse: (bytes) => {
      const requests = new ReadRequests();
      requests.push(LS_REFS);
      const answers = new ReadAnswers(requests);
      for (const piece of pieces(bytes))
        for (const answer of answers.push(piece))
          if (answer.kind === 'refs')
            withRefs(
              answer.list,
              () => true,
              advertisedRefs(answer.list, () => true),
            );
      return answers.rest();
    },
  },
  {
    name: 'what a receive-pack says first',
    samples: [REFS, pkts(`${'0'.repeat(40)} capabilities^{}\0atomic`, null)],
    parse: (bytes) => readGreeting(new PktChannel(Readable.from([...pieces(bytes)]))),
  },
  {
    name: 'what became of a push',
    samples: [pkts(`\u0001${text(pkts('unpack ok\n', 'ok refs/kv/main\n', 'ng refs/x no\n', null))}`, '\u0002words', null)],
    parse: (bytes) => readReport(new PktChannel(Readable.from([...pieces(bytes)])), () => undefined),
  },
  {
    name: 'an SSH signature',
    samples: [sshSign(KEY, PAYLOAD)],
    parse: (bytes) => verifySshSignature(PAYLOAD, text(bytes)),
  },
  {
    name: 'an SSH key',
    samples: [`${KEY.line} ada`],
    parse: (bytes) => parseSshKey(text(bytes)),
  },
  {
    name: 'an SSH key’s wire form',
    samples: [Buffer.from(KEY.line.split(' ')[1] ?? '', 'base64')],
    parse: (bytes) => [sshKeyType(bytes), sshStrings(bytes)],
  },
  {
    name: 'a command line of SSH',
    samples: ["git-receive-pack '/kv.git'", "git-kv-admin '/it'\\''s.git' sync --dry-run"],
    parse: (bytes) => parseSshCommand(text(bytes)),
  },
  {
    name: 'a pack',
    samples: [PACK],
    // Nobody has what a thin one builds on; and memory is bounded by whoever reads.
    parse: (bytes) => {
      let left = 10_000_000;
      const hold = (size: number): void => {
        left -= size;
        if (left < 0) throw new KvError('STORAGE_FULL', 'no room');
      };
      return readPack(bytes, {
        namer: NAMER,
        zlib: nodeZlib,
        read: async (oids) => oids.map(() => null),
        hold,
        maxObjects: 1000,
      });
    },
  },
  { name: 'a delta', samples: [DELTA], parse: (bytes) => deltaSizes(bytes).result < 1_000_000 && applyDelta(TREE, bytes) },
  { name: 'a fetch in protocol v0', samples: [FETCH], parse: (bytes) => readFetchV0(bytes, 'sha1') },
  { name: 'a request in protocol v2', samples: [FETCH_V2, LS_REFS_V2], parse: (bytes) => readRequestV2(bytes, 'sha1') },
  {
    name: 'the filter of a partial clone',
    samples: ['blob:none', 'blob:limit=12k', 'tree:3', 'combine:tree:1+blob%3Alimit=5'],
    parse: (bytes) => readFilter(text(bytes)),
  },
  {
    name: 'an object that is pushed',
    samples: [TREE, encodeCommit(COMMIT, 'sha1'), `object ${OID}\ntype commit\ntag x\n\nmessage`],
    parse: (bytes) => checkObject({ oid: OID, type: typeBy(text(bytes.subarray(0, 7))), body: bytes }, 20),
  },
  {
    name: 'a file of submodules',
    samples: ['[submodule "a"]\n\tpath = a\n\turl = https://example.org/a\n'],
    parse: (bytes) => checkGitmodules({ oid: OID, body: bytes }),
  },
];

describe('parsers of what Git and SSH send', () => holdsUp(PARSERS));

const typeBy = (head: string): ObjectType => (head.startsWith('tree ') ? 'commit' : head.startsWith('object ') ? 'tag' : 'tree');

function pktsIn(bytes: Uint8Array): Pkt[] {
  const reader = new PktReader();
  const found: Pkt[] = [];
  for (const piece of pieces(bytes)) {
    reader.push(piece);
    for (let pkt = reader.next(); pkt !== undefined; pkt = reader.next()) {
      if (pkt.kind === 'data') pktText(pkt.payload);
      found.push(pkt.kind === 'data' ? { kind: 'data', payload: Uint8Array.from(pkt.payload) } : pkt);
    }
  }
  return found;
}

function framed(found: readonly Pkt[]): Uint8Array {
  const special = { flush: '0000', delim: '0001', 'response-end': '0002' };
  return Buffer.concat(found.map((pkt) => (pkt.kind === 'data' ? encodePkt(pkt.payload) : Buffer.from(special[pkt.kind]))));
}
