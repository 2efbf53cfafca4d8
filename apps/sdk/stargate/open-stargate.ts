import type { Clone } from '../../../domain/client/clone/clone.js';
import { interrupted } from '../../../domain/client/clone/calls/cancellation.js';
import { sessionOf } from '../../../domain/client/sequence/sessions.js';
import { unlessInterrupted } from '../../../ports/unless-interrupted.js';
import { lastOfEach } from '../../../domain/client/write/operations.js';
import { type Prepared, prepareOperations } from '../../../domain/client/write/linear/prepare.js';
import { writeIntent } from '../../../domain/client/write/sequenced/write-intent.js';
import { quoteKey } from '../../../domain/ledger/value/key.js';
import { type Composition, openProfile } from '../../../plugins/host/index.js';
import type { Chunker } from '../../../ports/chunker.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import { isNamespace, NAMESPACE_RULE } from '../../../ports/grammar/namespace.js';
import { parseSshUrl } from '../../../ports/grammar/network/ssh-url.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { IntentStream } from '../../../ports/clone/intent-stream.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import type { Receipt } from '../api/write.js';
import { type Call, Calls } from '../open/calls.js';
import { namespaceOf, optionsOf, wrong } from '../open/options.js';
import type { Source } from '../open/source.js';
import { type Request, requestOf, writingBy } from '../open/writing.js';
import type { OpenStargateOptions, Stargate } from './api.js';
import { expectedHost } from './host-keys.js';
import { WITHOUT_GIT } from './no-clone.js';
import { PassingStore } from './passing-store.js';
import { type WriterKey, writerKey } from './private-key.js';
import { SshConnection, type SshWay } from './ssh-connection.js';

const SSH_PORT = 22;

/**
 * Opens a Stargate: connects, and learns which repository it has. Throws `USAGE`, `CONFIG_INVALID` for a key that can't be read; `IO_ERROR`
 * when it can't be reached, doesn't know the key, or shows a host key that is not the known one; `NOT_LEADER`, and `INTERRUPTED`.
 *
 * @example
 * await using stargate = await openStargate({ url: 'ssh://kv.example.org/kv.git', key: '/home/ci/.ssh/id_ed25519', author: 'CI <ci@example.org>' });
 * await Promise.all(results.map(({ name, passed }) => stargate.set(`ci:${name}`, String(passed))));
 */
export async function openStargate(options: OpenStargateOptions): Promise<Stargate> {
  const { env = { ...process.env }, namespace: ns = 'main', signal } = optionsOf(options);
  if (!isNamespace(ns)) throw wrong('namespace', 'the name of a namespace', `a namespace is ${NAMESPACE_RULE}`);
  const author = authorOf(options.author, env);
  const composition = await openProfile('client', { directory: process.cwd(), env });
  try {
    const key = await writerKey(options.key, options.passphrase);
    const intents = streamsOf(await wayOf({ ...options, env }, key));
    try {
      const opening = sessionOf({ intents, ...(await partsOf(composition, 'sha1', author, key)) });
      const greeting = await unlessInterrupted(Promise.resolve(opening?.greeting), signal, interrupted);
      if (greeting === undefined) throw new KvError('UNEXPECTED', 'a Stargate was opened without a stream');
      const clone: Clone = { ...(await partsOf(composition, greeting.format, author, key)), intents };
      const calls = new Calls(clone, 'Stargate');
      const objects = new PassingStore(clone.store);
      let closing: Promise<void> | null = null;
      const close = (): Promise<void> =>
        (closing ??= calls.close().then(async () => {
          await intents.close?.();
          await composition.close();
        }));
      return {
        ...{ ns, objectFormat: greeting.format, repository: greeting.repository, close, [Symbol.asyncDispose]: close },
        ...writingBy((plan, wishes) =>
          calls.run(wishes.signal, async (call) => {
            const sources: Source[] = [];
            const { store, leave } = objects.enter();
            try {
              const own = { ...call, clone: { ...call.clone, store } };
              return await land(own, namespaceOf(wishes, { ns }), requestOf(own, plan, wishes, sources));
            } finally {
              leave();
              for (const source of sources) await source.close();
            }
          }),
        ),
      };
    } catch (error) {
      await intents.close?.();
      throw error;
    }
  } catch (error) {
    await composition.close();
    throw toKvError(error);
  }
}

/** Has one transaction ordered. */
async function land({ clone, cancellation }: Call, ns: string, request: Request): Promise<Receipt> {
  cancellation.check(); // from here on the transaction may be sent
  if (request.wait === true || request.dryRun === true)
    throw new KvError('NOT_SUPPORTED', 'wait and dryRun take a clone', { hint: 'open a clone for it' });
  const ports = await clone.forWriting();
  const { kept, repeated } = lastOfEach(request.operations);
  const warnings = repeated.map((key) => `key ${quoteKey(key)} stands there more than once: the last operation wins`);
  let prepared: Promise<Prepared> | undefined;
  const receipt = await writeIntent(clone, ports, {
    request: { ...request, ns },
    ...{ kept, warnings },
    prepare: (policy, chunks) =>
      (prepared ??= prepareOperations(clone, ports, { ns, policy, maxInline: request.maxInline, chunks }, kept)),
  }).catch((error: unknown) => {
    throw ofLinear(error) ?? error;
  });
  return { ...receipt, visible: null };
}

/** The refusal of a namespace that takes no intents, with a hint for who has no clone; anything else: nothing. */
function ofLinear(error: unknown): KvError | undefined {
  if (!KvError.is(error) || error.details?.['ledger_mode'] !== 'linear') return undefined;
  const hint = 'open a clone to write to it: only sequenced namespaces are written without one';
  return new KvError(error.code, error.message, { cause: error, hint, details: error.details });
}

/** All that a clone is made of but its streams, with an empty store in memory. */
async function partsOf(composition: Composition, objectFormat: ObjectFormat, author: string, key: WriterKey): Promise<Clone> {
  const hasher = await composition.get<Hasher>('hasher');
  return {
    ...WITHOUT_GIT,
    hasher,
    store: await composition.open<GitStore>('git-store', 'git-memory', { objectFormat }),
    clock: await composition.get<Clock>('clock'),
    config: { get: () => undefined, all: () => [], names: () => [], identity: async () => author },
    forWriting: async () => ({
      signer: key,
      hasher,
      randomness: await composition.get<Randomness>('randomness'),
      chunkerFor: ({ mode, ...parameters }) => composition.open<Chunker>('chunker', `chunker-${mode}`, parameters),
    }),
  };
}

async function wayOf(options: OpenStargateOptions, { login }: WriterKey): Promise<SshWay> {
  const address = typeof options.url === 'string' ? parseSshUrl(options.url) : undefined;
  if (address === undefined) throw wrong('url', 'the SSH address of a Stargate, such as ssh://git@kv.example.org:2222/kv.git');
  const port = address.port ?? SSH_PORT;
  return { address, port, login, host: await expectedHost(options, address.host, port) };
}

/** Connections of this process, each made as it is asked for. */
function streamsOf(way: SshWay): IntentStream {
  const connections = new Set<SshConnection>();
  return {
    async open() {
      for (const one of connections) if (!one.usable) connections.delete(one);
      const connection = new SshConnection(way);
      connections.add(connection);
      return connection;
    },
    async close() {
      for (const connection of connections) connection.close();
    },
  };
}

function authorOf(author: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  const [name, mail] = [env['GIT_AUTHOR_NAME'], env['GIT_AUTHOR_EMAIL']];
  const said = author ?? (name === undefined || mail === undefined ? undefined : `${name} <${mail}>`);
  if (said !== undefined && /^[^<>\n\0]+ <[^<>\s\0]+>$/.test(said)) return said;
  throw wrong('author', "'Name <mail>'", 'give author, or GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL in env');
}
