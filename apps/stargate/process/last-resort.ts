import type { EventEmitter } from 'node:events';
import type { Log } from '../log/log.js';

/** What a daemon does when something has gone wrong of which nobody has taken care. */
export interface LastResort {
  /** Resolves when that has happened. */
  readonly broken: Promise<void>;
  /** Whether it has. */
  readonly isBroken: () => boolean;
  /** Listens no more. */
  close(): void;
}

/**
 * Logs an exception that nobody has caught and asks for the end: what is in memory can't be relied on any more, and what counts is on the
 * disk. `giveUp` is called where the end itself takes longer than `patience` ms, and for a second exception meanwhile. What a plugin's
 * own timers and listeners throw is logged with the name that `pluginOf` gives, and no more: it has no part in what this process holds.
 */
export function lastResort(
  source: EventEmitter,
  log: Log,
  giveUp: () => void,
  patience: number,
  pluginOf: (thrown: unknown) => string | undefined = () => undefined,
): LastResort {
  let told: () => void = () => undefined;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  const broken = new Promise<void>((resolve) => {
    told = resolve;
  });
  const fail = (thrown: unknown): void => {
    const { message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown));
    const plugin = pluginOf(thrown);
    if (plugin !== undefined) {
      log.error('plugin.threw', { plugin, message, stack });
      return;
    }
    failures += 1;
    log.error('uncaught', { message, stack });
    if (failures > 1) {
      giveUp();
      return;
    }
    timer = setTimeout(giveUp, patience).unref();
    told();
  };
  // With Node's own default, a promise that nobody looks at becomes an exception too; said twice, so that no flag of node's changes it.
  source.on('uncaughtException', fail).on('unhandledRejection', fail);
  return {
    broken,
    isBroken: () => failures > 0,
    close() {
      clearTimeout(timer);
      source.off('uncaughtException', fail).off('unhandledRejection', fail);
    },
  };
}
