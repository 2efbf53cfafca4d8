import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { KvError } from '../../../../ports/error.js';
import { PLACE, required, shown } from '../../command-line.js';
import { say } from '../../process/terminal.js';
import { settle } from '../../settings/settle.js';
import { change } from './change.js';
import { openNotedOperator, openOperator } from './operator.js';
import { runOnRoot } from './root-command.js';
import { shownStatus, statusOf } from './status.js';

const OPTIONS = { ...PLACE, json: { type: 'boolean' }, root: { type: 'string' }, 'repo-id': { type: 'string' } } as const;
const VERBS = ['status', 'add', 'remove', 'transfer-leadership'];

/** `git-kv-stargate cluster …`: asks the servers that the profile names; gives the exit code. */
export async function runCluster([verb = '', ...args]: readonly string[]): Promise<number> {
  if (verb === '--help' || verb === '-h') return shown('cluster', { help: true }) ? 0 : 1;
  const { values, positionals } = read(args);
  if (shown('cluster', values)) return 0;
  if (!VERBS.includes(verb)) throw usage(verb === '' ? 'cluster wants a verb' : `cluster has no verb '${verb}'`);
  const [server = null, address = null] = positionals;
  if (verb !== 'status' && server === null) throw usage(`cluster ${verb} wants the name of a server`);
  const { root } = values;
  if (root !== undefined && values.repo !== undefined) throw usage('--root is for many repositories, and --repo for one');
  if (root === undefined && values['repo-id'] !== undefined) throw usage('--repo-id goes with --root');
  const folder = resolve(root ?? required(values.repo, '--repo'));
  const { choice } = await settle(root === undefined ? folder : null, values);
  const operator = (await openOperator(choice, folder)) ?? (root === undefined ? null : await openNotedOperator(folder));
  if (operator === null)
    throw new KvError('CONFIG_INVALID', `the profile '${choice.profile}' names no peer-transport: it is of no cluster`, {
      ...(root === undefined ? {} : { hint: 'name the servers in a profile, or start the server with --peer (PEER_URLS) first' }),
    });
  const json = values.json === true;
  try {
    if (root !== undefined) return await runOnRoot(operator, { verb, server, address, repository: values['repo-id'], json });
    const repository = basename(folder, '.git');
    if (verb === 'status') {
      say(shownStatus(await statusOf(operator, repository), json));
      return 0;
    }
    const name = server ?? ''; // checked above
    await change(operator, repository, verb, name, address);
    const done = { add: `${name} is a member`, remove: `${name} is no member any more` }[verb] ?? `${name} is to lead`;
    say(json ? `${JSON.stringify({ ok: true })}\n` : `${done}\n`);
    return 0;
  } finally {
    await operator.close();
  }
}

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: true });
  } catch (cause) {
    throw usage((cause as Error).message.split('\n')[0] ?? 'bad options');
  }
}

const usage = (what: string): KvError =>
  new KvError('USAGE', what, { hint: `git-kv-stargate cluster ${VERBS.join('|')} [SERVER [URL]] --repo P, or --root DIR` });
