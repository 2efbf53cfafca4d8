import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type ClusterStatus, isClusterStatus } from '../../../domain/admin/cluster-status.js';
import { isObject } from '../../../domain/admin/fields.js';
import { openProfile } from '../../../plugins/host/index.js';
import { KvError, toKvError } from '../../../ports/error.js';
import { PEER_OPERATOR, type PeerTransport } from '../../../ports/stargate/peer-transport.js';
import { PLACE, required, shown } from '../command-line.js';
import { ownEnv } from '../process/environment.js';
import { say } from '../process/terminal.js';
import { settle } from '../settings/settle.js';
import { chooseProfile } from '../stargate-profile.js';
import type { ControlAnswer, ControlRequest } from './control.js';
import { TOPICS } from './dispatch.js';

const OPTIONS = { ...PLACE, json: { type: 'boolean' } } as const;
const VERBS = ['status', 'add', 'remove', 'transfer-leadership'];
/** How long a server that is added may take to come level, ms. */
const PATIENCE_MS = 120_000;
const LOOK_MS = 300;

/** `git-kv-stargate cluster …`: asks the servers that the profile names; gives the exit code. */
export async function runCluster([verb = '', ...args]: readonly string[]): Promise<number> {
  if (verb === '--help' || verb === '-h') return shown('cluster', { help: true }) ? 0 : 1;
  const { values, positionals } = read(args);
  if (shown('cluster', values)) return 0;
  if (!VERBS.includes(verb)) throw usage(verb === '' ? 'cluster wants a verb' : `cluster has no verb '${verb}'`);
  const [server, address] = positionals;
  if (verb !== 'status' && server === undefined) throw usage(`cluster ${verb} wants the name of a server`);
  const gitDir = resolve(required(values.repo, '--repo'));
  const { choice } = await settle(gitDir, values);
  const profile = await chooseProfile(choice);
  const peers = profile.adapters['peer-transport'];
  if (peers === undefined)
    throw new KvError('CONFIG_INVALID', `the profile '${profile.name}' names no peer-transport: it is of no cluster`);
  const mine = peers.config?.['self'];
  const as = { path: ['peer-transport', 'self'], text: PEER_OPERATOR, place: { source: 'flag', where: 'cluster' } } as const;
  const composition = await openProfile(await chooseProfile({ ...choice, changes: [...(choice.changes ?? []), as] }), {
    directory: gitDir,
    env: ownEnv(),
  });
  try {
    const transport = await composition.get<PeerTransport>('peer-transport');
    const first = typeof mine === 'string' ? [mine] : [];
    const servers = [...new Set([...first, ...transport.servers])].filter((name) => name !== PEER_OPERATOR);
    const ask = (request: ControlRequest): Promise<ControlAnswer> =>
      askOne(transport, servers, basename(gitDir, '.git'), request);
    if (verb === 'status') {
      const answer = await ask({ verb: 'status' });
      if (!('status' in answer)) throw new KvError('UNEXPECTED', 'a server answered with no status');
      say(values.json === true ? `${JSON.stringify({ ok: true, cluster: answer.status })}\n` : statusText(answer.status));
      return 0;
    }
    const name = server as string; // checked above
    const answer = await ask(
      verb === 'add'
        ? { verb: 'add', server: name, address: address ?? null }
        : { verb: verb === 'remove' ? 'remove' : 'transfer', server: name },
    );
    await ended(answer, ask);
    const done = { add: `${name} is a member`, remove: `${name} is no member any more` }[verb] ?? `${name} is to lead`;
    say(values.json === true ? `${JSON.stringify({ ok: true })}\n` : `${done}\n`);
    return 0;
  } finally {
    await composition.close();
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
  new KvError('USAGE', what, { hint: `git-kv-stargate cluster ${VERBS.join('|')} [SERVER [URL]] --repo P` });

/** Asks the servers in turn, until one can be reached. */
async function askOne(
  transport: PeerTransport,
  servers: readonly string[],
  repository: string,
  request: ControlRequest,
): Promise<ControlAnswer> {
  let failed = new KvError('CONFIG_INVALID', 'the profile names no server');
  for (const server of servers) {
    try {
      const { body, stream } = await transport.call(server, {
        topic: TOPICS.control,
        repository,
        body: Buffer.from(JSON.stringify(request)),
      });
      for await (const _ of stream); // it has none: its end is read
      return answerIn(body);
    } catch (error) {
      failed = toKvError(error);
      if (failed.code !== 'IO_ERROR') throw failed;
    }
  }
  throw failed;
}

function answerIn(body: Uint8Array): ControlAnswer {
  const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
  if (isObject(value) && isClusterStatus(value['status'])) return { status: value['status'] };
  if (isObject(value) && (value['pending'] === null || typeof value['pending'] === 'string'))
    return { pending: value['pending'] };
  throw new KvError('FORMAT_UNSUPPORTED', 'a server answered what this version does not know', {
    hint: 'update git-kv-stargate',
  });
}

async function ended(answer: ControlAnswer, ask: (request: ControlRequest) => Promise<ControlAnswer>): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (let now = answer; 'pending' in now && now.pending !== null; now = await ask({ verb: 'outcome', id: now.pending })) {
    if (performance.now() > until)
      throw new KvError('BUSY', 'the change is still under way', { hint: 'see git-kv-stargate cluster status' });
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
}

function statusText({ peers, members, ...status }: ClusterStatus): string {
  const facts = Object.entries({ ...status, members: members.join(', ') });
  const width = Math.max(...facts.map(([name]) => name.length)) + 2;
  const lines = facts.map(([name, value]) => `${`${name}:`.padEnd(width)}${value ?? '-'}`);
  const others = peers.map(({ server, at, unreachable, diverged }) =>
    [`  ${server}`, at === null ? '-' : `at ${at}`, diverged ?? unreachable ?? 'reachable'].join('  '),
  );
  return `${[...lines, 'peers:', ...others].join('\n')}\n`;
}
