import type { FetchRecord, OpenAdapter } from '../../ports/index.js';
import { openFetchRecord } from './remote/fetch/fetch-record.js';

export { type FetchRecordOptions, openFetchRecord } from './remote/fetch/fetch-record.js';

/** Opens the record of a repository's fetches. */
export const open: OpenAdapter<undefined, FetchRecord> = (_config, { directory, env }) => openFetchRecord({ directory, env });
