import type { Limits } from './limits.js';

/** Who makes the commits of a ledger. */
export type LedgerMode = 'linear' | 'sequenced';

/** Sizes in bytes, durations in milliseconds. */
export interface NamespacePolicy {
  /** `linear`: writers make ledger commits. `sequenced`: they sign intents, which the Stargate orders into the ledger. */
  readonly ledgerMode: LedgerMode;
  readonly requireSignedCommits: boolean;
  readonly maxValueInline: number;
  readonly maxValueTotal: number;
  readonly chunking:
    | { readonly mode: 'fastcdc'; readonly min: number; readonly avg: number; readonly max: number; readonly nc: number }
    | { readonly mode: 'fixed'; readonly size: number };
  /** A key must start with one of these; an empty list allows every key. */
  readonly allowedPrefixes: readonly string[];
  readonly writers: readonly PolicyKey[];
  readonly forbidLfs: boolean;
  readonly retention: {
    /** Applied to a key that is set without a TTL of its own; null: none. */
    readonly ttlDefault: number | null;
    readonly enforceReadside: boolean;
    /** How many archived epochs to keep when the namespace is compacted; null: all of them. */
    readonly keepEpochs: number | null;
  };
  /** `auto`: full up to `fullLimit` changed keys, sampled above. */
  readonly verify: { readonly mode: 'auto' | 'full' | 'sampled'; readonly sampleSize: number | null; readonly fullLimit: number };
}

/** A person's or a machine's key, as the policy lists it. */
export interface PolicyKey {
  readonly kind: 'ssh' | 'openpgp';
  /** SSH: `<type> <base64>`. OpenPGP: the armoured public key block. */
  readonly material: string;
  /** The comment behind an SSH key, or the user id of an OpenPGP key; a name for people. */
  readonly name: string;
}

/** How many connections a key may have at a time, where the policy says nothing of it. */
export const CONNECTIONS_PER_KEY = 96;

/** A policy as it was read and checked, its defaults filled in. URLs are null where it names none. */
export interface Policy {
  readonly version: 1;
  readonly pushUrl: string | null;
  /** Where each Stargate of a cluster is pushed to, by its name; empty where there is no cluster. */
  readonly pushUrls: Readonly<Record<string, string>>;
  /** Whose disks in a cluster must hold a write before it is answered: a majority's, one more than the leader's, or the leader's. */
  readonly ack: 'quorum' | 'standby' | 'leader';
  /** What a Stargate of a cluster does with a push while another leads: refuses it, or hands it on. */
  readonly standby: 'refuse' | 'forward';
  readonly readUrl: string | null;
  readonly requireMirrorAckByDefault: boolean;
  /** Takes only transactions that name this repository; else those that name none are taken too, as earlier clients write them. */
  readonly requireRepositoryId: boolean;
  /** Below so many free bytes on its disk the Stargate takes no push; null: as much as it thinks right for the disk. */
  readonly minFreeSpace: number | null;
  /** The objects that one push may bring. */
  readonly maxPushObjects: number;
  /** How many connections a key may have at a time. */
  readonly maxConnectionsPerKey: number;
  /** All other bounds on what comes from outside. */
  readonly limits: Limits;
  readonly admins: readonly PolicyKey[];
  /** Who may fetch from the Stargate besides writers and admins. */
  readonly readers: readonly PolicyKey[];
  readonly namespaces: ReadonlyMap<string, NamespacePolicy>;
}

/** Reads a policy file's bytes. */
export interface PolicyReader {
  /**
   * `file` is a name for messages. Throws `CONFIG_INVALID` whose message names the file, the line and the path of the
   * wrong field (`.kv/policy.yaml:7: namespaces.main.writers[1]: …`), all faults at once.
   */
  parse(text: string, file: string): Policy;
}
