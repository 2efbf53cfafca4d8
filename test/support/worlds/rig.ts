import { principal } from '../../../domain/access/principal.js';
import { gitBounds, pushLimits, type PushLimits } from '../../../domain/gateway/limits/push-limits.js';
import { USUAL_LIMITS } from '../../../ports/stargate/limits.js';
import type { PushOutcome } from '../../../apps/stargate/push/push-options.js';
import { serveReceivePack } from '../../../apps/stargate/push/receive-pack.js';
import { readKey } from '../../../apps/stargate/host-key/key-files.js';
import { repositoryIds } from '../../../apps/stargate/repository/repository-id.js';
import type { Identify } from '../../../apps/stargate/ssh/auth.js';
import { routeCommands } from '../../../apps/stargate/ssh/route.js';
import { reachOne } from '../../../apps/stargate/ssh/reach.js';
import type { ServedHostKeys } from '../../../apps/stargate/ssh/attend.js';
import { listenSsh, type SshLimits, type SshListener } from '../../../apps/stargate/ssh/server.js';
import { openProfile } from '../../../plugins/host/index.js';
import type { GitService } from '../../../ports/git/git-service.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';
import { FakeGateway } from './fake-gateway.js';
import { publicBlob, sshOptions } from '../keys.js';
import type { Ran } from '../programs/processes.js';
import { Sandbox } from './sandbox.js';
import { ROOMY } from '../roomy.js';
import { SILENT } from '../silent-log.js';

/** A bare repository behind a real SSH server, with a fake gateway, and a clone to push from. */
export interface Rig {
  readonly sandbox: Sandbox;
  readonly gitDir: string;
  readonly gateway: FakeGateway;
  readonly ssh: SshListener;
  /** What the server reads refs through. */
  readonly store: GitStore;
  readonly outcomes: PushOutcome[];
  /** Ends the leadership that pushes are served under; its reason is what they are refused with. */
  readonly over: AbortController;
  readonly keys: { readonly writer: string; readonly reader: string; readonly stranger: string };
  readonly work: string;
  /** Takes a key from the policy. What is connected is not looked at, unless `ssh.review` is called. */
  remove(key: string): void;
  sshArgs(key: string): string[];
  sshCommand(key: string): string;
  url(path?: string): string;
  push(...args: string[]): Promise<Ran>;
  close(): Promise<void>;
}

export async function rig(
  options: { limits?: Partial<PushLimits>; ssh?: Partial<SshLimits>; hostKeys?: ServedHostKeys; writer?: string } = {},
): Promise<Rig> {
  const sandbox = new Sandbox();
  const gitDir = sandbox.path('shop.git');
  const composition = await openProfile('test', { directory: gitDir, env: sandbox.env });
  const host = await composition.get<RepositoryHost>('repository-host');
  const services = await composition.get<GitService>('git-service');
  await host.create({ objectFormat: 'sha1', mirror: { remote: 'mirror', url: '/nowhere', push: [] } });
  const keys = {
    writer: options.writer ?? sandbox.key('writer'),
    reader: sandbox.key('reader'),
    stranger: sandbox.key('stranger'),
  };
  const hostKey = await readKey('ed25519', sandbox.key('host'));
  const hostKeys = options.hostKeys ?? { inUse: hostKey === null ? [] : [hostKey], next: [] };
  const [writer, reader] = [publicBlob(keys.writer), publicBlob(keys.reader)];
  const removed: Buffer[] = [];
  const identify: Identify = (_type, blob) => {
    if (removed.some((each) => each.equals(blob))) return null;
    if (writer.equals(blob)) return principal('writer', 'writer');
    return reader.equals(blob) ? principal('reader', 'reader') : null;
  };
  const gateway = new FakeGateway(sandbox, gitDir);
  const outcomes: PushOutcome[] = [];
  const over = new AbortController();
  const store = await composition.get<GitStore>('git-store');
  const push = serveReceivePack({
    ...{ services, host, gateway, store },
    limits: {
      ...pushLimits({ limits: USUAL_LIMITS, maxPushObjects: 1_000_000, namespaces: new Map() } as never),
      ...options.limits,
    },
    onOutcome: (outcome) => outcomes.push(outcome),
    room: ROOMY,
    over: over.signal,
    log: SILENT,
  });
  const verbs = [{ name: 'echo', role: 'any' as const, run: async (args: readonly string[]) => args }];
  const limits = () => ({ ...USUAL_LIMITS, connectionsPerKey: 64, ...options.ssh });
  const ssh = await listenSsh({
    host: '127.0.0.1',
    port: 0,
    hostKeys: () => hostKeys,
    identify,
    reach: reachOne({
      identify,
      answersTo: repositoryIds(gitDir, 'ssh://git@stargate.local/org/repo.git'),
      route: routeCommands({
        services,
        store,
        push,
        intents: async () => 1,
        verbs,
        limits,
        bounds: () => gitBounds(USUAL_LIMITS),
      }),
    }),
    limits,
    log: SILENT,
  });
  const work = sandbox.path('work');
  sandbox.run('git', ['init', '--quiet', '-b', 'main', work]);
  const sshArgs = (key: string): string[] => [...sshOptions(key), '-p', String(ssh.port)];
  const sshCommand = (key: string): string => `ssh ${sshArgs(key).join(' ')}`;
  const url = (path = 'shop.git'): string => `git@127.0.0.1:${path}`;
  return {
    ...{ sandbox, gitDir, gateway, ssh, store, outcomes, over, keys, work, sshArgs, sshCommand, url },
    push: (...args) => sandbox.exec('git', ['-C', work, 'push', url(), ...args], { GIT_SSH_COMMAND: sshCommand(keys.writer) }),
    remove(key) {
      removed.push(publicBlob(key));
    },
    async close() {
      await ssh.close(0);
      await composition.close();
      sandbox.remove();
    },
  };
}

/** Commits one file and gives the commit's id. */
export function commitFile({ sandbox, work }: Rig, name: string, text: string): string {
  const blob = sandbox.run('git', ['-C', work, 'hash-object', '-w', '--stdin'], text).toString().trim();
  sandbox.git(work, 'update-index', '--add', '--cacheinfo', `100644,${blob},${name}`);
  sandbox.git(work, 'commit', '--quiet', '-m', name);
  return sandbox.git(work, 'rev-parse', 'HEAD');
}
