import { progressIn, withoutProgress } from '../../../adapters/git-cli/process/progress.js';
import { firstComplaint } from '../../../adapters/git-cli/process/run-git.js';
import { pushError } from '../../../adapters/git-cli/remote/push-outcome.js';
import {
  damagedThere,
  kvErrorIn,
  noRoomHere,
  noRoomThere,
  unreachable,
  wrongFormat,
} from '../../../adapters/git-cli/remote/failure/remote-error.js';
import { failure } from '../../../adapters/mirror-git/outcome.js';
import { errorFields } from '../../../apps/cli/render/report-error.js';
import { parseEndpoint } from '../../../apps/stargate/endpoints.js';
import { COMPACT } from '../../../domain/admin/compact.js';
import { STATUS } from '../../../domain/admin/status.js';
import { SYNC } from '../../../domain/admin/sync.js';
import { readReport } from '../../../domain/admin/verb.js';
import { parseHumanTime } from '../../../domain/client/past/human-time.js';
import { parseTime, readExpiry } from '../../../domain/client/write/value/expiry.js';
import { jsonFault, saysJson } from '../../../domain/client/write/value/json-check.js';
import { isContentType } from '../../../domain/ledger/value/metadata.js';
import { KvError } from '../../../ports/error.js';
import { decodeBase64, encodeBase64 } from '../../../ports/grammar/base64.js';
import { durationText, parseDuration } from '../../../ports/grammar/duration.js';
import { printable, printableText } from '../../../ports/grammar/printable.js';
import { shownUrl, withoutSecrets } from '../../../ports/grammar/network/shown-url.js';
import { parseTraceparent } from '../../../ports/grammar/trace-context.js';
import { parseSize, sizeText } from '../../../ports/grammar/size.js';
import { parseSshUrl } from '../../../ports/grammar/network/ssh-url.js';
import { formatRejection, parseRejection } from '../../../ports/rejection.js';
import { valueLine } from '../../../apps/cli/render/values/value-line.js';
import { holdsUp, type Parser } from './holds-up.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const NOW = Date.UTC(2026, 0, 2);
const URL = 'ssh://git@stargate.local:2222/kv.git';

const REFUSAL = formatRejection(
  new KvError('POLICY_VIOLATION', 'no é', { hint: 'ask', details: { key: 'k', n: 1 }, advice: { id: 'see-commands' } }),
  'req-1',
);
const PORCELAIN = `To ${URL}\n!\t0123:refs/kv/main\t[remote rejected] (stale info)\n!\t0123:refs/kv-index/main\t[rejected] (atomic push failed)\nDone\n`;
const SAID = [
  `remote: ${REFUSAL}\u001b[K\nremote: \u001b[31merror\u001b[m: words of https://ada:secret@host/x\n`,
  'fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\n',
  'git@host: Permission denied (publickey).\nfatal: Could not read from remote repository.\n',
  '@@@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n',
  'remote: Counting objects: 50% (1/2)\rremote: Total 2 (delta 0)\nfatal: early EOF\n',
];

const ANSWER = {
  ...{
    leader: true,
    holder: 'a',
    term: 1,
    uptime_s: 1,
    repository: 'r',
    namespaces: [{ ns: 'main', epoch: null, ledger: null }],
  },
  ...{
    policy: { in_force_since: 't', rejected: null },
    version: '1',
    mode: 'audit',
    dry_run: false,
    same: 1,
    bundle: null,
    left: ['x'],
  },
  refs: [{ ref: 'r', here: null, there: 'o', state: 's', action: 'none' }],
  ...{
    ns: 'main',
    current: 'e',
    keep_epochs: null,
    kept: [],
    epochs: [],
    bytes_before: 1,
    bytes_after: 1,
    bytes_freed: 0,
    reclaimed: true,
  },
};
const MIRROR = {
  ...{ label: 'm', breaker: 'closed', backlog: 0, missing: 0, last_success: null, last_error: null },
  ...{ refused: { main: 'x' }, watermark: {} },
};

/** What an admin verb's answer must look like, as a Stargate may give it. */
const ANSWERS: readonly Parser[] = [STATUS, SYNC, COMPACT].map((verb) => ({
  name: `the answer to ${verb.name}`,
  samples: [JSON.stringify(verb === STATUS ? { ...ANSWER, mirror: MIRROR } : { ...ANSWER, mirror: 'm', namespaces: [] })],
  parse: (bytes) => readReport<unknown>(verb as never, JSON.parse(text(bytes)) as unknown),
  write: (answer) => JSON.stringify(answer),
  refuses: (error) => error instanceof SyntaxError,
}));

const PARSERS: readonly Parser[] = [
  ...ANSWERS,
  {
    name: 'a kv-error line',
    samples: [REFUSAL, `remote: ${REFUSAL}`],
    parse: (bytes) => {
      const error = parseRejection(text(bytes));
      if (error !== undefined) JSON.stringify(errorFields(error));
      return error === undefined ? undefined : formatRejection(error);
    },
    write: (line: string) => line,
  },
  {
    name: 'what git and ssh say of a remote',
    samples: SAID,
    parse: (bytes) => {
      const said = text(bytes);
      const contact = { what: 'cannot fetch', url: URL };
      withoutProgress(said);
      progressIn(() => undefined)(said);
      return [
        ...[
          kvErrorIn(said),
          wrongFormat('x', said),
          damagedThere('x', said),
          noRoomHere('x', said),
          noRoomThere(URL, said, said),
        ],
        ...[unreachable({ ...contact, direction: 'read' }, said), unreachable({ ...contact, direction: 'write' }, said)],
        unreachable({ ...contact, direction: 'read' }, `${said}\nConnection closed`),
        firstComplaint(said),
      ].map((error) => (KvError.is(error) ? error.message.slice(0, 10) : null));
    },
  },
  {
    name: 'what git says of a push',
    samples: [PORCELAIN, ...SAID],
    parse: (bytes) => pushError({ remote: 'origin', url: URL }, text(bytes), text(bytes)).code,
  },
  {
    name: 'what a mirror says of a push',
    samples: [PORCELAIN, ...SAID, 'error: RPC failed; HTTP 413\nretry-after: 7\n'],
    parse: (bytes) =>
      failure('a push', 'mirror', { status: 1, stdout: text(bytes), stderr: text(bytes) } as Parameters<typeof failure>[2]).code,
  },
  {
    name: 'an address in words',
    samples: ['see https://ada:secret@host/x?token=y', 'user:token@host/path'],
    parse: (bytes) => [shownUrl(text(bytes)), withoutSecrets(text(bytes))],
  },
  {
    name: 'an SSH address',
    samples: [URL, 'git@host:org/repo.git', 'ssh://[::1]:22/~a/b'],
    parse: (bytes) => parseSshUrl(text(bytes)),
  },
  {
    name: 'an address to listen at',
    samples: ['127.0.0.1:22', '[::1]:0'],
    parse: (bytes) => parseEndpoint(text(bytes), '--listen'),
  },
  {
    name: 'a duration',
    samples: ['30d', '500 ms', '24h'],
    parse: (bytes) => parseDuration(text(bytes)),
    write: durationText,
  },
  {
    name: 'the context of a trace',
    samples: [`00-${'4b'.repeat(16)}-${'00f0'.repeat(4)}-01`, `cc-${'4b'.repeat(16)}-${'00f0'.repeat(4)}-00-more`],
    parse: (bytes) => parseTraceparent(text(bytes)),
  },
  { name: 'a size', samples: ['64KiB', '10 MB', '1'], parse: (bytes) => parseSize(text(bytes)), write: sizeText },
  {
    name: 'base64',
    samples: ['AAEC', 'AA=='],
    parse: (bytes) => decodeBase64(Buffer.from(bytes).toString('latin1')),
    write: encodeBase64,
    exact: true,
  },
  {
    name: 'a time',
    samples: ['2026-01-02T03:04:05.678Z', '2026-01-02', '5m ago', 'yesterday', '30d', 'none'],
    parse: (bytes) => [
      parseTime(text(bytes)),
      parseHumanTime(text(bytes), NOW),
      'fault' in readExpiry(text(bytes).slice(0, 100), NOW),
    ],
  },
  {
    name: 'a content type',
    samples: ['text/plain; charset=utf-8', 'application/ld+json'],
    parse: (bytes) => [isContentType(text(bytes)), saysJson(text(bytes))],
  },
  { name: 'JSON that a content type promises', samples: ['{"a":[1,2]}'], parse: (bytes) => jsonFault(bytes) },
  {
    name: 'text for a terminal',
    samples: ['a\u001b[m\u202e é 👩‍💻\r\n'],
    parse: (bytes) => [printable(text(bytes)), printableText(text(bytes)), valueLine(bytes)],
  },
];

describe('parsers of words', () => holdsUp(PARSERS));
