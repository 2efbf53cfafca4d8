import type { FetchRecord, OpenAdapter } from '../../ports/index.js';
import { openMemoryFetchRecord } from './fetch-record.js';

export { openMemoryFetchRecord } from './fetch-record.js';

/** A record of its own for each composition: that of one clone. */
export const open: OpenAdapter<object, FetchRecord> = async () => openMemoryFetchRecord();
