import type { TransferProgress } from '../../../../ports/git/git-remote.js';
import { progressIn } from '../../process/progress.js';
import type { GitPlace, GitResult } from '../../process/run-git.js';
import { runRemote } from '../remote-run.js';

/** A fetch or a push. */
interface Transfer {
  readonly command: readonly string[];
  /** A remote's name or URL, as git is given it. */
  readonly repository: string;
  readonly refspecs: readonly string[];
  readonly onProgress: TransferProgress | undefined;
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
  /** Sees what git writes to its standard error, as it comes. */
  readonly onStderr?: (chunk: string) => void;
  /** The URL behind `repository`, where that is a name and a push needs it. */
  readonly to?: string;
}

/** Runs a fetch or a push, quietly when nobody wants to hear of its progress. */
export async function runTransfer(place: GitPlace, transfer: Transfer): Promise<GitResult> {
  const { command, repository, refspecs, onProgress, onStderr } = transfer;
  const listeners = [onStderr, onProgress === undefined ? undefined : progressIn(onProgress)].filter((one) => one !== undefined);
  const how = command.includes('--progress') ? [] : [onProgress === undefined ? '--quiet' : '--progress'];
  onProgress?.('');
  try {
    return await runRemote(place, [...command, ...how, '--end-of-options', repository, ...refspecs], {
      from: transfer.to ?? repository,
      signal: transfer.signal,
      ...(transfer.input === undefined ? {} : { input: transfer.input }),
      ...(listeners.length === 0
        ? {}
        : {
            onStderr: (chunk) => {
              for (const listen of listeners) listen(chunk);
            },
          }),
    });
  } finally {
    onProgress?.('');
  }
}
