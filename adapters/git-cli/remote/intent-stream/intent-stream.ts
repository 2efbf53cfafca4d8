import { resolve } from 'node:path';
import { KvError } from '../../../../ports/error.js';
import { shownUrl } from '../../../../ports/grammar/network/shown-url.js';
import type { IntentConnection, IntentStream } from '../../../../ports/clone/intent-stream.js';
import { type Environment, type GitPlace, gitPlace } from '../../process/run-git.js';
import { type ConfiguredValues, configuredAt, stargateUrl } from '../remote-url.js';
import { rewritten } from '../rewritten-url.js';
import { shellQuote } from '../ssh/shell-quote.js';
import { sshAddress } from '../ssh/ssh-address.js';
import { sshArguments, sshCommandLine, sshProgram } from '../ssh/ssh-program.js';
import { SshIntentConnection } from './connection.js';

/** Whose remotes are written to, and the environment that ssh runs in. */
export interface IntentStreamOptions {
  /** The Git directory, or a folder to look for one from. */
  readonly directory: string;
  readonly env: Environment;
  /** The clone's configuration, as it was read once for all; without it, it is read again for each connection. */
  readonly config?: Promise<ConfiguredValues>;
}

/** Streams of intents over ssh as git would start it, with every URL and ssh setting of the user's. No process until the first of them. */
export function openIntentStream({ directory, env, config }: IntentStreamOptions): IntentStream {
  config?.catch(() => undefined); // said when a connection is asked for
  const place = gitPlace(resolve(directory), env);
  return new SshIntentStream(place, () => config ?? configuredAt(place));
}

class SshIntentStream implements IntentStream {
  private readonly connections = new Set<SshIntentConnection>();

  constructor(
    private readonly place: GitPlace,
    private readonly config: () => Promise<ConfiguredValues>,
  ) {}

  async open(remote: string): Promise<IntentConnection> {
    const { place } = this;
    const config = await this.config();
    const url = stargateUrl(config, remote);
    checkOurs(place, config, remote, url);
    const there = config.names().some((name) => REWRITES.test(name)) ? await rewritten(place, url) : url;
    const address = sshAddress(there);
    const ssh = sshProgram(place.env, config);
    const way = sshCommandLine(ssh, [...(await sshArguments(place, ssh, address)), `git-kv-intents ${shellQuote(address.path)}`]);
    const connection = new SshIntentConnection(place, way, url);
    this.connections.add(connection);
    void connection.over.then(() => this.connections.delete(connection));
    return connection;
  }

  async close(): Promise<void> {
    for (const connection of this.connections) connection.close();
  }
}

const REWRITES = /^url\..*\.insteadof$/;
/** What only git obeys: which transports may be used, and another program at the other side. */
const GIT_ALONE = /^protocol\./;

function checkOurs({ env }: GitPlace, config: ConfiguredValues, remote: string, url: string): void {
  const alone =
    env['GIT_ALLOW_PROTOCOL'] !== undefined ||
    config.names().some((name) => GIT_ALONE.test(name)) ||
    config.all(`remote.${remote}.receivepack`).length > 0;
  if (!alone) return;
  throw new KvError(
    'NOT_SUPPORTED',
    `only git knows the way to ${shownUrl(url)}, by its settings for protocols and receivepack`,
    {
      hint: 'push the intent with git',
    },
  );
}
