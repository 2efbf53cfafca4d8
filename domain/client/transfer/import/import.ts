import { KvError } from '../../../../ports/error.js';
import type { NamespacePolicy } from '../../../../ports/stargate/policy-reader.js';
import { keyFault, quoteKey, toUrlsafe } from '../../../ledger/value/key.js';
import { KeyTable } from '../../../ledger/value/key-table.js';
import { throwFault } from '../../../verify/fault.js';
import { checkLfs, checkTotalSize } from '../../../verify/policy-rules.js';
import { acknowledgedWrite } from '../../write/acknowledged-write.js';
import { type BatchFault, batchRefused } from '../../write/parse-batch.js';
import type { Clone } from '../../clone/clone.js';
import { knownPolicy } from '../../clone/policy/known-policy.js';
import { MAX_OPERATIONS } from '../../../ledger/intent/intent-operations.js';
import { modeOf } from '../../sequence/mode.js';
import { whereTo } from '../../write/linear/land.js';
import { checkRequest, type RequestedOperation } from '../../write/operations.js';
import type { Visible } from '../../remote/wait.js';
import type { Receipt } from '../../write/receipt.js';
import { readBatchFile } from './batch.js';
import { detectFormat } from './detect.js';
import { readConsul, readEtcd } from './foreign.js';
import { readSnapshot } from './snapshot.js';
import { type Found, type ImportEntry, type ImportFormat, type ImportSource, input } from './source.js';

/** What is imported, under which keys, in how many transactions. */
export interface ImportRequest {
  readonly ns: string;
  readonly source: ImportSource;
  /** Every key must start with this, and loses it. */
  readonly strip: string;
  /** Put in front of every key. */
  readonly addPrefix: string;
  /** Operations a transaction; undefined: all in one, where one push may bring so many objects. */
  readonly batch?: number;
  /** Leave out this many operations at the beginning: they have landed before. */
  readonly skip: number;
  readonly dryRun: boolean;
  readonly subject?: string;
  readonly maxInline?: number;
  readonly wait?: boolean;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (phase: 'checking' | 'writing' | 'waiting', done: number, of: number | null) => void;
}

/** What an import came to. */
export interface ImportReport {
  readonly ns: string;
  readonly format: ImportFormat;
  /** Operations in the file, without those that stand for nothing. */
  readonly operations: number;
  readonly skipped: number;
  readonly set: number;
  readonly del: number;
  readonly unchanged: number;
  /** Bytes of the values set. */
  readonly bytes: number;
  readonly transactions: readonly { readonly commit: string | null; readonly txn: string | null; readonly operations: number }[];
  /** That of the last transaction; null when there was none. */
  readonly last: Receipt | null;
  readonly visible: Visible | null;
  readonly warnings: readonly string[];
}

/** What a Stargate allows whose policy is not known here. */
const DEFAULT_OBJECTS = 1_000_000;
/** A value, its metadata, its pointer, and a share of the index's folders. */
const OBJECTS_PER_KEY = 3.5;
/** The folders of a full ledger: two levels of 256, for values and for metadata. */
const LEDGER_TREES = 2 * 257 * 256;
/** With folders of its own for each key, as in a small ledger. */
const ALL_PER_KEY = 8.5;
/** What an intent has beside its values: its commit, its folders and its list of operations. */
const INTENT_OBJECTS = 6;
/** So many keys are verified one by one (`full_limit` of a policy), and take less than 512 MiB on either side beside a million. */
const COMFORTABLE = 25_000;

/** Further faults would tell nothing new. */
const MAX_FAULTS = 10_000;

/**
 * Imports a file. All of it is read and checked before the first write: a fault anywhere changes nothing. Each transaction is a write
 * of the importer's, at the time of the import. Throws `INPUT_INVALID` and `KEY_INVALID` naming lines, `FORMAT_UNSUPPORTED`,
 * `POLICY_VIOLATION`, and what `write` throws; then the hint says how to go on when something has landed.
 */
export async function importKeys(clone: Clone, request: ImportRequest): Promise<ImportReport> {
  const run = new Import(clone, request, await detectFormat(request.source));
  await run.check();
  return run.write();
}

class Import {
  private readonly warnings: string[] = [];
  private operations = 0;

  constructor(
    private readonly clone: Clone,
    private readonly request: ImportRequest,
    private readonly format: ImportFormat,
  ) {}

  /** Reads everything and writes nothing. */
  async check(): Promise<void> {
    const { ns, source, onProgress } = this.request;
    const policy = (await knownPolicy(this.clone))?.namespaces.get(ns) ?? null;
    const keys = new KeyTable(this.clone.hasher, 0);
    const lines: number[] = []; // by the records of the table
    const faults: BatchFault[] = [];
    let refused: unknown;
    for await (const found of this.read(true)) {
      for (const one of found) {
        if ('warning' in one) this.warnings.push(one.warning);
        else if ('what' in one) faults.push(one);
        else {
          this.operations++;
          const { key } = one.operation;
          const record = keys.put(toUrlsafe(key), null, 0);
          if (record === lines.length) lines.push(one.line);
          else faults.push(input(one.line, `has key ${quoteKey(key)} again, after line ${lines[record]}`));
          refused ??= refusal(ns, policy, one.operation);
        }
      }
      onProgress?.('checking', this.operations, null);
      if (faults.length >= MAX_FAULTS) break;
    }
    if (faults.length > 0) throw batchRefused(source.name, faults);
    if (refused !== undefined) throw refused;
    if (this.request.skip > this.operations) {
      throw new KvError('USAGE', `skip ${this.request.skip} is more than the ${this.operations} operations of ${source.name}`);
    }
  }

  async write(): Promise<ImportReport> {
    const { ns, skip } = this.request;
    const batch = this.request.batch ?? (await this.batchOfItself());
    const total = { set: 0, del: 0, unchanged: 0, bytes: 0 };
    const transactions: { commit: string | null; txn: string | null; operations: number }[] = [];
    const warnings = new Set(this.warnings);
    let last: Receipt | null = null;
    let [landed, seen] = [skip, 0];
    let visible: Visible | null = null;
    let group: RequestedOperation[] = [];
    const flush = async (): Promise<void> => {
      if (group.length === 0) return;
      const done = await this.writeGroup(group, landed, landed + group.length === this.operations);
      visible = done.visible;
      // The keys that a receipt names are let go: together they are all of the file's.
      last = done.receipt;
      total.set += last.set.length;
      total.del += last.del.length;
      total.unchanged += last.unchanged.length;
      total.bytes += last.bytes;
      transactions.push({ commit: last.commit, txn: last.txn, operations: group.length });
      for (const warning of last.warnings) warnings.add(warning);
      landed += group.length;
      group = [];
    };
    for await (const found of this.read(false)) {
      for (const one of found) {
        if ('what' in one) throw changed(this.request.source.name);
        if ('warning' in one || ++seen <= skip) continue;
        group.push(one.operation);
        if (group.length >= batch) await flush();
      }
    }
    if (seen !== this.operations) throw changed(this.request.source.name);
    await flush();
    const of = { ns, format: this.format, operations: this.operations, skipped: skip };
    return { ...of, ...total, transactions, last, visible, warnings: [...warnings] };
  }

  /** All in one transaction, or, where that is more than one may bring, as many operations as one goes well with. */
  private async batchOfItself(): Promise<number> {
    const { most, why } = await this.mostAtOnce();
    const left = this.operations - this.request.skip;
    if (left <= most) return Number.POSITIVE_INFINITY;
    const batch = Math.min(most, COMFORTABLE);
    this.warnings.push(
      `${left} operations are more than ${why}: they are written in ${Math.ceil(left / batch)} transactions of ${batch}`,
    );
    return batch;
  }

  /** How many operations one transaction may have, and what says so. */
  private async mostAtOnce(): Promise<{ readonly most: number; readonly why: string }> {
    const { clone, request } = this;
    const pushes = !request.dryRun && (await whereTo(clone)) === 'stargate';
    const mode = pushes ? await modeOf(clone, request.ns) : 'linear';
    const allowed = (await knownPolicy(clone))?.maxPushObjects ?? DEFAULT_OBJECTS;
    const sequenced = mode === 'sequenced';
    const fits = sequenced
      ? allowed - INTENT_OBJECTS
      : Math.max((allowed - LEDGER_TREES) / OBJECTS_PER_KEY, allowed / ALL_PER_KEY);
    if (sequenced && fits > MAX_OPERATIONS)
      return { most: MAX_OPERATIONS, why: `one transaction of a sequenced ledger may have (${MAX_OPERATIONS})` };
    return {
      most: Math.max(Math.floor(fits), 1),
      why: `one push may bring (max_push_objects of the policy is ${allowed})`,
    };
  }

  private async writeGroup(
    group: readonly RequestedOperation[],
    landed: number,
    last: boolean,
  ): Promise<{ receipt: Receipt; visible: Visible | null }> {
    const { ns, dryRun, subject, maxInline, wait, timeoutMs, signal, onProgress } = this.request;
    onProgress?.('writing', landed, this.operations);
    try {
      return await acknowledgedWrite(this.clone, {
        ns,
        operations: group,
        ...{ dryRun, refreshed: landed > this.request.skip },
        timeoutMs,
        ...(subject === undefined ? {} : { subject }),
        ...(maxInline === undefined ? {} : { maxInline }),
        ...(signal === undefined ? {} : { signal }),
        ...(last ? (wait === undefined ? {} : { wait }) : { wait: false }),
        onLanded: async (_receipt, waits) => {
          if (waits) onProgress?.('waiting', this.operations, this.operations);
        },
      });
    } catch (error) {
      if (!KvError.is(error) || error.code === 'MIRROR_TIMEOUT') throw error;
      throw stopped(error, landed, this.operations);
    }
  }

  /** What the file holds, its keys mapped. */
  private async *read(digests: boolean): AsyncGenerator<Found[]> {
    for await (const found of this.found(digests)) yield found.map((one) => ('operation' in one ? this.mapped(one) : one));
  }

  private found(digests: boolean): AsyncGenerator<Found[]> {
    const { source } = this.request;
    if (this.format === 'snapshot') return readSnapshot(source, this.clone.hasher, digests);
    if (this.format === 'batch') return readBatchFile(source, this.clone.clock.now());
    return this.format === 'consul' ? readConsul(source) : readEtcd(source);
  }

  private mapped(entry: ImportEntry): Found {
    const { strip, addPrefix } = this.request;
    const { line, operation } = entry;
    if (strip === '' && addPrefix === '') return entry;
    if (!operation.key.startsWith(strip))
      return input(
        line,
        `has key ${quoteKey(operation.key)}, which doesn't start with ${quoteKey(strip)}: export those that do alone, as a snapshot of a prefix`,
      );
    const key = addPrefix + operation.key.slice(strip.length);
    // What is stripped is often a folder, and Consul lists folders too.
    if (entry.folder === true && operation.key === strip)
      return { warning: `the entry of the folder ${quoteKey(strip)} itself is left out` };
    const fault = keyFault(key);
    if (fault !== undefined)
      return { line, kind: 'key', what: `has key ${quoteKey(operation.key)}, which would become ${quoteKey(key)}: ${fault}` };
    return { ...entry, operation: { ...operation, key } };
  }
}

/** What the policy says against an operation, as far as that is known before its value is cut into chunks. */
function refusal(ns: string, policy: NamespacePolicy | null, operation: RequestedOperation): unknown {
  try {
    checkRequest(ns, policy, operation);
    if (policy === null || operation.op === 'del' || !(operation.value instanceof Uint8Array)) return undefined;
    checkTotalSize(policy, operation.key, operation.value.length, throwFault);
    checkLfs(policy, operation.key, operation.value, throwFault);
    return undefined;
  } catch (error) {
    return error; // a file's own faults are told first
  }
}

function stopped(error: KvError, landed: number, of: number): KvError {
  if (landed === 0) return error;
  return new KvError(error.code, `${landed} of ${of} operations have landed, the next did not: ${error.message}`, {
    hint: `go on with the same import, and skip ${landed}${error.hint === undefined ? '' : `; ${error.hint}`}`,
    advice: { id: 'skip-landed', landed: String(landed) },
    details: { ...error.details, landed },
    cause: error,
  });
}

function changed(name: string): KvError {
  return new KvError('IO_ERROR', `${name} has changed while it was imported`, { hint: 'import a file that nobody writes to' });
}
