import { KvError } from '../../../../ports/error.js';
import { shownUrl } from '../../../../ports/grammar/network/shown-url.js';
import type { Direction } from '../../../../ports/git/git-remote.js';
import { firstComplaint } from '../../process/run-git.js';
import type { GitPlace } from '../../process/run-git.js';
import { lockedHere } from '../../refs/local-race.js';
import { damagedThere, kvErrorIn, noRoomHere, unreachable, unwritableHere, wrongFormat } from './remote-error.js';
import { configuredAt, remoteUrl } from '../remote-url.js';

/** A side of a remote, and what was wanted of it, as the message begins. */
interface Attempt {
  readonly remote: string;
  readonly direction: Direction;
  readonly what: string;
}

/** What it means that a fetch or a listing failed: `CONFIG_INVALID`, `IO_ERROR`, `STORAGE_FULL` or `GIT_ERROR`. */
export async function remoteFailure(place: GitPlace, { remote, direction, what }: Attempt, stderr: string): Promise<KvError> {
  const url = remoteUrl(await configuredAt(place), remote, direction);
  if (url === null) {
    return new KvError('CONFIG_INVALID', `${what}: there is no remote of that name`, {
      hint: `add it with \`git remote add ${remote} <url>\``,
    });
  }
  const sent = direction === 'write' ? kvErrorIn(stderr) : null;
  return (
    sent ??
    wrongFormat(what, stderr) ??
    damagedThere(what, stderr) ??
    noRoomHere(what, stderr) ??
    unwritableHere(what, stderr) ??
    (await lockedHere(what, stderr)) ??
    unreachable({ what: direction === 'read' ? `${what} at ${shownUrl(url)}` : what, url, direction }, stderr) ??
    new KvError('GIT_ERROR', `${what}: ${firstComplaint(stderr)}`, {
      hint: 'git says more when it is run by hand',
      advice: { id: 'debug' },
    })
  );
}
