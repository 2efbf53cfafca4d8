import { parseKeys } from '../../../adapters/peer-http/open.js';
import { formatHistory, type HistoryName, parseHistory } from '../../../apps/stargate/root/cluster/history-name.js';
import {
  decodeRemoval,
  decodeRemovalAnswer,
  decodeRemovalMessage,
  encodeRemoval,
} from '../../../domain/gateway/creation/removal-wire.js';
import { decodeMessage, encodeMessage } from '../../../domain/gateway/replicate/wire/message-codec.js';
import { decodeLeaderRecord } from '../../../domain/gateway/replicate/wire/leader-ref.js';
import { holdsUp, type Parser } from './holds-up.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const HEAD = { sequence: 7, term: 3, digest: 'ab', members: ['one', 'two'] };
const REMOVAL = { repository: 'ada/shop', repositoryId: 'ab'.repeat(16) };
const ENTRY = {
  ...{ id: 'i', sequence: 8, term: 3, attempt: 1, before: 'ab', after: 'cd', events: [], members: ['one'] },
  updates: [{ ref: 'refs/heads/a', old: null, next: 'ab'.repeat(20) }],
};

const PARSERS: readonly Parser[] = [
  {
    name: 'a message between servers',
    samples: [
      encodeMessage({ kind: 'prepare', entry: ENTRY, head: HEAD }),
      encodeMessage({ kind: 'tail', entries: [ENTRY], head: null }),
      encodeMessage({ kind: 'report', term: 3, at: { sequence: 7, digest: 'ab' }, diverged: null }),
    ],
    parse: decodeMessage,
    write: encodeMessage,
  },
  { name: 'where a server stands', samples: [JSON.stringify({ v: 1, ...HEAD })], parse: decodeLeaderRecord },
  {
    name: 'what a server asks of removals',
    samples: [encodeRemoval({ kind: 'remove', removal: REMOVAL }), encodeRemoval({ kind: 'since', after: 3 })],
    parse: decodeRemovalMessage,
    write: encodeRemoval,
  },
  {
    name: 'what a server has removed',
    samples: [encodeRemoval({ removals: [REMOVAL], last: 1 })],
    parse: decodeRemovalAnswer,
    write: encodeRemoval,
  },
  { name: 'a removal as it is kept', samples: [encodeRemoval(REMOVAL)], parse: decodeRemoval, write: encodeRemoval },
  {
    name: 'the name of a history',
    samples: [`ada/shop@${'ab'.repeat(16)}`],
    parse: (bytes) => parseHistory(text(bytes)),
    write: (name: HistoryName) => formatHistory(name),
  },
  {
    name: 'a file of keys',
    samples: [`# a cluster's\nk1 ${Buffer.alloc(32, 7).toString('base64')}\nk2 ${Buffer.alloc(16, 8).toString('base64')}\n`],
    parse: (bytes) => parseKeys(text(bytes), 'keys'),
  },
];

describe('parsers of what servers of a cluster say', () => holdsUp(PARSERS));
