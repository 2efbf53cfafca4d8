import { isCount, isFlag, isText, listOf, orNull, recordOf } from './fields.js';

/** One of many repositories, as a server of their cluster sees it. */
export interface RootRepository {
  /** `owner/name`. */
  readonly name: string;
  /** What servers call its history. */
  readonly history: string;
  readonly open: boolean;
  /** What this server is to it; null while it is closed. */
  readonly role: string | null;
  /** How many entries this server's refs show, and how many were decided as far as it knows; null where that is not known while it is closed. */
  readonly at: number | null;
  readonly decided: number | null;
  /** Why this server counts for no quorum of it any more; null while it does. */
  readonly diverged: string | null;
}

/** A cluster of roots, as one of its servers sees it. */
export interface RootStatus {
  readonly server: string;
  /** Whether this server leads; the term of that, null where it doesn't. */
  readonly leads: boolean;
  readonly term: number | null;
  /** The server that leads; null where that is not known. */
  readonly leader: string | null;
  /** Who may lead when it is gone. */
  readonly takeover: string;
  readonly servers: readonly { readonly server: string; readonly unreachable: string | null }[];
  readonly repositories: readonly RootRepository[];
}

/** Whether what came from elsewhere is such a status. */
export const isRootStatus = recordOf<RootStatus>({
  server: isText,
  leads: isFlag,
  term: orNull(isCount),
  leader: orNull(isText),
  takeover: isText,
  servers: listOf(recordOf<RootStatus['servers'][number]>({ server: isText, unreachable: orNull(isText) })),
  repositories: listOf(
    recordOf<RootRepository>({
      name: isText,
      history: isText,
      open: isFlag,
      role: orNull(isText),
      at: orNull((value): value is number => Number.isSafeInteger(value)),
      decided: orNull((value): value is number => Number.isSafeInteger(value)),
      diverged: orNull(isText),
    }),
  ),
});
