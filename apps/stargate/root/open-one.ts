import { join } from 'node:path';
import type { Composition, FoundPlugin } from '../../../plugins/host/index.js';
import { KvError } from '../../../ports/error.js';
import { parseRepositoryName } from '../../../ports/grammar/repository-name.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import type { Membership } from '../cluster/join-cluster.js';
import type { Log } from '../log/log.js';
import { formatServers, foundersOf, SERVERS } from '../repository/founders.js';
import { writeKept } from '../repository/kept-file.js';
import { composeRepository } from '../serving/composed-repository.js';
import { type ServedRepository, serveRepository } from '../serving/served-repository.js';
import type { ProfileChoice } from '../stargate-profile.js';
import { rest, stir } from './at-rest.js';
import type { RootCluster } from './cluster/root-cluster.js';
import type { Catalogue } from './folders/catalogue.js';
import { logOf } from './root-log.js';
import type { SummedMetrics } from './summed-metrics.js';

/** What opening a repository of a root takes; what is asked by a function is made after it. */
interface Opening {
  readonly catalogue: Catalogue;
  readonly summed: SummedMetrics;
  readonly log: Log;
  readonly hostKeys: Parameters<typeof serveRepository>[1]['hostKeys'];
  /** When the server began, ms. */
  readonly started: number;
  readonly sampleSize: number;
  readonly onPlugin: ((plugin: FoundPlugin) => void) | undefined;
  /** The profile of a repository, with what its own configuration says. */
  readonly choiceOf: (gitDir: string) => Promise<ProfileChoice>;
  /** Whether the root's profile names the servers of a cluster. */
  readonly isClustered: boolean;
  readonly cluster: () => RootCluster | null;
  readonly opened: () => ReadonlyMap<string, ServedRepository>;
  /** Hears the policy that is in force in a repository. */
  readonly note: (name: string, policy: Policy) => void;
  /** Connections are looked through: who may stay may have changed. */
  readonly review: () => void;
}

/** One repository of a root, and whether something of it has still to be done where nobody uses it. */
export type OneOfRoot = ServedRepository & { owes(): boolean };

/** Opens repositories below a root. The function throws `NOT_FOUND`, `CONFIG_INVALID`, and what serving throws. */
export function openingOf(parts: Opening): (name: string) => Promise<OneOfRoot> {
  const { catalogue, summed, hostKeys, started, sampleSize, onPlugin, isClustered, note } = parts;
  return async (name) => {
    const cluster = parts.cluster();
    const gitDir = await catalogue.find(nameOf(name));
    if (gitDir === null) throw new KvError('NOT_FOUND', `no repository '${name}' here`);
    const log = logOf(parts.log, name);
    const told = summed.of(name);
    const choice = await parts.choiceOf(gitDir);
    const membership = await membershipOf(cluster, name, gitDir, { named: isClustered, log });
    const composed = await composeRepository({ repo: gitDir, choice, policyPath: undefined, log, onPlugin });
    if (cluster === null && inCluster(composed.composition)) {
      await composed.composition.close();
      throw noCluster(name);
    }
    await stir(gitDir);
    if (membership !== undefined) cluster?.opening(membership);
    const served = await serveRepository(composed, {
      ...(membership === undefined ? {} : { dispatch: cluster?.dispatch, membership }),
      ...{ hostKeys, metrics: told.metrics, started, sampleSize, log, onRoom: () => undefined },
      review() {
        const policy = parts.opened().get(name)?.policy().policy;
        if (policy !== undefined) note(name, policy);
        parts.review();
      },
    });
    note(name, served.policy().policy);
    log.info('repository.opened', { open: parts.opened().size + 1 });
    const { member } = served;
    const mirrored = composed.composition.profile.adapters['mirror-target']?.use !== 'mirror-none';
    return {
      ...served,
      owes: () => served.state().backlog > 0 || member?.settled === false,
      async close() {
        const { leads, backlog } = served.state();
        await served.close();
        const resting = member === undefined ? null : (cluster?.restOf(member) ?? null);
        if (membership !== undefined) cluster?.left(membership, resting);
        // What another has decided may still have to be mirrored, when this one leads.
        const done = member === undefined ? leads : resting !== null && (leads || !mirrored);
        if (done && backlog === 0) await rest(gitDir, resting);
        told.forget();
        log.info('repository.closed', { backlog });
      },
    };
  };
}

/** Whether a profile names the servers of a cluster. */
export const inCluster = ({ profile }: Composition): boolean => profile.adapters['peer-transport'] !== undefined;

/** The repositories of a root are of one cluster, or of none. */
function noCluster(what: string): KvError {
  return new KvError('CONFIG_INVALID', `${what}: its profile names the servers of a cluster, and that of the root names none`, {
    hint: 'name the servers in the profile that the root is served with, or serve that repository by itself, with --repo',
  });
}

/** How a repository takes part in the root's cluster; undefined: it is served alone. Throws `CONFIG_INVALID`. */
async function membershipOf(
  cluster: RootCluster | null,
  name: string,
  gitDir: string,
  { named, log }: { readonly named: boolean; readonly log: Log },
): Promise<Membership | undefined> {
  if (cluster === null) return undefined;
  const found = await cluster.find(name);
  if (found !== null) {
    if ((await foundersOf(gitDir)) === null) await writeKept(join(gitDir, SERVERS), formatServers(found.founders));
    return cluster.membershipOf(name, found);
  }
  if (named)
    throw new KvError('CONFIG_INVALID', `${name} has no id by which the servers could know it`, {
      hint: 'serve it once without a cluster, which gives it one, and copy it to the other servers',
    });
  log.warn('cluster.alone', { message: 'it was not created by these servers together: what is pushed to it stays here' });
  return undefined;
}

/** A name of the catalogue's, which has read it already. Throws `NOT_FOUND` for what is none. */
export function nameOf(text: string): NonNullable<ReturnType<typeof parseRepositoryName>> {
  const name = parseRepositoryName(text);
  if (name === null) throw new KvError('NOT_FOUND', `no repository '${text.slice(0, 200)}' here`);
  return name;
}
