import { type Clone, openClone, type WatchedEvent } from '../../sdk/index.js';
import { KvError } from '../../../ports/error.js';

export type { Clone, WatchedEvent };

/** The ledgers of a Stargate, as a clone of this server's has them. */
export interface Ledger {
  /** The clone, opened by the first that asks. */
  clone(): Promise<Clone>;
  close(): Promise<void>;
}

/** Where the clone is, and how old what is read may be, ms. */
interface LedgerOptions {
  readonly directory: string;
  readonly maxAge: number;
  readonly env: NodeJS.ProcessEnv;
  /** Hears what is to be known besides answers. */
  readonly warn: (what: string) => void;
}

/**
 * A clone that the operator has set up for this server: what is written is signed with the key that its Git configuration names, and only
 * where the policy lists that key as a writer. Null where none is configured. One that can't be opened is tried again by the next request.
 */
export function openLedger({ directory, maxAge, env, warn }: LedgerOptions): Ledger | null {
  if (directory === '') return null;
  let opened: Promise<Clone> | null = null;
  return {
    clone() {
      opened ??= openClone({
        ...{ directory, maxAge, env },
        onWarning: warn,
      });
      opened.catch(() => {
        opened = null;
      });
      return opened;
    },
    async close() {
      const clone = await opened?.catch(() => null);
      await clone?.close();
    },
  };
}

/** `NOT_SUPPORTED` of a server that has no clone. */
export const noLedger = (): KvError =>
  new KvError('NOT_SUPPORTED', 'this server serves no ledger', {
    hint: 'its operator names a clone: ledger.clone, or GIT_KV_API_LEDGER_CLONE',
  });
