import type { MirrorTarget } from '../../../ports/mirror-target.js';
import { toKvError } from '../../../ports/error.js';
import { type Check, ok, warning } from './check.js';

/** The mirror can be read. A Stargate starts and takes writes without it, so what is wrong with it is a warning. */
export const MIRROR: Check = {
  name: 'mirror',
  needs: ['profile', 'repository'],
  async run({ composition }) {
    const target = await (await composition()).get<MirrorTarget>('mirror-target');
    try {
      const refs = await target.refs(['refs/kv*/*']);
      return [ok(`${target.label}, ${refs.size} refs of ours`)];
    } catch (thrown) {
      const { message, hint } = toKvError(thrown);
      return [warning(`${target.label}: ${message}`, hint ?? 'writes are taken, and wait for the mirror')];
    }
  },
};
