/** What writers and readers asked for and were told, and what the ledger holds in the end: what `check` judges. */

/** One transaction, as its writer knows it. */
export interface Write {
  /** Its name, which stands in the text of its ledger commit: a client that sends it again, as whatever transaction, keeps it. */
  readonly id: string;
  readonly who: string;
  readonly ns: string;
  /** Values by key; no two writes set the same value. */
  readonly set: Readonly<Record<string, string>>;
  readonly del: readonly string[];
  /** What its writer takes for the values of keys; null: none. */
  readonly expect: Readonly<Record<string, string | null>>;
  /** Milliseconds, of the clock that all share. */
  readonly began: number;
  /** Null while nobody knows what has become of it. */
  readonly ended: number | null;
  /** `unknown` also where its client was killed. */
  readonly outcome: 'acknowledged' | 'refused' | 'unknown';
  /** The ledger commit of an acknowledged write; null: nothing was changed, or there is none. */
  readonly commit: string | null;
  /** Why it was refused, or why nobody knows. */
  readonly code?: string;
}

/** What a write was asked to do. */
export type WriteWish = Pick<Write, 'who' | 'ns' | 'set' | 'del' | 'expect'>;

/** One look at some keys, all at one state of the ledger. */
export interface Read {
  readonly who: string;
  readonly ns: string;
  /** A mirror may be behind; a Stargate shows all that was acknowledged before it was asked. */
  readonly from: 'mirror' | 'stargate';
  readonly values: Readonly<Record<string, string | null>>;
  readonly began: number;
  readonly ended: number;
}

/** One ledger commit. */
export interface LedgerEntry {
  readonly commit: string;
  /** The name in its text; null: it has none. */
  readonly write: string | null;
  /** What it made of keys. */
  readonly changes: Readonly<Record<string, string | null>>;
}

/** A namespace's ledger, in the end. */
export interface Ledger {
  readonly ns: string;
  /** The oldest first. */
  readonly entries: readonly LedgerEntry[];
  /** What its tip holds, read by itself. */
  readonly values: Readonly<Record<string, string | null>>;
}

/** All that was asked and told. */
export interface History {
  readonly writes: readonly Write[];
  readonly reads: readonly Read[];
}

/** A write that is under way: says once what has become of it. */
export interface OpenWrite {
  readonly id: string;
  acknowledged(commit: string | null): void;
  refused(code: string): void;
  /** Its client could not find out, was killed, or did not ask: whether it has landed is not known. */
  unknown(why: string): void;
}

/** Writes a history down while it happens. */
export class Recorder implements History {
  private readonly written: Write[] = [];
  readonly reads: Read[] = [];

  constructor(private readonly clock: () => number) {}

  get writes(): readonly Write[] {
    return this.written;
  }

  /** Begins a write; until it is said what has become of it, that is unknown. `set` gets the write's name, which no other has. */
  begin(wish: Omit<WriteWish, 'set'> & { readonly set: (id: string) => Readonly<Record<string, string>> }): OpenWrite & Write {
    const at = this.written.length;
    const id = `w${at}`;
    const set = wish.set(id);
    this.written.push({ ...wish, set, id, began: this.clock(), ended: null, outcome: 'unknown', commit: null });
    const end = (change: Partial<Write>): void => {
      this.written[at] = { ...(this.written[at] as Write), ended: this.clock(), ...change };
    };
    return {
      ...(this.written[at] as Write),
      acknowledged: (commit) => end({ outcome: 'acknowledged', commit }),
      refused: (code) => end({ outcome: 'refused', code }),
      unknown: (why) => end({ outcome: 'unknown', ended: null, code: why }),
    };
  }

  /** Makes a read and writes it down; one that fails has shown nothing. */
  async read(
    how: Pick<Read, 'who' | 'ns' | 'from'>,
    look: () => Promise<Readonly<Record<string, string | null>> | null>,
  ): Promise<Readonly<Record<string, string | null>> | null> {
    const began = this.clock();
    const values = await look();
    if (values !== null) this.reads.push({ ...how, values, began, ended: this.clock() });
    return values;
  }
}

/** The text of a write's ledger commit. */
export const textOf = (id: string): string => `chaos ${id}`;

/** The write that a ledger commit's text names; null for none. */
export const writeIn = (text: string): string | null => /^chaos (w\d+)$/m.exec(text)?.[1] ?? null;
