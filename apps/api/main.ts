import { parseArgs } from 'node:util';
import { KvError, toKvError } from '../../ports/error.js';
import { EXIT_CODES } from '../exit-codes.js';
import { apiLog } from './requests/log.js';
import { checkPlaces } from './server/check-places.js';
import { openApi } from './server/serve.js';
import { productVersion } from '../product-version.js';
import { readSettings } from './settings.js';
import { complain, say } from './terminal.js';

const HELP = `git-kv-api: Git repositories in memory, over HTTP

  --config FILE    settings, in YAML (or GIT_KV_API_CONFIG)
  --check-config   say whether the settings are good, and end
  --version        which version this is
  --help           this

Settings stand in the file and in the environment: see docs/API.md.
`;

/** How long requests at hand may take once the process is asked to end, ms. */
const GRACE = 10_000;

/** Runs until it is asked to end; gives the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const flags = flagsOf(argv);
    if (flags.help === true || flags.version === true) {
      say(flags.help === true ? HELP : `git-kv-api ${productVersion()}\n`);
      return 0;
    }
    const { env } = process;
    const settings = await readSettings(env, flags.config ?? (env['GIT_KV_API_CONFIG'] || undefined));
    if (flags['check-config'] === true) {
      await checkPlaces(settings);
      say('the settings are good\n');
      return 0;
    }
    const log = apiLog(settings, (line) => void complain(line), Date.now);
    const toldPassword = (password: string): void =>
      void say(`The user 'admin' was created. Its password is shown this once: ${password}\n`);
    const api = await openApi({ settings, env, log, toldPassword });
    try {
      const listener = await api.listen();
      const host = listener.host.includes(':') ? `[${listener.host}]` : listener.host;
      if (settings.data === '') log('WARN', 'without a data folder nothing outlives this process', {});
      say(`git-kv-api ${productVersion()} listens on http://${host}:${listener.port}\n`);
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
      });
      await listener.close(GRACE);
    } finally {
      await api.close();
    }
    return 0;
  } catch (thrown) {
    const { code, message, hint } = toKvError(thrown);
    complain(`error: ${message}\n${hint === undefined ? '' : `hint: ${hint}\n`}`);
    return EXIT_CODES[code];
  }
}

function flagsOf(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        config: { type: 'string' },
        'check-config': { type: 'boolean' },
        version: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (cause) {
    throw new KvError('USAGE', (cause as Error).message, { cause, hint: '--help shows what there is' });
  }
}
