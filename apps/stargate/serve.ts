import { resolve } from 'node:path';
import type { ParseArgsConfig } from 'node:util';
import { KvError } from '../../ports/error.js';
import { blamed, type FoundPlugin } from '../../plugins/host/index.js';
import { EXIT_CODES } from '../exit-codes.js';
import { parse, PLACE, required, shown } from './command-line.js';
import { type Endpoint, parseEndpoint, showEndpoint } from './endpoints.js';
import { formatLine, ndjsonLog } from './log/log.js';
import { steadySink, toStandardError } from './log/log-sink.js';
import { lastResort } from './process/last-resort.js';
import { say } from './process/terminal.js';
import { serveRoot } from './root/serve-root.js';
import type { Daemon } from './serving/listeners.js';
import { serveOne } from './serving/serve-one.js';
import { type Setting, settle } from './settings/settle.js';

const SERVE = {
  ...PLACE,
  'listen-ssh': { type: 'string' },
  'listen-http': { type: 'string' },
  'sample-size': { type: 'string' },
  root: { type: 'string' },
  'max-open': { type: 'string' },
} as const satisfies ParseArgsConfig['options'];

/** For the pushes at hand, when the daemon ends since something has gone wrong inside. */
const LAST_RESORT_MS = 10_000;
/** So many repositories of a root are open at a time, unless it is said otherwise. */
const MAX_OPEN = 32;

/** Runs `git-kv-stargate serve`; resolves with the exit code. */
export async function runServe(args: readonly string[]): Promise<number> {
  const values = parse(args, SERVE);
  if (shown('serve', values)) return 0;
  const { root } = values;
  if (root !== undefined) refuseWithRoot(values);
  const place = root === undefined ? resolve(required(values.repo, '--repo')) : null;
  const { settings, choice } = await settle(place, values);
  const sampleSize = countOf(settings['sample-size']);
  const lost = (lines: number): string => `${formatLine('error', Date.now(), 'log.lost', { lines })}\n`;
  const log = ndjsonLog(steadySink(toStandardError(), lost), Date.now);
  let interrupt: () => void = () => undefined;
  const interrupted = new Promise<void>((resolve) => {
    interrupt = resolve;
  });
  // Before anything starts, so that a signal during start-up ends in a clean stop too.
  process.on('SIGTERM', interrupt).on('SIGINT', interrupt);
  const plugins = new Map<string, FoundPlugin>();
  const giveUp = (): void => process.exit(EXIT_CODES.UNEXPECTED);
  const { broken, isBroken } = lastResort(
    process,
    log,
    giveUp,
    LAST_RESORT_MS,
    (thrown) => blamed(thrown, [...plugins.values()])?.id,
  );
  void broken.then(interrupt);
  const common = {
    listenSsh: endpointOf(settings['listen-ssh']),
    listenHttp: endpointOf(settings['listen-http']),
    ...{ sampleSize, log, onPlugin: (plugin: FoundPlugin) => void plugins.set(plugin.file, plugin) },
  };
  const daemon =
    place === null
      ? await serveRoot({
          ...{ ...common, choice, root: required(root, '--root'), most: countOf(maxOpen(values['max-open'])) },
          choiceOf: async (gitDir) => (await settle(gitDir, values)).choice,
        })
      : await serveOne({ ...common, ...choice, repo: place, policyPath: settings['policy-path'].value });
  const lines = [
    `ssh   ${showEndpoint(daemon.ssh)}`,
    `http  http://${showEndpoint(daemon.http)}`,
    ...roleOf(daemon),
    ...daemon.hostKeys.map(({ fingerprint, type, state }) => `key   ${fingerprint}  ${type}${state === 'next' ? ', next' : ''}`),
  ];
  say(`${lines.join('\n')}\n`);
  await interrupted;
  await daemon.stop();
  return isBroken() ? EXIT_CODES.UNEXPECTED : 0;
}

function endpointOf({ value = '', place }: Setting): Endpoint {
  return parseEndpoint(value, place.where);
}

/** A positive number. Throws `USAGE`, `CONFIG_INVALID` where no flag says it. */
function countOf({ value, place }: Setting): number {
  const count = Number(value);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  const code = place.source === 'flag' ? 'USAGE' : 'CONFIG_INVALID';
  throw new KvError(code, `${place.where} wants a positive number, and got '${value}'`);
}

const maxOpen = (value: string | undefined): Setting => ({
  value: value ?? String(MAX_OPEN),
  place: { source: 'flag', where: '--max-open' },
});

function roleOf({ leadership }: Daemon): readonly string[] {
  if (leadership === null) return [];
  return [`role  ${leadership.leader ? 'leader' : `standby: the leader is ${leadership.holder ?? 'nobody'}`}`];
}

/** Of many repositories, each has its own policy and mirror. Throws `USAGE`. */
function refuseWithRoot(values: Readonly<Record<string, unknown>>): void {
  for (const flag of ['repo', 'policy-path', 'mirror-remote']) {
    if (values[flag] === undefined) continue;
    throw new KvError('USAGE', `--${flag} is for one repository, and --root serves all below a folder`, {
      hint:
        flag === 'repo'
          ? 'give one of the two'
          : "each has its own: see its policy file and its git config's stargate.* settings",
    });
  }
}
