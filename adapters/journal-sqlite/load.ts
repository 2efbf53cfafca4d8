import { KvError } from '../../ports/index.js';

/** A value that a column may hold. */
type Column = string | number;

/** A prepared statement, as far as it is used here. */
export interface Statement {
  run(...values: readonly Column[]): { readonly changes: number };
  get(...values: readonly Column[]): unknown;
  iterate(...values: readonly Column[]): IterableIterator<unknown>;
}

/** An open database. It answers at once: whoever asks waits for the disk. Errors have a `code`, such as `SQLITE_FULL`. */
export interface Database {
  /** What a `PRAGMA` says; `simple`: its first column of the first row. */
  pragma(text: string, options: { readonly simple: true }): unknown;
  exec(text: string): unknown;
  prepare(text: string): Statement;
  close(): unknown;
  readonly inTransaction: boolean;
}

/** What the package exports. */
export type Sqlite = new (path: string, options?: { readonly timeout?: number }) => Database;

/** The package's name. No literal: it is no dependency, and where it is missing nothing else may fail. */
const PACKAGE: string = 'better-sqlite3';

/** The version that this adapter was written for, and that its contract was run with. */
export const SQLITE_VERSION = '12.11.1';

const HOW =
  'build it with `npm run with-sqlite` in a clone of git-kv, or ' +
  `\`npm install ${PACKAGE}@${SQLITE_VERSION}\` where git-kv is installed (with -g if git-kv is); ` +
  'it takes a C++ compiler and python3; or name journal-file as journal';

/**
 * Loads better-sqlite3, and its native part too. `importing` is a test's way to one that fails. Throws `CONFIG_INVALID`, with how to
 * install it, when it is missing or was built for another Node.
 */
export async function loadSqlite(importing: () => Promise<unknown> = () => import(PACKAGE)): Promise<Sqlite> {
  try {
    const { default: sqlite } = (await importing()) as { readonly default: Sqlite }; // tried at once
    new sqlite(':memory:').close();
    return sqlite;
  } catch (cause) {
    throw cannotLoad(cause);
  }
}

function cannotLoad(cause: unknown): KvError {
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
  const said = String(message ?? cause);
  const wrong = (what: string): KvError => new KvError('CONFIG_INVALID', what, { cause, hint: HOW });
  if (/NODE_MODULE_VERSION|compiled against a different Node/.test(said)) {
    return wrong(`${PACKAGE} was built for another Node than this one (${process.version})`);
  }
  if (/Could not locate the bindings file|better_sqlite3\.node/.test(said)) {
    return wrong(`${PACKAGE} is installed, and was never built`);
  }
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    return wrong(`the journal 'journal-sqlite' needs the package ${PACKAGE}, which is not installed`);
  }
  return wrong(`${PACKAGE} cannot be loaded: ${said.split('\n', 1)[0] ?? ''}`);
}
