import type { CloneConfig, OpenAdapter, Signer } from '../../ports/index.js';
import { gitSigner } from './git-signer.js';

export { type GitSignerOptions, gitSigner } from './git-signer.js';

/** Takes its settings from the profile's `clone-config`. */
export const open: OpenAdapter<undefined, Signer> = async (_config, context) =>
  gitSigner({ config: await context.get<CloneConfig>('clone-config'), env: context.env });
