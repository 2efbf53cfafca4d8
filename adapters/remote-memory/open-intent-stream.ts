import type { IntentStream, OpenAdapter } from '../../ports/index.js';
import { openMemoryIntentStream } from './intent-stream.js';
import { Config, placeNamed } from './open.js';
import { RemotePlace } from './place.js';

export { openMemoryIntentStream } from './intent-stream.js';
export { Config };

/** Opens a clone's streams of intents to a gateway in this process. */
export const open: OpenAdapter<Config, IntentStream> = async ({ place, as }) =>
  openMemoryIntentStream(place === undefined ? new RemotePlace('nowhere') : placeNamed(place), as ?? null);
