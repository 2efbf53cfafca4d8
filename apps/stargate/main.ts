import { parseArgs, type ParseArgsConfig } from 'node:util';
import { KvError, toKvError } from '../../ports/error.js';
import { shownUrl } from '../../ports/grammar/shown-url.js';
import { EXIT_CODES } from '../exit-codes.js';
import { serve } from './serve.js';
import { parseEndpoint, portOfSshUrl, showEndpoint } from './endpoints.js';
import { HELP } from './help.js';
import { initRepository } from './init.js';
import { formatLine, ndjsonLog } from './log.js';
import { steadySink, toStandardError } from './log-sink.js';
import { productVersion } from './version.js';

const COMMON = { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } } as const;

const INIT = {
  ...COMMON,
  repo: { type: 'string' },
  'mirror-remote': { type: 'string' },
  hash: { type: 'string', default: 'sha1' },
  'push-url': { type: 'string' },
  admin: { type: 'string', multiple: true, default: [] },
  writer: { type: 'string', multiple: true, default: [] },
  reader: { type: 'string', multiple: true, default: [] },
  ns: { type: 'string', multiple: true, default: ['main'] },
} as const satisfies ParseArgsConfig['options'];

const SERVE = {
  ...COMMON,
  repo: { type: 'string' },
  profile: { type: 'string', default: 'embedded' },
  'listen-ssh': { type: 'string', default: '127.0.0.1:2222' },
  'listen-http': { type: 'string', default: '127.0.0.1:9419' },
  'policy-path': { type: 'string' },
  'mirror-remote': { type: 'string' },
  'sample-size': { type: 'string', default: '32' },
  plugin: { type: 'string', multiple: true, default: [] },
} as const satisfies ParseArgsConfig['options'];

/** Runs `git-kv-stargate`; resolves with the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const [first] = argv;
    const verb = first === undefined || first.startsWith('-') ? 'serve' : first;
    const args = verb === first ? argv.slice(1) : [...argv];
    if (verb === 'init') return await runInit(args);
    if (verb === 'serve') return await runServe(args);
    throw new KvError('USAGE', `git-kv-stargate has no verb '${verb}'`, {
      hint: 'it has init and serve; see git-kv-stargate --help',
    });
  } catch (thrown) {
    const error = toKvError(thrown);
    process.stderr.write(`error: ${error.message}\n${error.hint === undefined ? '' : `hint: ${error.hint}\n`}`);
    return EXIT_CODES[error.code];
  }
}

async function runInit(args: readonly string[]): Promise<number> {
  const values = parse(args, INIT);
  if (shown(values)) return 0;
  const { hash } = values;
  if (hash !== 'sha1' && hash !== 'sha256') throw new KvError('USAGE', `--hash is sha1 or sha256, not '${hash}'`);
  const outcome = await initRepository({
    repo: required(values.repo, '--repo'),
    mirrorUrl: required(values['mirror-remote'], '--mirror-remote'),
    hash,
    pushUrl: values['push-url'] ?? null,
    admins: values.admin,
    writers: values.writer,
    readers: values.reader,
    namespaces: values.ns,
  });
  if (outcome.kind === 'unchanged') {
    process.stdout.write(`${outcome.gitDir}: already initialised, nothing changed\n`);
    return 0;
  }
  const { gitDir, adopted, pushUrl, fingerprint } = outcome;
  const port = pushUrl === null ? undefined : portOfSshUrl(pushUrl);
  const listen = port === undefined ? '' : ` --listen-ssh 0.0.0.0:${port}`;
  const lines = [
    `initialised ${gitDir}`,
    `  host key  ${fingerprint}`,
    `  policy    ${gitDir}/.kv/policy.yaml`,
    adopted.refs === 0 ? '  mirror    reachable, nothing to take over' : `  mirror    ${adopted.refs} refs taken over`,
    ...adopted.namespaces.map((ns) => `            namespace ${ns} verified`),
    pushUrl === null
      ? '  push_url  not set: put it into the policy before developers run git kv remote setup'
      : `  push_url  ${shownUrl(pushUrl)}`,
    `next: git-kv-stargate serve --repo ${gitDir}${listen}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

async function runServe(args: readonly string[]): Promise<number> {
  const values = parse(args, SERVE);
  if (shown(values)) return 0;
  const sampleSize = Number(values['sample-size']);
  if (!Number.isSafeInteger(sampleSize) || sampleSize < 1) {
    throw new KvError('USAGE', `--sample-size wants a positive number, and got '${values['sample-size']}'`);
  }
  const lost = (lines: number): string => `${formatLine('error', Date.now(), 'log.lost', { lines })}\n`;
  const log = ndjsonLog(steadySink(toStandardError(), lost), Date.now);
  let interrupt: () => void = () => undefined;
  const interrupted = new Promise<void>((resolve) => {
    interrupt = resolve;
  });
  // Before anything starts, so that a signal during start-up ends in a clean stop too.
  process.on('SIGTERM', interrupt).on('SIGINT', interrupt);
  const daemon = await serve({
    repo: required(values.repo, '--repo'),
    profile: values.profile,
    listenSsh: parseEndpoint(values['listen-ssh'], '--listen-ssh'),
    listenHttp: parseEndpoint(values['listen-http'], '--listen-http'),
    policyPath: values['policy-path'],
    mirrorRemote: values['mirror-remote'],
    sampleSize,
    plugins: values.plugin,
    log,
  });
  const { leader, holder } = daemon.leadership;
  const role = leader ? 'leader' : `standby: the leader is ${holder ?? 'nobody'}`;
  process.stdout.write(`ssh   ${showEndpoint(daemon.ssh)}\nhttp  http://${showEndpoint(daemon.http)}\nrole  ${role}\n`);
  await interrupted;
  await daemon.stop();
  return 0;
}

function parse<T extends NonNullable<ParseArgsConfig['options']>>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    throw new KvError('USAGE', (cause as Error).message.split('\n')[0]?.replace(/^./, (c) => c.toLowerCase()) ?? 'bad options', {
      cause,
      hint: 'see git-kv-stargate --help',
    });
  }
}

function shown(values: { help?: boolean | undefined; version?: boolean | undefined }): boolean {
  if (values.help === true) process.stdout.write(HELP);
  else if (values.version === true) process.stdout.write(`git-kv-stargate ${productVersion()}\n`);
  else return false;
  return true;
}

function required(value: string | undefined, option: string): string {
  if (value !== undefined && value !== '') return value;
  throw new KvError('USAGE', `${option} is missing`, { hint: 'see git-kv-stargate --help' });
}
