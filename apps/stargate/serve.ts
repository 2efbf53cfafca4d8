import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { traceBundles } from '../../domain/gateway/epochs/trace-bundles.js';
import { decodeCommit } from '../../domain/git/commit.js';
import { openProfile } from '../../plugins/host/index.js';
import type { BundleArchive } from '../../ports/bundle-archive.js';
import type { Clock } from '../../ports/clock.js';
import { KvError, toKvError } from '../../ports/error.js';
import type { GitService } from '../../ports/git-service.js';
import type { GitStore } from '../../ports/git-store.js';
import type { LeaderLock } from '../../ports/leader-lock.js';
import type { MirrorTarget } from '../../ports/mirror-target.js';
import type { Policy, PolicyReader } from '../../ports/policy-reader.js';
import type { RepositoryHost } from '../../ports/repository-host.js';
import type { RepositoryUpkeep } from '../../ports/repository-upkeep.js';
import { compactVerb } from './admin/compact.js';
import { statusVerb } from './admin/status.js';
import { type Endpoint, portOfSshUrl, writeEndpoints } from './endpoints.js';
import { type GatewayHost, startGateway } from './leader/gateway-host.js';
import { ownEnv } from './environment.js';
import { startHousekeeping } from './repository/housekeeping.js';
import { listenHttp } from './http/server.js';
import { type LeadershipState, startLeadership } from './leader/leadership.js';
import type { Log } from './log.js';
import { createMetrics } from './http/metrics.js';
import { describeMirror, mirrorProbe } from './admin/mirror-view.js';
import { openPolicyFile } from './repository/policy-file.js';
import { type PushOutcome, pushLimits, serveReceivePack } from './push/receive-pack.js';
import { type AnswersTo, repositoryIds } from './repository/repository-id.js';
import { routeCommands } from './ssh/route.js';
import type { ServeExec } from './ssh/exec-session.js';
import { type Identify, identifyBy } from './ssh/auth.js';
import { listenSsh } from './ssh/server.js';
import { chooseProfile, type ProfileChoice } from './stargate-profile.js';
import { productVersion } from './version.js';

export interface ServeOptions extends ProfileChoice {
  readonly repo: string;
  readonly listenSsh: Endpoint;
  readonly listenHttp: Endpoint;
  /** undefined: `<repo>/.kv/policy.yaml`. */
  readonly policyPath: string | undefined;
  readonly sampleSize: number;
  readonly log: Log;
}

export interface Daemon {
  readonly ssh: Endpoint;
  readonly http: Endpoint;
  /** Who leads: this one, when it has won the lease. */
  readonly leadership: LeadershipState;
  /** Resolves when the daemon must end by itself: it has lost the lease. */
  readonly lost: Promise<void>;
  /** Finishes the push at hand (for at most 30 s), gives the lease up and closes everything. */
  stop(): Promise<void>;
}

const GRACE_MS = 30_000;
const READ_TIMEOUT_MS = 3_600_000;
/** How long a compaction holds new pushes up to wait for the ones at hand. */
const COMPACT_PATIENCE_MS = 30_000;

/** Starts a Stargate over one repository. Throws `CONFIG_INVALID`, `IO_ERROR`, and what recovery throws. */
export async function serve(options: ServeOptions): Promise<Daemon> {
  const { log } = options;
  const started = Date.now();
  const gitDir = resolve(options.repo);
  const profile = await chooseProfile(options);
  const composition = await openProfile(profile, { directory: gitDir, env: ownEnv() });
  const repository = await composition.get<RepositoryHost>('repository-host');
  await repository.check(); // hooks of another version are written anew once this one leads
  const hostKey = await readHostKey(gitDir);
  const closing: (() => Promise<void> | void)[] = [() => composition.close()];
  const stop = once(async () => {
    for (const close of closing.splice(0).reverse()) {
      await Promise.resolve(close()).catch((error: unknown) => log.warn('stop.failed', { message: toKvError(error).message }));
    }
    log.info('stopped');
  });
  try {
    const metrics = createMetrics();
    const store = await composition.get<GitStore>('git-store');
    const clock = await composition.get<Clock>('clock');
    const mirror = await composition.get<MirrorTarget>('mirror-target');
    const upkeep = await composition.get<RepositoryUpkeep>('repository-upkeep');
    const bundles = await composition.get<BundleArchive>('bundle-archive');
    const services = await composition.get<GitService>('git-service');
    let host: GatewayHost | undefined;

    const policyFile = await openPolicyFile({
      path: options.policyPath ?? join(gitDir, '.kv', 'policy.yaml'),
      reader: await composition.get<PolicyReader>('policy-reader'),
      onChange: async ({ text }) => host?.publish(text),
      log,
    });
    closing.push(() => policyFile.close());
    const clients = accessBy(gitDir, () => policyFile.current.policy);

    let lose: () => void = () => undefined;
    const lost = new Promise<void>((resolveLost) => {
      lose = resolveLost;
    });
    metrics.role(false);
    const leadership = await startLeadership({
      lock: await composition.get<LeaderLock>('leader-lock'),
      name: `${hostname()}:${process.pid}`,
      async onWon(lease) {
        const cleared = await repository.unlock(); // first: a locked config can't be upgraded
        if (cleared.length > 0) log.warn('repository.unlocked', { locks: cleared });
        const { hooks, settings } = await repository.upgrade();
        if (hooks.length + settings.length > 0) log.warn('repository.upgraded', { hooks, settings });
        await repository.sweepQuarantines(2 * pushLimits(policyFile.current.policy).timeout);
        const fresh = await startGateway({
          ...{ composition, lease, metrics, log, sampleSize: options.sampleSize },
          policy: () => policyFile.current.policy,
        });
        try {
          await fresh.publish(policyFile.current.text);
          const traced = await traceBundles({
            ...{ bundles, store, gateway: fresh.gateway },
            unreadable: (bundle, { message }) => log.warn('bundle.unreadable', { bundle, message }),
          });
          if (traced.length > 0) log.info('epoch.traced', { refs: traced });
        } catch (error) {
          await fresh.stop();
          throw error;
        }
        host = fresh;
        metrics.role(true);
      },
      onLost() {
        metrics.role(false);
        lose();
      },
      log,
    });
    closing.push(() => leadership.stop());
    closing.push(() => host?.stop());
    const housekeeping = startHousekeeping({
      ...{ upkeep, log },
      tidy: async () => host?.gateway.exclusively(async () => host?.compact()),
    });
    closing.push(() => housekeeping.stop());

    const onOutcome = (outcome: PushOutcome): void => {
      if (outcome.kind === 'rejected') {
        metrics.rejected(outcome.error.code);
        return;
      }
      metrics.accepted(outcome.ms);
      housekeeping.accepted();
    };
    // One for all pushes, so that it knows whether any other is at hand.
    const receive = serveReceivePack({
      ...{ services, host: repository, store, onOutcome, log },
      get gateway() {
        return (host as GatewayHost).gateway;
      },
      get limits() {
        return pushLimits(policyFile.current.policy);
      },
    });
    const push: ServeExec = async (session) => {
      await leadership.lease();
      return housekeeping.during(() => receive(session));
    };
    const status = statusVerb({
      repository: gitDir,
      version: productVersion(),
      uptime: () => Date.now() - started,
      leadership: () => leadership.state(),
      namespaces: () => policyFile.current.policy.namespaces.keys(),
      store,
      epochOf: async (ledger) => epochOf(store, ledger),
      policy: () => policyFile.status,
      mirror: () => describeMirror(mirror, host?.worker.status() ?? null, store),
    });
    const compact = compactVerb({
      ...{ store, bundles, upkeep, log },
      policy: () => policyFile.current.policy,
      gateway: async () => {
        await leadership.lease();
        return (host as GatewayHost).gateway;
      },
      quietly: (work) => housekeeping.quietly(work, COMPACT_PATIENCE_MS),
    });
    const probe = mirrorProbe(mirror, () => clock.now());
    const http = await listenHttp({
      ...options.listenHttp,
      metrics,
      async healthz() {
        // A standby leaves them as the leader, which may be of another version, needs them.
        const hooks = host === undefined || (await repository.hooksInPlace());
        const readable = await store.refs(['refs/kv-policy/']).then(
          () => [],
          (error: unknown) => [`repository: ${toKvError(error).message}`],
        );
        return { reasons: [...readable, ...(hooks ? [] : ['hooks: not in place'])], facts: { version: productVersion() } };
      },
      async readyz() {
        const [{ leader, holder }, unreachable] = await Promise.all([leadership.state(), probe()]);
        const worker = host?.worker.status() ?? null;
        // What the mirror refuses of one namespace or branch is in `status` and the metrics: the others are served as ever.
        const stuck = worker !== null && worker.backlog > 0 ? worker.hostError : null;
        metrics.ready(unreachable === null);
        const reasons = [
          ...(leader ? [] : [`standby: the leader is ${holder ?? 'nobody'}`]),
          ...(unreachable === null ? [] : [`mirror: ${unreachable}`]),
          ...(stuck === null ? [] : [`mirror queue: ${worker?.backlog} waiting, last ${stuck.code}: ${stuck.message}`]),
        ];
        return { reasons, facts: { leader, backlog: worker?.backlog ?? 0 } };
      },
    });
    closing.push(() => http.close());
    const ssh = await listenSsh({
      ...options.listenSsh,
      hostKeys: [hostKey],
      identify: (type, blob) => clients().identify(type, blob),
      answersTo: (path) => clients().answersTo(path),
      route: routeCommands({ services, push, verbs: [status, compact], readTimeout: READ_TIMEOUT_MS }),
      log,
    });
    closing.push(() => ssh.close(GRACE_MS));
    closing.push(await writeEndpoints(gitDir, { ssh, http }));
    const state = await leadership.state();
    const { leader } = state;
    log.info('ready', { ssh: `${ssh.host}:${ssh.port}`, http: `${http.host}:${http.port}`, leader, profile: profile.name });
    const { pushUrl } = policyFile.current.policy;
    const wanted = pushUrl === null ? undefined : portOfSshUrl(pushUrl);
    if (wanted !== undefined && wanted !== ssh.port && options.listenSsh.port !== 0)
      log.warn('policy.push-url', { push_url: pushUrl, port: wanted, listening: ssh.port });
    return { ssh, http, leadership: state, lost, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Who may come in, and by which names the repository goes, as the policy in force says; worked out once a policy. */
function accessBy(gitDir: string, policy: () => Policy): () => { readonly identify: Identify; readonly answersTo: AnswersTo } {
  let of: Policy | undefined;
  let clients = { identify: (): null => null, answersTo: () => false } as { identify: Identify; answersTo: AnswersTo };
  return () => {
    const now = policy();
    if (now !== of) clients = { identify: identifyBy(now), answersTo: repositoryIds(gitDir, now.pushUrl) };
    of = now;
    return clients;
  };
}

async function readHostKey(gitDir: string): Promise<Buffer> {
  try {
    return await readFile(join(gitDir, '.stargate', 'ssh_host_ed25519_key'));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') {
      throw new KvError('CONFIG_INVALID', `cannot read ${gitDir}: permission denied`, {
        cause,
        hint: 'run as the owner of the repository',
      });
    }
    throw new KvError('CONFIG_INVALID', `${gitDir} is not a Stargate's repository: ${code}`, {
      cause,
      hint: 'make it with git-kv-stargate init',
    });
  }
}

async function epochOf(store: GitStore, ledger: string): Promise<string | null> {
  const [commit] = await store.read([ledger]);
  if (!commit) return null;
  return /^Epoch: (\S+)$/m.exec(decodeCommit(commit.body, ledger, store.objectFormat).message)?.[1] ?? null;
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= work());
}
