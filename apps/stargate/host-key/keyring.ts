import type { NamedHostKey } from '../../../domain/ledger/host-keys.js';
import { toKvError } from '../../../ports/error.js';
import type { Log } from '../log/log.js';
import { type HostKeys, readHostKeys } from './key-files.js';
import { addMissingKinds } from './make-keys.js';
import { finishRotation } from './rotation.js';

/** The host keys that a running Stargate shows; it takes up what a rotation has done to their files. */
export interface Keyring {
  readonly current: HostKeys;
  /** Looks at the files now. Never throws: what can't be read leaves the keys as they are. */
  reload(): Promise<void>;
  close(): void;
}

interface KeyringOptions {
  readonly gitDir: string;
  /** Called with each set of keys after the first. */
  readonly onChange: () => void | Promise<void>;
  readonly log: Log;
  readonly now: () => number;
  /** Milliseconds between two looks at the files. */
  readonly interval?: number;
}

const INTERVAL_MS = 30_000;

/**
 * Reads the host keys and follows them: on SIGHUP, and by itself. A repository from before ECDSA and RSA keys gets them now. Throws
 * what `readHostKeys` does.
 */
export async function openKeyring({ gitDir, onChange, log, now, interval = INTERVAL_MS }: KeyringOptions): Promise<Keyring> {
  const read = async (): Promise<HostKeys> => {
    if (await finishRotation(gitDir, now())) log.warn('host-key.switched', { keys: fingerprints(await readHostKeys(gitDir)) });
    return readHostKeys(gitDir);
  };
  let current = await read();
  try {
    const made = await addMissingKinds(gitDir);
    if (made.length > 0) {
      current = await read();
      log.warn('host-key.made', { kinds: made, keys: fingerprints(current) });
    }
  } catch (thrown) {
    // A disk that is full, or a folder that only the leader writes to: clients that know the first key are served all the same.
    log.warn('host-key.not-made', { message: toKvError(thrown).message });
  }
  let complained = '';
  let queue: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    try {
      const found = await read();
      complained = '';
      if (sameKeys(found, current)) return;
      current = found;
      log.info('host-key.changed', { keys: fingerprints(found) });
      await onChange();
    } catch (thrown) {
      const { message } = toKvError(thrown);
      if (message !== complained) log.error('host-key.rejected', { message, kept: 'the keys from before stay in use' });
      complained = message;
    }
  };
  const reload = (): Promise<void> => (queue = queue.then(look));
  const onHangup = (): void => void reload();
  const timer = setInterval(onHangup, interval).unref();
  process.on('SIGHUP', onHangup);
  return {
    get current() {
      return current;
    },
    reload,
    close() {
      clearInterval(timer);
      process.off('SIGHUP', onHangup);
    },
  };
}

/** The keys by their names, as they are published and as `status` has them. */
export function namedKeys({ inUse, next }: HostKeys): NamedHostKey[] {
  return [
    ...inUse.map(({ type, fingerprint }) => ({ type, fingerprint, state: 'in-use' as const })),
    ...next.map(({ type, fingerprint }) => ({ type, fingerprint, state: 'next' as const })),
  ];
}

/** Keys as the log has them. */
export const shownKeys = (keys: readonly NamedHostKey[]): string[] =>
  keys.map(({ type, fingerprint, state }) => `${type} ${fingerprint}${state === 'next' ? ' next' : ''}`);

const fingerprints = (keys: HostKeys): string[] => shownKeys(namedKeys(keys));

const sameKeys = (one: HostKeys, other: HostKeys): boolean =>
  one.switchAt === other.switchAt && fingerprints(one).join() === fingerprints(other).join();
