import { type ClusterStatus, isClusterStatus } from './cluster-status.js';
import { KvError } from '../../ports/error.js';
import type { NamedHostKey } from '../ledger/host-keys.js';
import { isCount, isFlag, isText, listOf, mapOf, orAbsent, orNull, recordOf } from './fields.js';
import { type NoArguments, shownWord, type VerbFormat } from './verb.js';

/** Where a namespace stands. */
interface NamespaceStatus {
  readonly ns: string;
  /** The label of its current epoch; null before the first write. */
  readonly epoch: string | null;
  /** The newest ledger commit; null before the first write. */
  readonly ledger: string | null;
}

/** The policy in force. */
export interface PolicyStatus {
  readonly in_force_since: string;
  /** Why the file as it is now was not taken; null when it is in force. */
  readonly rejected: string | null;
}

/** The disk that the repository lies on; bytes. */
interface DiskStatus {
  readonly free: number;
  readonly size: number;
  /** Why writes are refused for lack of room; null while there is room. */
  readonly full: string | null;
}

/** What the mirror worker says of itself. Times are ISO 8601 UTC. */
export interface MirrorStatus {
  readonly label: string;
  /** The circuit breaker's: `closed`, `half-open`, or `open` while the mirror is given a rest. */
  readonly breaker: string;
  /** The transactions that wait for the mirror. */
  readonly backlog: number;
  /** Refs of namespaces that the mirror has lost, or has elsewhere, though nothing waits that moves them. */
  readonly missing: number;
  readonly last_success: string | null;
  readonly last_error: string | null;
  /** The namespaces that the mirror refuses, and why, while the others go on. */
  readonly refused: Readonly<Record<string, string>>;
  /** The namespaces of which the mirror is ahead, each with what that means; absent from a Stargate that does not look. */
  readonly ahead?: Readonly<Record<string, string>>;
  /** The newest ledger commit that the mirror is known to show, by namespace. */
  readonly watermark: Readonly<Record<string, string>>;
}

/** Writers that have lost a race and stand in line for a namespace. */
interface TurnsStatus {
  readonly ns: string;
  readonly waiting: number;
  /** Milliseconds that the first of them has waited. */
  readonly longest_ms: number;
}

/** Intents for sequenced namespaces. */
export interface IntentsStatus {
  /** How many wait for their place in a ledger. */
  readonly waiting: number;
  /** How many streams of them are open. */
  readonly streams: number;
}

/** Who leads, where the namespaces stand, how the mirror does. */
export interface StatusReport {
  readonly leader: boolean;
  /** The name of the process that leads; null when none does. */
  readonly holder: string | null;
  readonly term: number | null;
  /** Seconds since the daemon started. */
  readonly uptime_s: number;
  readonly repository: string;
  readonly namespaces: readonly NamespaceStatus[];
  readonly policy: PolicyStatus;
  /** What its SSH server shows to clients; undefined of a Stargate from before this. */
  readonly host_keys?: readonly NamedHostKey[] | undefined;
  readonly mirror: MirrorStatus;
  /** The namespaces where writers wait for their turn; undefined of a Stargate from before this. */
  readonly turns?: readonly TurnsStatus[] | undefined;
  /** Undefined where there is no cluster. */
  readonly cluster?: ClusterStatus | undefined;
  /** Undefined of a Stargate from before this. */
  readonly intents?: IntentsStatus | undefined;
  /** Undefined: a Stargate from before the field. */
  readonly disk?: DiskStatus | undefined;
  readonly version: string;
}

const isKeyState = (value: unknown): value is NamedHostKey['state'] => value === 'in-use' || value === 'next';

/** `status`, without arguments. */
export const STATUS: VerbFormat<NoArguments, StatusReport> = {
  name: 'status',
  role: 'any',
  encode: () => [],
  decode([word]) {
    if (word === undefined) return {};
    throw new KvError('USAGE', `'status' takes no arguments, and got ${shownWord(word)}`);
  },
  report: {
    leader: isFlag,
    holder: orNull(isText),
    term: orNull(isCount),
    uptime_s: isCount,
    repository: isText,
    namespaces: listOf(recordOf<NamespaceStatus>({ ns: isText, epoch: orNull(isText), ledger: orNull(isText) })),
    policy: recordOf<PolicyStatus>({ in_force_since: isText, rejected: orNull(isText) }),
    host_keys: orAbsent(listOf(recordOf<NamedHostKey>({ type: isText, fingerprint: isText, state: isKeyState }))),
    mirror: recordOf<MirrorStatus>({
      label: isText,
      breaker: isText,
      backlog: isCount,
      missing: isCount,
      last_success: orNull(isText),
      last_error: orNull(isText),
      refused: mapOf(isText),
      ahead: orAbsent(mapOf(isText)),
      watermark: mapOf(isText),
    }),
    turns: orAbsent(listOf(recordOf<TurnsStatus>({ ns: isText, waiting: isCount, longest_ms: isCount }))),
    intents: orAbsent(recordOf<IntentsStatus>({ waiting: isCount, streams: isCount })),
    cluster: orAbsent(isClusterStatus),
    disk: orAbsent(recordOf<DiskStatus>({ free: isCount, size: isCount, full: orNull(isText) })),
    version: isText,
  },
};
