import { KvError, toKvError } from '../../../ports/error.js';
import { shownUrl } from '../../../ports/grammar/network/shown-url.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import type { RepositoryHost, Room } from '../../../ports/git/repository-host.js';
import type { Log } from '../log/log.js';
import type { Metrics } from '../metrics.js';

/** What was seen in one look at the disk: bytes, and why no push can be taken; null when one can. */
type Seen = Room & { readonly why: string | null };

/** Whether the disk under the repository has room for pushes. */
export interface DiskRoom {
  /** Looks now. Never throws. */
  look(): Promise<Seen>;
  /** Looks now; gives why no push can be taken, null when one can. Never throws. */
  lack(): Promise<string | null>;
  /** Looks now. Throws `STORAGE_FULL` when no push can be taken. */
  require(): Promise<void>;
  /**
   * What to tell whoever could not write: where it is for lack of room, that the disk of this Stargate is full, and from then on it is
   * until writing works again. Any other error is given back as it is.
   */
  told(error: KvError): KvError;
  close(): void;
}

interface DiskRoomOptions {
  readonly host: Pick<RepositoryHost, 'room' | 'probeWriting'>;
  readonly policy: () => Pick<Policy, 'minFreeSpace' | 'pushUrl'>;
  readonly metrics: Pick<Metrics, 'disk' | 'diskFull'>;
  readonly log: Log;
  /** Called each time that there is room again. */
  readonly onRoom: () => void;
  /** Milliseconds between looks that nobody asks for. */
  readonly interval?: number;
}

const MiB = 1024 ** 2;

/** What is kept back where the policy doesn't say: enough for the journal, refs, and a clean end of what is at hand. */
export function keptBack({ size }: Room): number {
  return Math.min(64 * MiB, Math.floor(size / 20));
}

/** Looks after the disk: tells the metrics, and the log when it runs full and when there is room again. */
export function watchDiskRoom(options: DiskRoomOptions): DiskRoom {
  const { host, policy, metrics, log, onRoom, interval = 5000 } = options;
  /** A write failed for lack of room, and no probe has worked since. */
  let failed = false;
  let full = false;
  const ours = new WeakSet<KvError>();
  let looking: Promise<Seen> | undefined;

  const probe = async (): Promise<void> => {
    try {
      await host.probeWriting();
      failed = false;
    } catch (error) {
      if (toKvError(error).code === 'STORAGE_FULL') return;
      failed = false; // something else is wrong, which whoever writes will be told
    }
  };
  const lookAfresh = async (): Promise<Seen> => {
    const room = await host.room().catch((): Room => ({ free: 0, size: 0 })); // whoever reads or writes there hears what is wrong
    const keeps = room.size === 0 ? 0 : (policy().minFreeSpace ?? keptBack(room));
    if (failed) await probe();
    const why =
      room.free < keeps
        ? `${shown(room.free)} free, and it keeps ${shown(keeps)} back`
        : failed
          ? `a write found no room, though ${shown(room.free)} are free`
          : null;
    metrics.disk(room, why !== null);
    if (full !== (why !== null)) turn(why, room, keeps);
    return { ...room, why };
  };
  const turn = (why: string | null, { free, size }: Room, keeps: number): void => {
    full = why !== null;
    if (why === null) {
      log.info('disk.room', { free, size, keeps });
      onRoom();
    } else {
      metrics.diskFull();
      log.error('disk.full', { why, free, size, keeps, effect: 'reads are served, writes are refused until there is room' });
    }
  };
  const look = (): Promise<Seen> =>
    (looking ??= lookAfresh().finally(() => {
      looking = undefined;
    }));
  const lack = async (): Promise<string | null> => (await look()).why;
  const refusal = (why: string, cause?: KvError): KvError => {
    const { pushUrl } = policy();
    const who = pushUrl === null ? 'this Stargate' : `the Stargate at ${shownUrl(pushUrl)}`;
    const told = new KvError('STORAGE_FULL', `the disk of ${who} is full: ${why}`, {
      hint: 'nothing was written; it takes writes again by itself once there is room: ask whoever runs it to free some',
      cause,
    });
    ours.add(told);
    return told;
  };
  void look(); // whoever reads the log after a start is told at once
  const timer = setInterval(() => void look(), interval);
  timer.unref();
  return {
    ...{ look, lack },
    async require() {
      const why = await lack();
      if (why !== null) throw refusal(why);
    },
    told(error) {
      if (error.code !== 'STORAGE_FULL' || ours.has(error)) return error;
      failed = true;
      return refusal('a write found no room left', error);
    },
    close: () => clearInterval(timer),
  };
}

/** Bytes as people say them. */
function shown(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [at, size] = [0, bytes];
  for (; size >= 1024 && at < units.length - 1; at += 1) size /= 1024;
  return `${at === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[at]}`;
}
