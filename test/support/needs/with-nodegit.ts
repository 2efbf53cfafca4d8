import { loadNodegit } from '../../../adapters/nodegit/library/load.js';
import { leaveOut, sayLeftOut } from './needs.js';

/** Why nodegit can't be used here; null where it can. It takes a compiler to install, so that many clones are without it. */
export const NO_NODEGIT: string | null = await loadNodegit().then(
  () => null,
  (error: Error) => error.message,
);

/** This Node is one of several that the tests run on (npm run test:nodes), and nodegit was built for another of them. */
export const BUILT_FOR_ANOTHER_NODE = NO_NODEGIT !== null && process.env['GIT_KV_OTHER_NODE'] !== undefined;

/** Skips a test where nodegit can't be used, and says so; in CI that is a fault of the machine's set-up. */
export function needsNodegit(test: Mocha.Context): void {
  if (BUILT_FOR_ANOTHER_NODE) test.skip();
  if (NO_NODEGIT !== null && process.env['GIT_KV_WITHOUT_NODEGIT'] !== undefined)
    sayLeftOut(test, 'nodegit, which could not be built');
  if (NO_NODEGIT !== null) leaveOut(test, `${NO_NODEGIT} (npm run with-nodegit)`);
}
