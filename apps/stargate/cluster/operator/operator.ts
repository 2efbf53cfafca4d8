import { isClusterStatus } from '../../../../domain/admin/cluster-status.js';
import { isCount, isFlag, isObject } from '../../../../domain/admin/fields.js';
import { isRootStatus } from '../../../../domain/admin/root-status.js';
import { openProfile, type Profile } from '../../../../plugins/host/index.js';
import { KvError, toKvError } from '../../../../ports/error.js';
import { PEER_OPERATOR, type PeerTransport } from '../../../../ports/stargate/peer-transport.js';
import { ownEnv } from '../../process/environment.js';
import { chooseProfile, type ProfileChoice } from '../../stargate-profile.js';
import type { ControlAnswer, ControlRequest } from '../control.js';
import { TOPICS } from '../peers/dispatch.js';
import { readWay } from '../peers/peers-way.js';
import type { RootAnswer, RootRequest } from '../root-requests.js';

/** What asks the servers of a cluster in the name of whoever runs them. */
export interface Operator {
  /** Asks about one repository, by its name in the cluster. Throws what the servers do; `IO_ERROR` where none can be reached. */
  ask(repository: string, request: ControlRequest): Promise<ControlAnswer>;
  /** Asks about all repositories of a root. `server`: that one, and no other. */
  askRoot(request: RootRequest, server?: string): Promise<RootAnswer>;
  close(): Promise<void>;
}

/** Creating a repository takes git a second or two on a busy machine, on each server. ms. */
const PATIENCE_MS = 20_000;

/** Opens the way to the servers that a profile names; null where it names none. Throws `CONFIG_INVALID`. */
export async function openOperator(choice: ProfileChoice, directory: string): Promise<Operator | null> {
  const profile = await chooseProfile(choice);
  const peers = profile.adapters['peer-transport'];
  if (peers === undefined) return null;
  const mine = peers.config?.['self'];
  const as = { path: ['peer-transport', 'self'], text: PEER_OPERATOR, place: { source: 'flag', where: 'cluster' } } as const;
  return openFor(
    await chooseProfile({ ...choice, changes: [...(choice.changes ?? []), as] }),
    directory,
    typeof mine === 'string' ? [mine] : [],
  );
}

/** Opens the way to servers that no profile names, as the one that serves this root has noted it; null where none has. Throws `FORMAT_UNSUPPORTED`. */
export async function openNotedOperator(root: string): Promise<Operator | null> {
  const way = await readWay(root);
  if (way === null) return null;
  const profile: Profile = {
    ...{ name: 'cluster', file: 'cluster', plugins: [] },
    adapters: { 'peer-transport': { use: 'peer-http', line: 1, wrap: [], config: { self: PEER_OPERATOR, ...way } } },
  };
  return openFor(profile, root, Object.keys(way.servers));
}

/** `first` are asked before the others. */
async function openFor(profile: Profile, directory: string, first: readonly string[]): Promise<Operator> {
  const composition = await openProfile(profile, { directory, env: ownEnv() });
  try {
    const transport = await composition.get<PeerTransport>('peer-transport');
    const servers = [...new Set([...first, ...transport.servers])].filter((name) => name !== PEER_OPERATOR);
    return {
      ask: async (repository, request) => controlAnswerIn(await askOne(transport, servers, repository, request)),
      askRoot: async (request, server) =>
        rootAnswerIn(await askOne(transport, server === undefined ? servers : [server], '', request)),
      close: () => composition.close(),
    };
  } catch (error) {
    await composition.close();
    throw error;
  }
}

/** Asks the servers in turn, until one can be reached. */
async function askOne(
  transport: PeerTransport,
  servers: readonly string[],
  repository: string,
  request: ControlRequest | RootRequest,
): Promise<unknown> {
  let failed = new KvError('CONFIG_INVALID', 'the profile names no server');
  const asked = { topic: TOPICS.control, repository, body: Buffer.from(JSON.stringify(request)) };
  for (const server of servers) {
    try {
      const { body, stream } = await transport.call(server, asked, { withinMs: PATIENCE_MS });
      for await (const _ of stream); // it has none: its end is read
      return JSON.parse(Buffer.from(body).toString('utf8'));
    } catch (error) {
      failed = toKvError(error);
      if (failed.code !== 'IO_ERROR') throw failed;
    }
  }
  throw failed;
}

function controlAnswerIn(value: unknown): ControlAnswer {
  if (isObject(value) && isClusterStatus(value['status'])) return { status: value['status'] };
  if (isObject(value) && (value['pending'] === null || typeof value['pending'] === 'string'))
    return { pending: value['pending'] };
  throw unknownAnswer();
}

function rootAnswerIn(value: unknown): RootAnswer {
  if (isObject(value) && isRootStatus(value['root'])) return { root: value['root'] };
  if (isObject(value) && isCount(value['confirmed']) && isFlag(value['replicated']))
    return { confirmed: value['confirmed'], replicated: value['replicated'] };
  if (isObject(value) && value['done'] === true) return { done: true };
  throw unknownAnswer();
}

const unknownAnswer = (): KvError =>
  new KvError('FORMAT_UNSUPPORTED', 'a server answered what this version does not know', { hint: 'update git-kv-stargate' });
