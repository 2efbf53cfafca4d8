import { KvError } from '../../ports/error.js';
import { isNamespace } from '../../ports/grammar/namespace.js';
import { isCount, isFlag, isText, listOf, orNull, recordOf } from './fields.js';
import { shownWord, type VerbFormat } from './verb.js';

/**
 * What is to be done about what differs: `audit` says it; `repair` pushes what the mirror lacks or has as it was before; `force` also
 * overwrites what has gone apart; `hard` also deletes what only the mirror has; `adopt` takes over what the mirror has beyond.
 */
const SYNC_MODES = ['audit', 'repair', 'force', 'hard', 'adopt'] as const;
/** One of them. */
export type SyncMode = (typeof SYNC_MODES)[number];

/** Which refs are compared, and what is done about them. */
export interface SyncArguments {
  /** One namespace; undefined: all refs that the mirror is to show, branches, tags and policy too. */
  readonly ns: string | undefined;
  readonly mode: SyncMode;
  /** Only say what would be done. */
  readonly dryRun: boolean;
}

/** A ref that differs, and what was done about it. */
export interface DifferingRef {
  readonly ref: string;
  /** Where the Stargate has it; null: nowhere. */
  readonly here: string | null;
  /** Where the mirror has it. */
  readonly there: string | null;
  /**
   * `missing` at the mirror; `older` there: it was here before; `newer` there: it goes on from here, soundly; `unsound`: it goes on
   * from here, with what no Stargate has accepted; `apart`: neither leads to the
   * other; `extra`: only the mirror has it.
   */
  readonly state: string;
  /** `push`, `overwrite`, `delete`, `adopt`, or `none`: it was left as it is. */
  readonly action: string;
}

/** A namespace whose mirror has what the Stargate has not. */
export interface AheadNamespace {
  readonly ns: string;
  readonly here: string | null;
  readonly there: string;
  /** How many transactions the mirror has beyond; null where they can't be verified. */
  readonly transactions: number | null;
  /** Why they can't be taken over; null when they can. */
  readonly fault: string | null;
}

/** How Stargate and mirror differ, and what was done about it. */
export interface SyncReport {
  /** The mirror's name for people. */
  readonly mirror: string;
  readonly mode: string;
  readonly dry_run: boolean;
  /** How many refs are the same on both sides. */
  readonly same: number;
  readonly refs: readonly DifferingRef[];
  readonly namespaces: readonly AheadNamespace[];
  /** Where the mirror's tips that were overwritten or deleted are kept; null when none were. */
  readonly bundle: string | null;
  /** Why something was left that somebody has to decide; empty when nothing was. */
  readonly left: readonly string[];
}

/** `sync [--ns NS] [--repair|--force|--hard|--adopt] [--dry-run]`. */
export const SYNC: VerbFormat<SyncArguments, SyncReport> = {
  name: 'sync',
  role: 'admin',
  encode: ({ ns, mode, dryRun }) => [
    ...(ns === undefined ? [] : ['--ns', ns]),
    ...(mode === 'audit' ? [] : [`--${mode}`]),
    ...(dryRun ? ['--dry-run'] : []),
  ],
  decode(words) {
    const left = [...words];
    let ns: string | undefined;
    let mode: SyncMode = 'audit';
    let dryRun = false;
    for (let word = left.shift(); word !== undefined; word = left.shift()) {
      const named = SYNC_MODES.find((each) => each !== 'audit' && `--${each}` === word);
      if (word === '--dry-run') dryRun = true;
      else if (word === '--ns') ns = left.shift() ?? '';
      else if (named === undefined) throw new KvError('USAGE', `'sync' does not know ${shownWord(word)}`);
      else if (mode === 'audit' || mode === named) mode = named;
      else throw new KvError('USAGE', `'sync' does one thing at a time, and got both ${mode} and ${named}`);
    }
    if (ns !== undefined && !isNamespace(ns)) throw new KvError('USAGE', `'sync' wants a namespace, and got ${shownWord(ns)}`);
    return { ns, mode, dryRun };
  },
  report: {
    mirror: isText,
    mode: isText,
    dry_run: isFlag,
    same: isCount,
    refs: listOf(
      recordOf<DifferingRef>({ ref: isText, here: orNull(isText), there: orNull(isText), state: isText, action: isText }),
    ),
    namespaces: listOf(
      recordOf<AheadNamespace>({
        ...{ ns: isText, here: orNull(isText), there: isText },
        ...{ transactions: orNull(isCount), fault: orNull(isText) },
      }),
    ),
    bundle: orNull(isText),
    left: listOf(isText),
  },
};
