import type { CloneConfig, IntentStream, OpenAdapter } from '../../ports/index.js';
import { openIntentStream } from './remote/intent-stream/intent-stream.js';

export { type IntentStreamOptions, openIntentStream } from './remote/intent-stream/intent-stream.js';

/** Opens streams of intents to a Stargate over ssh, the program that git would use. */
export const open: OpenAdapter<undefined, IntentStream> = async (_config, { directory, env, get }) =>
  openIntentStream({ directory, env, config: get<CloneConfig>('clone-config') });
