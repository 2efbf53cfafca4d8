/// <reference lib="esnext.disposable" preserve="true" />
import type { Blame, BlameOptions, Diff, DiffOptions, HistoryEntry, HistoryOptions, State } from './past.js';
import type { Entry, EntryStream, GetOptions, ListedKey, ListOptions, ReadOptions } from './read.js';
import type { Snapshot, SnapshotOptions, VerifyOptions, VerifyReport } from './transfer.js';
import type { Watch, WatchOptions } from './watch.js';
import type {
  CasOptions,
  Operation,
  Receipt,
  SetOptions,
  StreamInput,
  TransactOptions,
  ValueInput,
  Visible,
  WaitOptions,
  WriteOptions,
} from './write.js';

/** Which clone is opened, and how it is read unless a call says otherwise. */
export interface OpenCloneOptions {
  /** A work tree, a folder below one, or a Git directory. A relative path starts from the process's working directory. */
  readonly directory: string;
  /** The adapters: a built-in profile's name, or the path of a profile's file. Default `client`. */
  readonly profile?: string | undefined;
  /** The environment of git and ssh. Default: the process's own, as it is when the clone is opened. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The namespace. Default: what `kv.namespace` says in the clone's configuration, or `main`. */
  readonly ns?: string | undefined;
  /** A reality of that namespace (`git kv reality new`), in which writes are tried and go nowhere. Calls that name another namespace are true. */
  readonly reality?: string | undefined;
  /** The side that reads ask. Default: the mirror. */
  readonly readFrom?: 'mirror' | 'stargate' | undefined;
  /** As in `ReadOptions`. Milliseconds. Default: what `kv.maxAge` says in the clone's configuration, or 0: each read asks the other side. */
  readonly maxAge?: number | undefined;
  /** Nothing is ever fetched: what is not here is an error that names it. Writes still go to the Stargate. */
  readonly offline?: boolean | undefined;
  /** Hears, in a sentence, what is to be known besides answers: a mirror that lags behind, a Stargate that is waited for. Never a value. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** Gives up opening. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * An open clone. Calls may be made at any time and in parallel; writes to one namespace land one after the other, in the order in which they
 * were asked for. Every rejection is a `KvError` with one of the command line's codes, but for what a stream or a callback that was given
 * throws itself; no error says anything of a value.
 *
 * Beside the codes that stand at a method, any may reject with `GIT_ERROR` (the repository is damaged), `IO_ERROR` (the disk, or the other side,
 * can't be reached), `BUSY` (no room at the Stargate, or here), `INTERRUPTED` (the signal has fired, or the clone was closed) and `USAGE` (an
 * option that can't be meant, or a clone that was closed before).
 */
export interface Clone extends AsyncDisposable {
  /** The namespace that is read and written unless a call names another. */
  readonly ns: string;
  /** How objects are named: `sha1` or `sha256`. */
  readonly objectFormat: 'sha1' | 'sha256';

  /**
   * Reads one key, whole. Throws `NOT_FOUND`, `EXPIRED`, `KEY_INVALID`; `ATTESTATION_MISMATCH` for a value that is not the one that was
   * written; `USAGE` for one above 64 MiB, which `getStream` reads.
   *
   * @example
   * const { value, ctype } = await clone.get('cfg:limit');
   * const limits = (await clone.get('cfg:limit')).json();
   */
  get(key: string, options?: GetOptions): Promise<Entry>;

  /**
   * Reads one key as it comes: a large value takes some MiB of memory, whatever its size. Throws as `get` does.
   *
   * @example
   * const { body } = await clone.getStream('model:weights');
   * await pipeline(Readable.from(body), createWriteStream('weights.bin'));
   */
  getStream(key: string, options?: GetOptions): Promise<EntryStream>;

  /**
   * Lists live keys in the order of their urlsafe forms, as they are read: the first come at once, however many there are. Throws
   * `NOT_FOUND` without such a namespace.
   *
   * @example
   * for await (const { key } of clone.list({ prefix: 'cfg:' })) keys.push(key);
   */
  list(options?: ListOptions): AsyncIterable<ListedKey>;

  /**
   * Sets one key, as a transaction. Throws `KEY_INVALID`, `POLICY_VIOLATION`, `SIGNATURE_MISSING`, `SIGNER_UNKNOWN`; `CAS_CONFLICT` when an
   * expectation doesn't hold; `NOT_LEADER`; `MIRROR_TIMEOUT` when it has landed and isn't shown, with the receipt among the details. A signal
   * that fires before the push begins leaves nothing behind; after that, the answer is waited for, 5 s at the most: an `INTERRUPTED` then says
   * in `details.landed` that it is `unknown`, and names the transaction.
   *
   * @example
   * const { commit } = await clone.set('cfg:color', 'blue', { ttl: 3_600_000 });
   */
  set(key: string, value: ValueInput, options?: SetOptions): Promise<Receipt>;

  /**
   * Sets one key to what a stream gives, in bounded memory: large values are cut into chunks, of which only new ones are stored. The stream
   * is read once, and closed if it isn't read to its end. Throws as `set` does, and what the stream itself throws.
   *
   * @example
   * await clone.setStream('model:weights', createReadStream('weights.bin'));
   */
  setStream(key: string, value: StreamInput, options?: SetOptions): Promise<Receipt>;

  /** Deletes keys, as one transaction. Throws `NOT_FOUND` when one is not there, and then deletes none; else as `set` does. */
  del(key: string | readonly string[], options?: WriteOptions): Promise<Receipt>;

  /**
   * Writes all operations or none, as one transaction. Of several on one key the last counts, and a warning says so. Throws as `set` does.
   *
   * @example
   * await clone.transact([
   *   { op: 'set', key: 'cfg:color', value: 'blue' },
   *   { op: 'del', key: 'cfg:colour' },
   * ]);
   */
  transact(operations: Iterable<Operation>, options?: TransactOptions): Promise<Receipt>;

  /**
   * Sets one key if it is as expected, or if the whole ledger is (`expectTree`); else `CAS_CONFLICT`, whose details name what is there.
   *
   * @example
   * const { oid, value } = await clone.get('counter');
   * await clone.cas('counter', String(Number(Buffer.from(value)) + 1), { expect: oid });
   */
  cas(key: string, value: ValueInput, options: CasOptions): Promise<Receipt>;

  /**
   * The transactions that set or deleted a key, newest first, with who signed them, verified. Throws `NOT_FOUND` for a key that there never
   * was, `KEY_INVALID`.
   *
   * @example
   * for await (const { time, by, op } of clone.history('cfg:color', { limit: 10 })) report(time, by, op);
   */
  history(key: string, options?: HistoryOptions): AsyncIterable<HistoryEntry>;

  /**
   * The state that `at` names (as in `GetOptions`), or the newest, held fast: all that is read of it is of one commit. Throws `NOT_FOUND` saying
   * what can be had, `USAGE` for what names no state.
   */
  at(at?: string, options?: ReadOptions): Promise<State>;

  /** What differs between two states, of one epoch or of two; `to` absent: the newest. Throws as `at` does. */
  diff(from: string, to?: string, options?: DiffOptions): Promise<Diff>;

  /** Who last changed each live key, in the order of `list`. Throws `NOT_FOUND` without such a namespace. */
  blame(options?: BlameOptions): AsyncIterable<Blame>;

  /**
   * Follows the transactions that the Stargate accepts, through new epochs, and through a connection that is lost after the start. Ends without
   * an error when its signal fires. Throws `NOT_FOUND` for a `since` that can't be had any more, `CONFIG_INVALID` without a remote.
   *
   * @example
   * for await (const { keys } of clone.watch({ prefix: 'cfg:', signal })) reload(keys?.set ?? []);
   */
  watch(options?: WatchOptions): Watch;

  /**
   * Waits until the mirror shows a ledger commit, named in full as a receipt has it, or a later one. Throws `MIRROR_TIMEOUT`; `NOT_FOUND` when neither this clone nor the
   * Stargate knows the commit.
   */
  wait(commit: string, options?: WaitOptions): Promise<Visible>;

  /**
   * Exports the newest state as JSON lines, the same state always as the same bytes. Keys that have expired are in it.
   *
   * @example
   * await pipeline(Readable.from(clone.snapshot()), createWriteStream('backup.jsonl'));
   */
  snapshot(options?: SnapshotOptions): Snapshot;

  /**
   * Verifies what this clone has of the namespace, and fetches nothing: refs, attestation, signatures, and ledger, index, chunks, watchlog and
   * watermark against each other. Gives every fault; throws none of them. Throws `NOT_FOUND` when there is nothing to verify.
   */
  verify(options?: VerifyOptions): Promise<VerifyReport>;

  /**
   * Ends all calls that are under way (`INTERRUPTED`), waits for that, and ends the clone's processes. Idempotent; `await using` does it. The process
   * doesn't end by itself while a clone is open.
   */
  close(): Promise<void>;
}
