import { KvError } from '../../../ports/error.js';
import { shownUrl, withoutSecrets } from '../../../ports/grammar/network/shown-url.js';
import type { RefName } from '../../../ports/vocabulary.js';
import { firstComplaint } from '../process/run-git.js';
import { kvErrorIn, noRoomHere, noRoomThere, unreachable } from './failure/remote-error.js';

const MOVED =
  /non-fast-forward|fetch first|stale info|failed to lock|cannot lock ref|failed to update ref|needs force|already exists/;

/** `CAS_CONFLICT`: a ref is not where the push was built on. */
export function movedAt(ref: RefName, remote: string): KvError {
  return new KvError('CAS_CONFLICT', `'${ref}' has moved at '${remote}'`, {
    hint: 'read the newest state and try again',
    details: { ref },
  });
}

/** What a `git push --porcelain` that failed means. */
export function pushError({ remote, url }: { remote: string; url: string }, stdout: string, stderr: string): KvError {
  const rejected = [...stdout.matchAll(/^!\t[^\t\n:]*:(\S+)\t\[([^\]]+)\](?: \((.*)\))?$/gm)]
    .map(([, ref = '', kind = '', reason = '']) => ({ ref, why: `${kind} ${reason}` }))
    // What an atomic push gives for every ref that was not itself the reason.
    .filter(({ why }) => !/atomic push failed|atomic transaction failed/.test(why));
  const sent = kvErrorIn(stderr);
  if (sent !== null) return sent;
  const noRoom = noRoomThere(url, stdout, stderr) ?? noRoomHere(`cannot push to ${shownUrl(url)}`, stderr);
  if (noRoom !== null) return noRoom;
  const moved = rejected.find(({ why }) => MOVED.test(why)) ?? rejected.find(() => /cannot lock ref/.test(stderr));
  if (moved !== undefined) {
    return movedAt(moved.ref, remote);
  }
  const [first] = rejected;
  if (first !== undefined) {
    return new KvError(
      'GIT_ERROR',
      `the Stargate at ${shownUrl(url)} did not accept '${first.ref}': ${first.why.trim()}${remoteWords(stderr)}`,
      {
        hint: 'ask whoever runs it what it refuses',
        details: { ref: first.ref },
      },
    );
  }
  const away = unreachable({ what: `cannot push to ${shownUrl(url)}`, url, direction: 'write' }, stderr);
  return (
    (away === null ? null : afterSending(away, BEFORE.test(stderr) ? 'nothing' : 'all')) ??
    new KvError('GIT_ERROR', `cannot push to ${shownUrl(url)}: ${firstComplaint(stderr)}`, {
      hint: 'git says more when it is run by hand',
      advice: { id: 'debug' },
    })
  );
}

/** What ssh and git say when there was no connection at all. */
export const BEFORE =
  /Connection refused|Could not resolve|Permission denied|Host key|host key|No route to host|Network is unreachable|kex_exchange|does not appear to be/;

/** The error of a connection that has ended, with what the other side may have of the push. */
export function afterSending(error: KvError, sent: 'nothing' | 'all'): KvError {
  return error.code === 'IO_ERROR' ? error.with({ details: { sent } }) : error;
}

function remoteWords(stderr: string): string {
  const words = /^remote: (.*\S)\s*$/m.exec(stderr)?.[1];
  return words === undefined ? '' : `: ${withoutSecrets(words)}`;
}
