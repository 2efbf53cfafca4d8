import { expect } from 'chai';
import { failure } from '../../adapters/mirror-git/outcome.js';
import type { ErrorCode } from '../../ports/error.js';

const REF = 'refs/heads/big';
const FATAL = 'fatal: the remote end hung up unexpectedly\nEverything up-to-date\n';
/** A push by HTTP that was answered with a status. */
const rpc = (status: number): string =>
  `error: RPC failed; HTTP ${status} curl 22 The requested URL returned error: ${status}\n` +
  `send-pack: unexpected disconnect while reading sideband packet\n${FATAL}`;
/** The list of refs was answered with a status: nothing was pushed. */
const access = (status: number): string =>
  `fatal: unable to access 'https://host/org/kv.git/': The requested URL returned error: ${status}\n`;
const said = (by: string, reason: string): string => `!\t${REF}:${REF}\t[${by}] (${reason})\nDone\n`;
const declined = said('remote rejected', 'pre-receive hook declined');

/** Who says it, what git prints of it (standard error, then output), and what it is: an error's code, and what else is known of it. */
type Row = readonly [who: string, stderr: string, stdout: string, code: ErrorCode, more?: 'content' | 'rewind' | 'named'];

const ROWS: readonly Row[] = [
  // Statuses of the push itself: what was sent is not taken.
  ...[400, 403, 406, 409, 411, 413, 414, 417, 422, 431, 507].map(
    (status): Row => [`HTTP ${status}`, rpc(status), '', 'GIT_ERROR', 'content'],
  ),
  ['an old git, HTTP 413', `error: RPC failed; result=22, HTTP code = 413\n${FATAL}`, '', 'GIT_ERROR', 'content'],
  [
    'nginx, HTTP 413',
    `error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413 Request Entity Too Large\n${FATAL}`,
    '',
    'GIT_ERROR',
    'content',
  ],
  // Statuses that say nothing of the content: the host, the way there, or the account.
  ...[404, 407, 408, 500, 502, 503, 504, 520, 524].map((status): Row => [`HTTP ${status}`, rpc(status), '', 'IO_ERROR']),
  ...[401, 403, 404, 407, 413, 500, 502, 503].map(
    (status): Row => [`HTTP ${status} to the list of refs`, access(status), '', 'IO_ERROR'],
  ),
  ['HTTP 429', rpc(429), '', 'IO_ERROR'],
  ['an old git, HTTP 429', `error: RPC failed; result=22, HTTP code = 429\n${FATAL}`, '', 'IO_ERROR'],
  ['GitHub, its rate limit', `remote: You have exceeded a secondary rate limit. Please wait.\n${access(403)}`, '', 'IO_ERROR'],
  [
    'a cut HTTP/2 stream',
    `error: RPC failed; curl 92 HTTP/2 stream 0 was not closed cleanly: CANCEL (err 8)\n${FATAL}`,
    '',
    'IO_ERROR',
  ],
  [
    'a cut SSH connection',
    'client_loop: send disconnect: Broken pipe\nfatal: the remote end hung up unexpectedly\n',
    '',
    'IO_ERROR',
  ],
  // git itself, as every host runs it.
  [
    'git, receive.maxInputSize',
    `remote: fatal: pack exceeds maximum allowed size (3.50 GiB)\n${FATAL}`,
    '',
    'GIT_ERROR',
    'content',
  ],
  [
    'git, before 2.36',
    `remote: fatal: pack exceeds maximum allowed size\n${FATAL}`,
    said('remote rejected', 'unpacker error'),
    'GIT_ERROR',
    'content',
  ],
  [
    'git, an index-pack that gave up',
    'error: remote unpack failed: index-pack abnormal exit\n',
    said('remote rejected', 'unpacker error'),
    'GIT_ERROR',
    'content',
  ],
  [
    'git, a full disk',
    'error: remote unpack failed: unable to create temporary object directory\n',
    said('remote rejected', 'unpacker error'),
    'IO_ERROR',
  ],
  ['git, a disk that fills', '', said('remote rejected', 'unable to migrate objects to permanent storage'), 'IO_ERROR'],
  ['git, a broken report', '', said('remote failure', 'remote failed to report status'), 'IO_ERROR'],
  ['git, another writer', '', said('rejected', 'fetch first'), 'SYNC_REFUSED', 'named'],
  ['git, a stale lease', '', said('rejected', 'stale info'), 'SYNC_REFUSED', 'named'],
  ['git, a lock', '', said('remote rejected', `cannot lock ref '${REF}': is at 1 but expected 2`), 'SYNC_REFUSED', 'named'],
  ['git, a checked-out branch', '', said('remote rejected', 'branch is currently checked out'), 'GIT_ERROR', 'named'],
  [
    'git, receive.denyNonFastForwards',
    'remote: error: denying non-fast-forward refs/kv/main (you should pull first)\n',
    said('remote rejected', 'non-fast-forward'),
    'GIT_ERROR',
    'rewind',
  ],
  // Hosts.
  [
    'GitHub, a large file',
    "remote: error: GH001: Large files detected.\nremote: error: File a.zip is 123.45 MB; this exceeds GitHub's file size limit of 100.00 MB\n",
    declined,
    'GIT_ERROR',
    'content',
  ],
  [
    'GitHub, a rule',
    'remote: error: GH013: Repository rule violations found for refs/heads/big.\n',
    said('remote rejected', 'push declined due to repository rule violations'),
    'GIT_ERROR',
    'named',
  ],
  [
    'GitHub, no rewind',
    'remote: error: GH006: Protected branch update failed for refs/heads/big.\nremote: error: Cannot force-push to this branch\n',
    said('remote rejected', 'protected branch hook declined'),
    'GIT_ERROR',
    'rewind',
  ],
  [
    'GitHub, a protected branch',
    'remote: error: GH006: Protected branch update failed for refs/heads/big.\n',
    said('remote rejected', 'protected branch hook declined'),
    'GIT_ERROR',
    'named',
  ],
  ['GitHub, a fault of its own', '', said('remote rejected', 'Internal Server Error'), 'IO_ERROR'],
  [
    'GitLab, a full repository',
    'remote: GitLab: Your push has been rejected, because this repository has exceeded its size limit of 10 GB by 1 MB.\n',
    declined,
    'GIT_ERROR',
    'content',
  ],
  [
    'GitLab, a push rule',
    'remote: GitLab: File "a.zip" is larger than the allowed size of 10 MiB.\n',
    declined,
    'GIT_ERROR',
    'content',
  ],
  [
    'GitLab, no rewind',
    'remote: GitLab: You are not allowed to force push code to a protected branch on this project.\n',
    declined,
    'GIT_ERROR',
    'rewind',
  ],
  ['Gitea, a quota', 'remote: Gitea: Quota exceeded\n', declined, 'GIT_ERROR', 'content'],
  ['Gitea, a protected branch', 'remote: Gitea: Not allowed to push to protected branch big\n', declined, 'GIT_ERROR', 'named'],
  [
    'Bitbucket, a full repository',
    'remote: Repository is over the size limit (4 GB) and will not accept further additions.\n',
    declined,
    'GIT_ERROR',
    'content',
  ],
  [
    'Azure DevOps, a large push',
    'remote: TF402462: The push was rejected because its size is greater than 5120 MB\n',
    said('remote rejected', 'TF402462'),
    'GIT_ERROR',
    'content',
  ],
  [
    'Harness, a large file',
    'remote: pre-receive: error: Changes blocked by files exceeding the file size limit\n',
    declined,
    'GIT_ERROR',
    'content',
  ],
  [
    'gitolite, no rewind',
    'remote: FATAL: + refs/kv/main stargate kv DENIED by fallthru\n',
    said('remote rejected', 'hook declined'),
    'GIT_ERROR',
    'rewind',
  ],
  [
    'gitolite, no right at all',
    'FATAL: W any kv stargate DENIED by fallthru\nfatal: Could not read from remote repository.\n',
    '',
    'IO_ERROR',
  ],
];

describe('mirror-git: what a host says of a push', () => {
  for (const [who, stderr, stdout, code, more] of ROWS) {
    it(`${who}: ${code}${more === undefined ? '' : `, ${more}`}`, () => {
      const error = failure('push', 'the mirror', { status: 1, stdout, stderr });
      const { refs, content = false, rewind = false } = error.details ?? {};
      expect([error.code, content, rewind]).to.deep.equal([code, more === 'content', more === 'rewind']);
      if (more === 'named' || more === 'rewind') expect(refs).to.deep.equal([REF]);
    });
  }
});
