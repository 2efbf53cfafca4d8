import type { Log } from '../log/log.js';

/** The log of one repository among several: each line names it. */
export function logOf(log: Log, repository: string): Log {
  return {
    info: (event, fields) => log.info(event, { repository, ...fields }),
    warn: (event, fields) => log.warn(event, { repository, ...fields }),
    error: (event, fields) => log.error(event, { repository, ...fields }),
  };
}
