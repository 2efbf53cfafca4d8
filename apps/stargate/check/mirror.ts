import { KV_FAMILIES, POLICY_REF } from '../../../domain/ledger/refs.js';
import { ObjectNamer } from '../../../domain/git/object.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { MirrorTarget } from '../../../ports/stargate/mirror-target.js';
import { toKvError } from '../../../ports/error.js';
import { rulesOf } from '../repository/mirror-greeting.js';
import { type Check, ok, warning } from './check.js';

/** What a Stargate writes there, as globs of a mirror. */
const OURS = [...KV_FAMILIES.map((family) => `refs/${family}/*`), POLICY_REF];

/** The mirror can be read, and takes what a Stargate pushes there. A Stargate starts and takes writes without it, so what is wrong with it is a warning. */
export const MIRROR: Check = {
  name: 'mirror',
  needs: ['profile', 'repository'],
  async run({ composition }) {
    const opened = await composition();
    const target = await opened.get<MirrorTarget>('mirror-target');
    try {
      const refs = await target.refs(OURS);
      const store = await opened.get<GitStore>('git-store');
      const namer = new ObjectNamer(await opened.get<Hasher>('hasher'), store.objectFormat);
      const refused = await rulesOf({ store, namer, target });
      const warnings = refused.map(({ message, hint }) => warning(message, hint ?? 'check the rules of the host'));
      return warnings.length > 0 ? warnings : [ok(`${target.label}, ${refs.size} ${refs.size === 1 ? 'ref' : 'refs'} of ours`)];
    } catch (thrown) {
      const { message, hint } = toKvError(thrown);
      return [warning(`${target.label}: ${message}`, hint ?? 'writes are taken, and wait for the mirror')];
    }
  },
};
