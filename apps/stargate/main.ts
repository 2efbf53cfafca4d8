import type { ParseArgsConfig } from 'node:util';
import { KvError, toKvError } from '../../ports/error.js';
import { shownUrl } from '../../ports/grammar/network/shown-url.js';
import { EXIT_CODES } from '../exit-codes.js';
import { runServe } from './serve.js';
import { listenOption } from './endpoints.js';
import { runCluster } from './cluster/operator/command.js';
import { initJoining } from './cluster/init-join.js';
import { runBackup, runRestore } from './backup/command.js';
import { runCheck } from './check/command.js';
import { COMMON, NEW_REPOSITORY, parse, required, shown } from './command-line.js';
import { HELP, helpOf, VERB_NAMES } from './help.js';
import { runHostKey } from './host-key/command.js';
import { runJournal } from './journal/command.js';
import { runProfile } from './profile/command.js';
import { runRepo } from './root/command.js';
import { mirrorsByGit } from './stargate-profile.js';
import { initRepository } from './init.js';
import { complain, outputSaid, say, watchOutput } from './process/terminal.js';

const INIT = {
  ...COMMON,
  repo: { type: 'string' },
  ...NEW_REPOSITORY,
  profile: { type: 'string', default: 'embedded' },
  'initial-branch': { type: 'string' },
  'no-initial-branch': { type: 'boolean', default: false },
  'host-keys': { type: 'string' },
  join: { type: 'boolean', default: false },
} as const satisfies ParseArgsConfig['options'];

/** Runs `git-kv-stargate`; resolves with the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  watchOutput();
  try {
    const [first] = argv;
    const verb = first === undefined || first.startsWith('-') ? 'serve' : first;
    const args = verb === first ? argv.slice(1) : [...argv];
    if (verb !== first && args.some((each) => each === '--help' || each === '-h')) return await runHelp([]);
    const run = Object.hasOwn(RUN, verb) ? RUN[verb] : undefined;
    if (run === undefined) throw noVerb(verb);
    const code = await run(args);
    if (verb !== 'serve') await outputSaid(); // a daemon serves, whether or not its first lines were read
    return code;
  } catch (thrown) {
    const error = toKvError(thrown);
    complain(`error: ${error.message}\n${error.hint === undefined ? '' : `hint: ${error.hint}\n`}`);
    return EXIT_CODES[error.code];
  }
}

/** What runs each verb; gives the exit code. */
const RUN: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  init: runInit,
  serve: runServe,
  check: runCheck,
  backup: runBackup,
  restore: runRestore,
  'host-key': runHostKey,
  journal: runJournal,
  profile: runProfile,
  cluster: runCluster,
  repo: runRepo,
  help: runHelp,
};

function noVerb(verb: string): KvError {
  return new KvError('USAGE', `git-kv-stargate has no verb '${verb}'`, {
    hint: `it has ${VERB_NAMES.join(', ')} and help; see git-kv-stargate --help`,
  });
}

async function runHelp([verb]: readonly string[]): Promise<number> {
  const text = verb === undefined || verb.startsWith('-') ? HELP : helpOf(verb);
  if (text === undefined) throw noVerb(verb ?? '');
  say(text);
  return 0;
}

async function runInit(args: readonly string[]): Promise<number> {
  const values = parse(args, INIT);
  if (shown('init', values)) return 0;
  const { hash } = values;
  if (hash !== 'sha1' && hash !== 'sha256') throw new KvError('USAGE', `--hash is sha1 or sha256, not '${hash}'`);
  const byGit = values['mirror-remote'] !== undefined || (await mirrorsByGit(values));
  if (values.join) {
    const mirrorUrl = byGit ? required(values['mirror-remote'], '--mirror-remote') : null;
    const { gitDir, keys } = await initJoining({
      repo: required(values.repo, '--repo'),
      mirrorUrl,
      hash,
      hostKeys: values['host-keys'],
    });
    const lines = [`initialised ${gitDir}`, ...keys.map(({ type, fingerprint }) => `  host key  ${fingerprint}  ${type}`)];
    say(`${lines.join('\n')}\nnext: git-kv-stargate serve, with a profile that names the other servers of the cluster\n`);
    return 0;
  }
  const outcome = await initRepository({
    repo: required(values.repo, '--repo'),
    mirrorUrl: byGit ? required(values['mirror-remote'], '--mirror-remote') : null,
    ...(values['no-initial-branch'] ? {} : { initialBranch: values['initial-branch'] ?? null }),
    hash,
    pushUrl: values['push-url'] ?? null,
    admins: values.admin,
    writers: values.writer,
    readers: values.reader,
    namespaces: values.ns,
    hostKeys: values['host-keys'],
  });
  if (outcome.kind === 'unchanged') {
    say(`${outcome.gitDir}: already initialised, nothing changed\n`);
    return 0;
  }
  const { gitDir, adopted, mirror, pushUrl, hostKeys } = outcome;
  const lines = [
    `initialised ${gitDir}`,
    ...hostKeys.map(({ type, fingerprint }) => `  host key  ${fingerprint}  ${type}`),
    `  policy    ${gitDir}/.kv/policy.yaml`,
    mirrorLine(byGit, adopted.refs),
    ...(mirror.branch === null ? [] : [`            branch ${mirror.branch} begun, with a README`]),
    ...adopted.namespaces.map((ns) => `            namespace ${ns} verified`),
    pushUrl === null
      ? '  push_url  not set: put it into the policy before developers run git kv remote setup'
      : `  push_url  ${shownUrl(pushUrl)}`,
    `next: git-kv-stargate serve --repo ${gitDir}${values.profile === 'embedded' ? '' : ` --profile ${values.profile}`}${listenOption(pushUrl)}`,
  ];
  say(`${lines.join('\n')}\n`);
  for (const { message, hint } of mirror.warnings)
    complain(`warning: ${message}\n${hint === undefined ? '' : `hint: ${hint}\n`}`);
  return 0;
}

function mirrorLine(byGit: boolean, refs: number): string {
  if (!byGit) return "  mirror    the profile's, not asked";
  return refs === 0 ? '  mirror    reachable, nothing to take over' : `  mirror    ${refs} refs taken over`;
}
