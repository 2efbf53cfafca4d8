import { loadNodegit } from '../../adapters/nodegit/library/load.js';
import { leaveOut } from './needs.js';

/** Why nodegit can't be used here; null where it can. It takes a compiler to install, so that many clones are without it. */
export const NO_NODEGIT: string | null = await loadNodegit().then(
  () => null,
  (error: Error) => error.message,
);

/** Skips a test where nodegit can't be used, and says so; in CI that is a fault of the machine's set-up. */
export function needsNodegit(test: Mocha.Context): void {
  if (NO_NODEGIT !== null) leaveOut(test, `${NO_NODEGIT} (npm run with-nodegit)`);
}
