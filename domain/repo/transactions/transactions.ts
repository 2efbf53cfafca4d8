import { KvError } from '../../../ports/error.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { newUlid } from '../../ledger/ulid.js';
import { fileAt, overlayChanges, pathChange } from '../commit/changes.js';
import { commitOverlay } from '../commit/commit.js';
import type { Core } from '../core.js';
import { shown, toBytePath } from '../objects/paths.js';
import { HEADS, refNamed, shortName } from '../refs/names.js';
import { listDirectory } from '../search/files.js';
import { Overlay, type OverlayParts } from '../staging/overlay.js';
import { Pending } from '../staging/pending.js';
import { movedPaths, rebaseEdits } from '../staging/rebase.js';
import type { RepositoryTransaction, TransactionInfo, Validation, Validator } from '../isolated.js';
import type { Changes, CommitInfo, CommitRequest, FileContent, ListedEntry, PathChange } from '../types.js';

/** Ended transactions whose ids are remembered, so that a late call is told what became of them. */
const REMEMBERED = 1000;

/** The open transactions of a repository. */
export class Transactions {
  private readonly open = new Map<string, Transaction>();
  private readonly ended = new Map<string, 'committed' | 'rolled back' | 'timed out'>();

  constructor(private readonly core: Core) {
    core.keeps.add(() => [...this.open.values()].flatMap(({ base }) => (base === null ? [] : [base])));
  }

  /** Begins one on a branch, the current one unless told otherwise. Throws `BUSY` when there are too many. */
  async begin({ branch, idle }: { readonly branch?: string; readonly idle?: number } = {}): Promise<Transaction> {
    this.sweep();
    const { limits } = this.core;
    if (this.open.size >= limits.transactions)
      throw new KvError('BUSY', `${limits.transactions} transactions are open`, { hint: 'commit or roll back one of them' });
    const head = branch === undefined ? await this.core.head() : refNamed(HEADS, branch);
    if (!head.startsWith('refs/'))
      throw new KvError('INPUT_INVALID', 'HEAD names no branch', { hint: 'name the branch that the transaction is for' });
    const base = await this.core.tip(head);
    if (branch !== undefined && base === null && head !== (await this.core.head()))
      throw new KvError('NOT_FOUND', `there is no branch '${shown(branch)}'`, { details: { ref: head } });
    const id = newUlid(this.core.parts.clock, this.core.parts.randomness);
    const patience = Math.min(limits.transactionIdle, Math.max(1, idle ?? limits.transactionIdle));
    const one = new Transaction(this.core, { id, ref: head, base, tree: await this.core.treeOf(base), patience }, (how) =>
      this.end(id, how),
    );
    this.open.set(id, one);
    return one;
  }

  /** Throws `EXPIRED` for one that has timed out, `NOT_FOUND` for one that was never there or has ended. */
  get(id: string): Transaction {
    this.sweep();
    const one = this.open.get(id);
    if (one !== undefined) return one;
    const how = this.ended.get(id);
    if (how === 'timed out') throw timedOut(id);
    const what = how === undefined ? 'there is no transaction' : `${how} already: transaction`;
    throw new KvError('NOT_FOUND', `${what} '${shown(id)}'`, { details: { transaction: shown(id) } });
  }

  all(): Transaction[] {
    this.sweep();
    return [...this.open.values()];
  }

  /** Ends those whose time is over. */
  sweep(): void {
    const now = this.core.now();
    for (const one of this.open.values()) if (one.info().expiresAt <= now) one.expire();
  }

  close(): void {
    for (const one of [...this.open.values()]) one.rollback();
  }

  private end(id: string, how: 'committed' | 'rolled back' | 'timed out'): void {
    this.open.delete(id);
    this.ended.set(id, how);
    if (this.ended.size > REMEMBERED) for (const old of this.ended.keys()) return void this.ended.delete(old);
  }
}

/** Changes to a branch that nobody sees before they are committed, all at once. */
class Transaction implements RepositoryTransaction {
  private readonly pending: Pending;
  private readonly parts: OverlayParts;
  private overlay: Overlay;
  private readonly createdAt: number;
  private usedAt: number;
  private ended: 'committed' | 'rolled back' | 'timed out' | null = null;
  /** Calls that have begun: while there is one, nothing is taken from under it. */
  private atWork = 0;
  /** Calls of one transaction go one after another. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly core: Core,
    private readonly begun: {
      readonly id: string;
      readonly ref: RefName;
      readonly base: Oid | null;
      readonly tree: Oid | null;
      readonly patience: number;
    },
    private readonly onEnd: (how: 'committed' | 'rolled back' | 'timed out') => void,
  ) {
    this.pending = new Pending(core.store);
    this.parts = { source: core.source, namer: core.namer, pending: this.pending, limits: core.limits };
    this.overlay = new Overlay(this.parts, begun.tree);
    this.createdAt = core.now();
    this.usedAt = this.createdAt;
  }

  get base(): Oid | null {
    return this.begun.base;
  }

  info(): TransactionInfo {
    const { id, ref, base, patience } = this.begun;
    const { createdAt, usedAt, overlay, pending } = this;
    return {
      id,
      branch: shortName(ref),
      base,
      createdAt,
      expiresAt: usedAt + patience,
      changes: overlay.edits.size,
      bytes: pending.bytes,
    };
  }

  apply(changes: Changes): Promise<void> {
    return this.inTurn(async () => {
      const { limits } = this.core;
      const before = this.overlay.edits.copy();
      await this.core.withRoom(() => this.overlay.apply(changes));
      const { changes: paths, bytes } = this.info();
      if (paths <= limits.transactionPaths && bytes <= limits.transactionBytes) return;
      this.overlay.edits = before;
      this.pending.keepOnly(new Set([...before].flatMap(([, entry]) => (entry === null ? [] : [entry.oid]))));
      const message = `a transaction may change ${limits.transactionPaths} paths and hold ${limits.transactionBytes} bytes`;
      throw new KvError('POLICY_VIOLATION', message, { hint: 'commit some of the changes first', details: { paths, bytes } });
    });
  }

  changes(): Promise<readonly PathChange[]> {
    return this.inTurn(async () => (await overlayChanges(this.overlay)).map(pathChange));
  }

  readFile(path: string): Promise<FileContent> {
    return this.inTurn(async () => {
      const at = toBytePath(path);
      return fileAt(this.overlay.source, at, await this.overlay.at(at));
    });
  }

  list(path: string, options: { readonly recursive?: boolean } = {}): Promise<readonly ListedEntry[]> {
    return this.inTurn(async () => {
      const { source, tree } = await this.overlay.snapshot();
      return listDirectory(source, tree, path, options.recursive === true);
    });
  }

  validate(validators: readonly Validator[] = []): Promise<Validation> {
    return this.inTurn(async () => {
      const changes = (await overlayChanges(this.overlay)).map(pathChange);
      const read = async (path: string): Promise<FileContent | null> => {
        const entry = await this.overlay.at(toBytePath(path));
        return entry === null ? null : fileAt(this.overlay.source, toBytePath(path), entry);
      };
      const files = async (): Promise<readonly ListedEntry[]> => {
        const { source, tree } = await this.overlay.snapshot();
        return listDirectory(source, tree, '', true);
      };
      const faults = (await Promise.all(validators.map((validator) => validator({ changes, read, files })))).flat();
      const { conflicts } = await this.onto(await this.core.tip(this.begun.ref));
      return { valid: faults.length === 0 && conflicts === null, faults, conflicts: conflicts ?? [] };
    });
  }

  commit(request: CommitRequest): Promise<CommitInfo> {
    return this.inTurn(async () => {
      const { ref, id } = this.begun;
      const info = await this.core.change(async (land) => {
        const tip = await this.core.tip(ref);
        const { overlay, conflicts } = await this.onto(tip);
        if (overlay === null) throw movedPaths(conflicts, `transaction ${id} can't be committed`);
        return commitOverlay(this.core, land, { ref, tip, overlay, pending: this.pending }, request);
      });
      this.end('committed');
      return info;
    });
  }

  rollback(): void {
    if (this.atWork === 0) this.end('rolled back');
    else this.turn = this.turn.then(() => this.end('rolled back'));
  }

  /** Ends it because its time is over, unless it is at work. */
  expire(): void {
    if (this.atWork === 0) this.end('timed out');
  }

  /** The changes on top of a tip that may have moved since. */
  private async onto(tip: Oid | null): ReturnType<typeof rebaseEdits> {
    if (tip === this.begun.base) return { overlay: this.overlay, conflicts: null };
    return rebaseEdits(this.parts, this.overlay, await this.core.treeOf(tip));
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(async () => {
      this.checkOpen();
      this.atWork++;
      this.usedAt = this.core.now();
      try {
        return await work();
      } finally {
        this.atWork--;
        this.usedAt = this.core.now();
      }
    });
    this.turn = result.catch(() => undefined); // the caller has the error; the next call has its turn all the same
    return result;
  }

  private checkOpen(): void {
    if (this.ended === null && this.core.now() >= this.info().expiresAt) this.expire();
    if (this.ended === null) return;
    if (this.ended === 'timed out') throw timedOut(this.begun.id);
    throw new KvError('NOT_FOUND', `${this.ended} already: transaction '${this.begun.id}'`, {
      details: { transaction: this.begun.id },
    });
  }

  private end(how: 'committed' | 'rolled back' | 'timed out'): void {
    if (this.ended !== null) return;
    this.ended = how;
    this.pending.clear();
    this.overlay = new Overlay(this.parts, this.begun.tree);
    this.onEnd(how);
  }
}

function timedOut(id: string): KvError {
  return new KvError('EXPIRED', `transaction '${shown(id)}' has timed out, and its changes are gone`, {
    hint: 'begin another one',
    details: { transaction: shown(id) },
  });
}
