import { oidBytesIn, TreeCursor } from '../../git/tree/tree.js';
import { FIXED_LEVELS, PAIR, REF_SUFFIX, SPLIT_ABOVE } from '../../index/layout.js';
import { quotePath } from '../../ledger/value/key.js';
import type { RuleContext } from '../fault.js';

/** What stands above the index's own directories: `kv`, the namespace, `index`. */
const ROOTS = 3;

/**
 * Holds an index that changed against the rule of its layout, that a directory is split exactly when more than `SPLIT_ABOVE` pointers
 * lie in it and below it. The directories that differ tell enough: pointers are never removed, so that one which was split before
 * has as many, and all that lies below one which is split now is new.
 */
export class SplitCheck {
  private readonly oidBytes: number;
  /** Pointers in and below directories that were not split before and are now. */
  private readonly fresh = new Map<string, number>();

  constructor(private readonly rules: RuleContext) {
    this.oidBytes = oidBytesIn(rules.store.objectFormat);
  }

  /** Takes a directory that differs; each comes after the one that it lies in. */
  take(path: string, before: Uint8Array, after: Uint8Array): void {
    const depth = path.split('/').length - ROOTS;
    if (depth < FIXED_LEVELS || after.length === 0) return;
    const now = this.look(after, depth);
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const count = this.fresh.get(path.slice(0, end));
      if (count !== undefined) this.fresh.set(path.slice(0, end), count + now.pointers);
    }
    if (!now.split) {
      if (now.pointers > SPLIT_ABOVE) this.tell(path, 'has more pointers than a directory may have that is not split');
    } else if (now.long) this.tell(path, 'keeps a pointer that it must hand down');
    else if (!this.look(before, depth).split) this.fresh.set(path, now.pointers);
  }

  /** After the last one. */
  finish(): void {
    for (const [path, pointers] of this.fresh)
      if (pointers <= SPLIT_ABOVE) this.tell(path, 'is split, and has too few pointers for that');
  }

  /** `long`: it has a pointer that has another pair. */
  private look(tree: Uint8Array, depth: number): { readonly pointers: number; readonly split: boolean; readonly long: boolean } {
    const cursor = new TreeCursor(tree, this.oidBytes);
    let [pointers, split, long] = [0, false, false];
    while (cursor.next()) {
      if (cursor.isDir) split = true;
      else {
        pointers++;
        if (cursor.nameBytes - REF_SUFFIX.length >= (depth + 1) * PAIR) long = true;
      }
    }
    return { pointers, split, long };
  }

  private tell(path: string, what: string): void {
    this.rules.emit({
      code: 'ATTESTATION_MISMATCH',
      message: `index of namespace ${this.rules.ns}: ${quotePath(path)} ${what}`,
      hint: 'an index is laid out as docs/FORMAT.md says',
      subject: { path },
    });
  }
}
