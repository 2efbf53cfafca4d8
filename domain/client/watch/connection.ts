import { KvError } from '../../../ports/error.js';
import type { FetchRequest } from '../../../ports/git/git-remote.js';
import type { Clone } from '../clone/clone.js';
import type { ReadFrom } from '../clone/tips.js';

/** What is said of the connection while it is watched. */
export type ConnectionNotice =
  | { readonly kind: 'lost'; readonly error: KvError; readonly retryInMs: number }
  | { readonly kind: 'back' };

/** Which side a watch asks, and what it does when that can't be reached. */
export interface WatchConnectionOptions {
  readonly readFrom: ReadFrom;
  /** Once it was reached, a side that can't be reached any more is asked again until it can. */
  readonly patient: boolean;
  readonly notify: (notice: ConnectionNotice) => void;
  readonly signal: AbortSignal | undefined;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 30_000;
/** Two processes that fetch into one clone can get into each other's way: that is over at the next try. */
const FIRST_CONTACT_TRIES = 3;

/** Fetches from one side for as long as a watch lasts. Throws `INTERRUPTED` when the signal fires. */
export class WatchConnection {
  private contacted = false;

  constructor(
    private readonly clone: Clone,
    private readonly options: WatchConnectionOptions,
  ) {}

  async fetch(requests: readonly FetchRequest[]): Promise<void> {
    const { remotes, remoteName, clock } = this.clone;
    const { readFrom, signal, notify } = this.options;
    const direction = readFrom === 'mirror' ? 'read' : 'write';
    for (let failures = 0; ; ) {
      try {
        await remotes.fetch(remoteName, direction, requests, { signal });
        this.contacted = true;
        if (failures > 1) notify({ kind: 'back' });
        return;
      } catch (error) {
        failures++;
        if (!KvError.is(error) || !this.isWorthAnotherTry(error, failures)) throw error;
        const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS);
        if (failures === 2) notify({ kind: 'lost', error, retryInMs }); // one failure may be nothing
        await clock.sleep(retryInMs, signal);
      }
    }
  }

  private isWorthAnotherTry({ code }: KvError, failures: number): boolean {
    if (code !== 'IO_ERROR' && code !== 'GIT_ERROR') return false;
    return (this.options.patient && this.contacted) || (code === 'GIT_ERROR' && failures < FIRST_CONTACT_TRIES);
  }
}
