import { isCount, isText, listOf, orNull, recordOf } from './fields.js';

/** Where another server of a cluster stands, as far as is known. */
export interface PeerStatus {
  readonly server: string;
  /** How many entries its refs show; null where it was not heard of. */
  readonly at: number | null;
  /** Why it can't be reached; null where it can, or where nobody has tried. */
  readonly unreachable: string | null;
  /** Why it counts for no quorum any more; null while it does. */
  readonly diverged: string | null;
}

/** A repository's cluster, as one of its servers sees it. */
export interface ClusterStatus {
  readonly server: string;
  readonly role: string;
  readonly term: number;
  /** The server that leads; null where that is not known. */
  readonly leader: string | null;
  readonly members: readonly string[];
  /** How many entries this server's refs show, and how many were decided as far as it knows. */
  readonly at: number;
  readonly decided: number;
  /** Why this server counts for no quorum any more; null while it does. */
  readonly diverged: string | null;
  /** `takes over by itself`, or who else may lead. */
  readonly takeover: string;
  readonly peers: readonly PeerStatus[];
}

/** Whether what came from elsewhere is a cluster's status. */
export const isClusterStatus = recordOf<ClusterStatus>({
  server: isText,
  role: isText,
  term: isCount,
  leader: orNull(isText),
  members: listOf(isText),
  at: (value): value is number => Number.isSafeInteger(value),
  decided: (value): value is number => Number.isSafeInteger(value),
  diverged: orNull(isText),
  takeover: isText,
  peers: listOf(
    recordOf<PeerStatus>({
      server: isText,
      at: (value): value is number | null => value === null || Number.isSafeInteger(value),
      unreachable: orNull(isText),
      diverged: orNull(isText),
    }),
  ),
});
