import { durationText } from '../grammar/duration.js';
import { sizeText } from '../grammar/size.js';

/**
 * How much anybody may ask of a Stargate. Every bound on what comes from outside stands in this table, with what it is unless the
 * policy says otherwise under `stargate.limits`, how far the policy may go, and what it is for. `docs/LIMITS.md` shows the table.
 */

/** One bound. A size is in bytes, a duration in milliseconds. */
export interface LimitSpec {
  readonly kind: 'count' | 'size' | 'duration';
  readonly usual: number;
  readonly least: number;
  readonly most: number;
  /** What would happen without it. */
  readonly reason: string;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const count = (usual: number, least: number, most: number, reason: string): LimitSpec =>
  Object.freeze({ kind: 'count', usual, least, most, reason });
const size = (usual: number, least: number, most: number, reason: string): LimitSpec =>
  Object.freeze({ kind: 'size', usual, least, most, reason });
const duration = (usual: number, least: number, most: number, reason: string): LimitSpec =>
  Object.freeze({ kind: 'duration', usual, least, most, reason });

/** By name: `handshakeTimeout` here is `handshake_timeout` in the policy. */
export const LIMITS = Object.freeze({
  // Connections
  connections: count(384, 4, 10_000, 'each costs memory and a descriptor'),
  connectionsUnproven: count(64, 4, 10_000, 'who has no key takes no room from those with one'),
  connectionsReserved: count(32, 0, 5000, 'readers never take the last places from writers and admins'),
  handshakeTimeout: duration(10 * SECOND, SECOND, 10 * MINUTE, 'a silent connection ends'),
  loginTimeout: duration(MINUTE, SECOND, HOUR, 'people type passphrases and touch tokens; nobody takes longer'),
  idleTimeout: duration(MINUTE, SECOND, HOUR, 'a connection without a command ends'),
  idleGrace: duration(10 * SECOND, SECOND, HOUR, 'a connection whose next command is on its way is not ended for another'),
  loginAttempts: count(10, 1, 100, 'keys are not tried without end'),
  packetsUnproven: count(200, 30, 10_000, 'each packet before a login costs an answer'),
  requests: count(100, 10, 10_000, "a second, of one connection: each costs an answer, and ten seconds' worth may come at once"),
  unsentUnproven: size(64 * KiB, 16 * KiB, 16 * MiB, 'answers that nobody reads stay in memory'),
  unsent: size(8 * MiB, MiB, 256 * MiB, 'answers that nobody reads stay in memory'),
  // Commands
  sessionsPerConnection: count(8, 1, 64, 'each command costs processes and descriptors'),
  sessions: count(96, 4, 4096, 'each command costs processes and descriptors; above it, clients wait'),
  pushes: count(24, 1, 1024, 'each push costs a git, up to nine descriptors and a quarantine; above it, clients wait'),
  readTimeout: duration(HOUR, MINUTE, 24 * HOUR, 'a fetch ends'),
  readSilence: duration(2 * MINUTE, 5 * SECOND, HOUR, 'a fetch on which nothing moves ends'),
  // One push
  pushBytes: size(2 * GiB, MiB, 256 * GiB, 'its objects lie on the disk before they are judged'),
  pushCommands: count(1000, 4, 100_000, 'each ref is looked up and told of'),
  pushCommandBytes: size(8 * MiB, 64 * KiB, 64 * MiB, 'the list of refs is held in memory'),
  pushTimeout: duration(10 * MINUTE, 10 * SECOND, 24 * HOUR, 'a push that stands still ends'),
  handoverTimeout: duration(10 * SECOND, SECOND, 10 * MINUTE, 'the commit lock is held while git hands over'),
  transactions: count(1000, 1, 100_000, 'each is checked, and has a signature'),
  transactionIds: count(
    2_000_000,
    10_000,
    100_000_000,
    'the ids of the epochs that are written to are in memory, 30 bytes each; above it, those used least are read again',
  ),
  turnTime: duration(10 * SECOND, SECOND, 10 * MINUTE, 'a writer whose turn it is, and who does not push, holds others up'),
  turnPush: duration(30 * SECOND, SECOND, HOUR, 'a push in its turn that stands still holds others up'),
  turnsWaiting: count(512, 1, 100_000, 'each writer that waits for its turn has a connection'),
  intentBytes: size(8 * MiB, 64 * KiB, 256 * MiB, 'an intent that comes by a stream is in memory whole; a larger one is pushed'),
  intentsOpen: count(256, 1, 10_000, 'of one stream: each that is not answered yet is in memory'),
  intentSilence: duration(5 * MINUTE, SECOND, 24 * HOUR, 'a stream of intents on which nothing moves has a connection'),
  intentsWaiting: count(4096, 16, 100_000, 'of all writers: each that waits to be ordered is in memory'),
  intentsAtOnce: count(256, 1, 10_000, 'so many are ordered while others wait for the commit lock'),
  intentBytesAtOnce: size(32 * MiB, MiB, GiB, 'what is ordered together is written together'),
  intentTrees: size(64 * MiB, MiB, 4 * GiB, 'the trees that intents touch are kept in memory'),
  intentAnswers: count(
    100_000,
    100,
    10_000_000,
    'who sends an intent again is answered again; older answers are read from the ledger',
  ),
  refs: count(10_000, 100, 1_000_000, 'every push and fetch lists all branches and tags'),
  // What is checked of it
  checkedBytes: size(
    512 * MiB,
    16 * MiB,
    64 * GiB,
    'objects of all pushes that are checked at a time are in memory; above it, pushes wait',
  ),
  checkedObject: size(64 * MiB, MiB, GiB, 'one object is in memory whole'),
  commitBytes: size(64 * KiB, 4 * KiB, 16 * MiB, 'a commit is in memory whole, and so is what its signature is made over'),
  manifestBytes: size(4 * MiB, 64 * KiB, 16 * MiB, 'a manifest is parsed whole, which takes a dozen times its bytes'),
  treeEntries: count(100_000, 1000, 10_000_000, 'a directory is in memory whole'),
  gitMemory: size(512 * MiB, 32 * MiB, 64 * GiB, 'a small pack can make git take any amount of memory'),
  gitTime: duration(
    10 * MINUTE,
    10 * SECOND,
    24 * HOUR,
    'a small pack can keep git busy for any time (processor time of one process)',
  ),
  // HTTP
  httpConnections: count(128, 4, 10_000, 'each costs memory and a descriptor'),
  httpConnectionsPerAddress: count(32, 2, 10_000, 'one host cannot take all of them'),
  httpHeadersTimeout: duration(5 * SECOND, SECOND, 10 * MINUTE, 'a request that is begun and not sent ends'),
}) satisfies Readonly<Record<string, LimitSpec>>;

/** A bound's name. */
export type LimitName = keyof typeof LIMITS;

/** What is in force: a number for each bound. */
export type Limits = Readonly<Record<LimitName, number>>;

/** The names of all bounds, in the order of the table. */
export const LIMIT_NAMES = Object.keys(LIMITS) as readonly LimitName[];

/** What is in force when the policy says nothing. */
export const USUAL_LIMITS: Limits = limits((name) => LIMITS[name].usual);

/** A number for each bound, as `of` gives it. */
export function limits(of: (name: LimitName) => number): Limits {
  return Object.freeze(Object.fromEntries(LIMIT_NAMES.map((name) => [name, of(name)]))) as Limits; // all names, by construction
}

/** A bound's name as the policy file spells it: `handshake_timeout`. */
export function limitKey(name: LimitName): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A bound's value as the policy file may have it: `64KiB`, `10s`, `256`. */
export function limitText({ kind }: LimitSpec, value: number): string {
  return kind === 'size' ? sizeText(value) : kind === 'duration' ? durationText(value) : String(value);
}
