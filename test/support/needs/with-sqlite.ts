import { loadSqlite } from '../../../adapters/journal-sqlite/open.js';
import { leaveOut, sayLeftOut } from './needs.js';

/** Why better-sqlite3 can't be used here; null where it can. It takes a compiler to install, so that many clones are without it. */
export const NO_SQLITE: string | null = await loadSqlite().then(
  () => null,
  (error: Error) => error.message,
);

/** Skips a test where better-sqlite3 can't be used, and says so; in CI that is a fault of the machine's set-up. */
export function needsSqlite(test: Mocha.Context): void {
  // This Node is one of several that the tests run on, and better-sqlite3 was built for another of them.
  if (NO_SQLITE !== null && process.env['GIT_KV_OTHER_NODE'] !== undefined) test.skip();
  if (NO_SQLITE !== null && process.env['GIT_KV_WITHOUT_SQLITE'] !== undefined)
    sayLeftOut(test, 'better-sqlite3, which could not be built');
  if (NO_SQLITE !== null) leaveOut(test, `${NO_SQLITE} (npm run with-sqlite)`);
}
