import { doorOptions, reportError } from './render/report-error.js';
import { runFast } from './fast/fast.js';
import { hoistGlobals } from './parse/hoist.js';
import { print, watchPipe } from './io/terminal.js';
import { productVersion } from '../product-version.js';

/** Runs one command line; gives the exit code. What scripts call in loops takes, in its usual form, a way that loads no oclif. */
export async function main(args: readonly string[]): Promise<number> {
  watchPipe();
  try {
    if (args[0] === '__complete') {
      const { runComplete } = await import('./fast/complete.js');
      await runComplete(args.slice(1));
      return 0;
    }
    const argv = hoistGlobals(args);
    if (argv[0] === '--version' || argv[0] === '-V') {
      await print(`git-kv ${productVersion()}\n`);
      return 0;
    }
    if (await runFast(argv)) return 0;
    const { runOclif } = await import('./run/run.js');
    return await runOclif(argv);
  } catch (error) {
    return await reportError(error, doorOptions(args));
  }
}
