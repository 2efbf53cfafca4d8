import type { AdminClient } from '../../../ports/clone/admin-client.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import { KvError } from '../../../ports/error.js';
import type { GitRemote } from '../../../ports/git/git-remote.js';

const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 1000;
/** So often a connection that was cut off before anything was said is tried again. */
const MOST_CUTS = 5;
/** For how long a Stargate without room is asked again. */
export const NO_ROOM_MS = 60_000;

/** How long a line is that no more may join, and how long each of those in it takes. */
export interface FullLine {
  readonly standing: number;
  readonly turnMs: number;
  /** What the Stargate says of it. */
  readonly message: string;
}

/** What an error says of a line for turns that is as long as it may be; null: it is about something else. */
export function lineIsFull({ code, details, message }: KvError): FullLine | null {
  const [standing, turnMs] = [details?.['standing'], details?.['turn_ms']];
  return code === 'BUSY' && typeof standing === 'number' && typeof turnMs === 'number' ? { standing, turnMs, message } : null;
}

/** What whoever waits is told, once. */
export const waitingWords = ({ message }: KvError): string => `${message}: waiting, and trying again`;

/** What waiting for room takes. */
export interface Patience {
  readonly clock: Clock;
  /** Asked for only when there is something to wait for. */
  readonly randomness: () => Promise<Randomness>;
  /** Hears once, before the first wait, what is waited for. */
  readonly onWait: (busy: KvError) => void;
}

/**
 * Does what may find the other side without room for another connection (`BUSY`), and does it again after a pause, for `PATIENCE_MS` in
 * all: nothing has happened by then. A push that was cut off before anything was sent is tried again, too. The
 * pauses become longer, and are of random length, so that those who wait don't come back at once. With `waits` false, there is no waiting for
 * room. The signal ends a pause with `INTERRUPTED`.
 */
export async function whenRoom<T>(
  { clock, randomness, onWait }: Patience,
  attempt: () => Promise<T>,
  signal?: AbortSignal,
  waits = true,
): Promise<T> {
  const started = clock.now();
  for (let pauses = 0; ; pauses++) {
    try {
      return await attempt();
    } catch (error) {
      if (!KvError.is(error)) throw error;
      if (lineIsFull(error) !== null) throw error; // whoever asks for a turn knows how long that lasts
      // A Stargate that is stormed by strangers cuts connections off that nobody has logged in on, an honest one among them now and then.
      const cut = error.details?.['sent'] === 'cut' && pauses < MOST_CUTS;
      if (!cut && (!waits || error.code !== 'BUSY' || clock.now() - started >= NO_ROOM_MS)) throw error;
      if (pauses === 0 && !cut) onWait(error);
      const longest = Math.min(FIRST_PAUSE_MS * 2 ** pauses, LAST_PAUSE_MS);
      const [byte = 0] = (await randomness()).bytes(1);
      await clock.sleep(Math.round((longest * (1 + byte / 255)) / 2), signal);
    }
  }
}

/** Remotes that wait for room. */
export function patientRemote(remote: GitRemote, patience: Patience): GitRemote {
  return {
    url: (...args) => remote.url(...args),
    listRefs: (...args) => whenRoom(patience, () => remote.listRefs(...args), args[3]?.signal),
    fetch: (...args) => whenRoom(patience, () => remote.fetch(...args), args[3]?.signal),
    fetchObjects: (...args) => whenRoom(patience, () => remote.fetchObjects(...args), args[3]?.signal),
    expectPush: (...args) => remote.expectPush?.(...args),
    askToPush: (...args) => whenRoom(patience, async () => (await remote.askToPush?.(...args)) ?? null, args[3]?.signal),
    shown: (...args) => remote.shown?.(...args) ?? null,
    push(...args) {
      const { impatient, signal } = args[2];
      return whenRoom(patience, () => remote.push(...args), signal, impatient !== true);
    },
    close: async () => remote.close?.(),
  };
}

/** Admin verbs that wait for room. */
export function patientAdminClient(client: AdminClient, patience: Patience): AdminClient {
  return {
    run: (...args) => whenRoom(patience, () => client.run(...args), args[3]?.signal),
    hold: (...args) => whenRoom(patience, () => client.hold(...args), args[3]?.signal),
    pinHostKey: (...args) => client.pinHostKey(...args),
  };
}
