import { KvError } from '../../ports/error.js';
import { isEpochLabel, isNamespace } from '../../ports/grammar/namespace.js';
import { isCount, isFlag, isText, listOf, orNull, recordOf } from './fields.js';
import { shownWord, type VerbFormat } from './verb.js';

/** Which epochs of a namespace are to go. */
export interface CompactArguments {
  readonly ns: string;
  /** Exactly this archived epoch; undefined: the epochs that the policy leaves over. */
  readonly label: string | undefined;
  /** Only say what would go. */
  readonly dryRun: boolean;
}

/** An epoch that was dropped, or would be. */
export interface DroppedEpoch {
  readonly epoch: string;
  readonly refs: readonly string[];
  /** The bundle's path on the Stargate; null where nothing was done. */
  readonly bundle: string | null;
  readonly bundle_bytes: number;
}

/** Which epochs went, or would go on a dry run; sizes in bytes, of all objects that the Stargate has. */
export interface CompactReport {
  readonly ns: string;
  /** The label of the current epoch, which always stays. */
  readonly current: string;
  /** How many past epochs the policy keeps; null: all. */
  readonly keep_epochs: number | null;
  /** The labels of the archived epochs that stay, newest first. */
  readonly kept: readonly string[];
  readonly dry_run: boolean;
  readonly epochs: readonly DroppedEpoch[];
  readonly bytes_before: number;
  readonly bytes_after: number;
  readonly bytes_freed: number;
  /** False while what was dropped still takes space. */
  readonly reclaimed: boolean;
}

/** `compact NS [--epoch LABEL] [--dry-run]`. */
export const COMPACT: VerbFormat<CompactArguments, CompactReport> = {
  name: 'compact',
  role: 'admin',
  encode: ({ ns, label, dryRun }) => [ns, ...(label === undefined ? [] : ['--epoch', label]), ...(dryRun ? ['--dry-run'] : [])],
  decode(words) {
    const [ns = '', ...rest] = words;
    if (!isNamespace(ns)) throw new KvError('USAGE', `'compact' wants a namespace, and got ${shownWord(ns)}`);
    let label: string | undefined;
    let dryRun = false;
    for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
      if (word === '--dry-run') dryRun = true;
      else if (word === '--epoch') label = rest.shift() ?? '';
      else throw new KvError('USAGE', `'compact' does not know ${shownWord(word)}`);
    }
    // The label becomes part of a file's name.
    if (label !== undefined && !isEpochLabel(label))
      throw new KvError('USAGE', `${JSON.stringify(label.slice(0, 80))} is no epoch label`);
    return { ns, label, dryRun };
  },
  report: {
    ns: isText,
    current: isText,
    keep_epochs: orNull(isCount),
    kept: listOf(isText),
    dry_run: isFlag,
    epochs: listOf(
      recordOf<DroppedEpoch>({ epoch: isText, refs: listOf(isText), bundle: orNull(isText), bundle_bytes: isCount }),
    ),
    bytes_before: isCount,
    bytes_after: isCount,
    bytes_freed: isCount,
    reclaimed: isFlag,
  },
};
