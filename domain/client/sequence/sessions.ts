import { KvError } from '../../../ports/error.js';
import type { IntentStream } from '../../../ports/clone/intent-stream.js';
import type { Greeting } from '../../git/wire/intent-frames.js';
import type { Clone } from '../clone/clone.js';
import { IntentSession } from './session.js';

/** The sessions that are open, by the clone's port, which all views of a clone share. It leaves their connections when it is closed. */
const sessions = new WeakMap<IntentStream, Map<string, IntentSession>>();

/** The clone's stream to its Stargate, opened where none is open; null for a clone that knows no streams. It is not waited for. */
export function sessionOf({ intents, remoteName }: Clone): IntentSession | null {
  if (intents === undefined) return null;
  const byRemote = sessions.get(intents) ?? new Map<string, IntentSession>();
  sessions.set(intents, byRemote);
  const open = byRemote.get(remoteName);
  if (open?.usable) return open;
  const session = new IntentSession(intents.open(remoteName));
  byRemote.set(remoteName, session);
  return session;
}

/** Has the next intent open another stream; the one that is open is left when what was sent on it is answered. */
export function leaveSession({ intents, remoteName }: Clone): void {
  if (intents === undefined) return;
  const byRemote = sessions.get(intents);
  byRemote?.get(remoteName)?.retire();
  byRemote?.delete(remoteName);
}

/** What a Stargate, or the way to it, says that takes no stream of intents. A push is then told what else may be wrong. */
const NO_STREAM: ReadonlySet<string> = new Set([
  'NOT_SUPPORTED',
  'USAGE',
  'POLICY_VIOLATION',
  'FORMAT_UNSUPPORTED',
  'CONFIG_INVALID',
]);

/** The greeting of a stream; null where the other side takes none. Throws why it can't be had. */
export async function greetingOf(session: IntentSession | null): Promise<Greeting | null> {
  try {
    return session === null ? null : await session.greeting;
  } catch (error) {
    if (KvError.is(error) && NO_STREAM.has(error.code)) return null;
    throw error;
  }
}
