import { statfs } from 'node:fs/promises';
import { KvError } from '../../../ports/error.js';
import { type Check, fault, ok, warning } from './check.js';

const MiB = 1024 * 1024;
/** A push that is being checked lies on the disk twice. */
const LITTLE = 1024 * MiB;
/** Not enough for one large push. */
const NOTHING = 64 * MiB;

/** There is room to write. */
export const DISK: Check = {
  name: 'disk',
  needs: ['repository'],
  async run({ gitDir }) {
    const { bavail, bsize, ffree, files } = await statfs(gitDir);
    const free = bavail * bsize;
    const what = `${Math.floor(free / MiB)} MiB free`;
    // Some file systems count no files.
    if (files > 0 && ffree === 0) return [fault(new KvError('IO_ERROR', 'no more files can be made there', { hint: ROOM }))];
    if (free < NOTHING) return [fault(new KvError('IO_ERROR', what, { hint: ROOM }))];
    return [free < LITTLE ? warning(what, ROOM) : ok(what)];
  },
};

const ROOM = 'make room: drop past epochs with git kv compact, or move the repository to a larger disk';
