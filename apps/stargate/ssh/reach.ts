import type { Principal } from '../../../domain/access/principal.js';
import { KvError } from '../../../ports/error.js';
import { notListed } from '../permission.js';
import type { AnswersTo } from '../repository/repository-id.js';
import type { Identify, ProvenKey } from './auth.js';
import type { Route } from './route.js';

/** The repository that a command names, for one key, for as long as the command runs. */
export interface Reached {
  readonly route: Route;
  /** What the log calls it, where there may be others. */
  readonly name?: string;
  /** Whose the key is there, by the policy as it is now. Throws `POLICY_VIOLATION` when it is nobody's any more. */
  pusher(): Principal;
  /** Nothing of the command needs the repository any more. */
  leave(): void;
}

/**
 * Finds the repository that a client's path names. Throws `NOT_FOUND` where there is none, or none that the key may know of: who asks
 * can't tell one from the other.
 */
export type Reach = (path: string, key: ProvenKey | undefined) => Promise<Reached>;

/** What is said where a path names no repository for whoever asks. */
export function noRepository(path: string): KvError {
  return new KvError('NOT_FOUND', `no repository '${path.slice(0, 200)}' here`, {
    hint: "check the remote's pushurl: the policy has it",
    advice: { id: 'confirm-push-url' },
  });
}

interface OneRepository {
  readonly identify: Identify;
  readonly answersTo: AnswersTo;
  readonly route: Route;
}

/** Leads to the one repository that there is, by its names. */
export function reachOne({ identify, answersTo, route }: OneRepository): Reach {
  return async (path, key) => {
    if (!answersTo(path)) throw noRepository(path);
    return { route, pusher: () => pusherBy(identify, key), leave: () => undefined };
  };
}

/** Whose a key is. Throws `POLICY_VIOLATION` for nobody's. */
export function pusherBy(identify: Identify, key: ProvenKey | undefined): Principal {
  const pusher = key === undefined ? null : identify(key.type, key.blob);
  if (pusher === null) throw notListed();
  return pusher;
}
